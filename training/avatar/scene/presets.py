"""Expressions by name: weights of the face model's shapes. A name without _L or _R stands for both sides."""

FIRST_VISEMES: dict[str, dict[str, float]] = {
    "A": {"jawOpen": 0.62, "mouthLowerDown": 0.25, "mouthUpperUp": 0.12},
    "E": {"jawOpen": 0.28, "mouthStretch": 0.4, "mouthUpperUp": 0.25, "mouthLowerDown": 0.35, "mouthSmile": 0.1},
    "I": {"jawOpen": 0.12, "mouthSmile": 0.3, "mouthStretch": 0.4, "mouthLowerDown": 0.4, "mouthUpperUp": 0.22},
    "O": {"jawOpen": 0.45, "mouthFunnel": 0.65, "mouthPucker": 0.25},
    "U": {"jawOpen": 0.16, "mouthPucker": 0.75, "mouthFunnel": 0.35},
    "MBP": {"mouthPress": 0.45, "mouthRollLower": 0.35, "mouthRollUpper": 0.30, "mouthShrugLower": 0.12},
    "FV": {"mouthRollLower": 0.6, "jawOpen": 0.10, "mouthUpperUp": 0.35},
    "L": {"jawOpen": 0.30, "mouthLowerDown": 0.3, "mouthUpperUp": 0.12},
    "S": {"jawOpen": 0.05, "mouthStretch": 0.25, "mouthLowerDown": 0.45, "mouthUpperUp": 0.3, "mouthSmile": 0.1},
    "CH": {
        "jawOpen": 0.10,
        "mouthFunnel": 0.55,
        "mouthPucker": 0.3,
        "mouthUpperUp": 0.2,
        "mouthLowerDown": 0.2,
    },
    "funnel": {"mouthFunnel": 1.0},
    "pucker": {"mouthPucker": 1.0},
}
LATER_VISEMES = {"TH": {"jawOpen": 0.16, "mouthStretch": 0.14, "mouthLowerDown": 0.36, "mouthUpperUp": 0.16}}
# Random mouths are mixed of these, by version of the scene: an addition changes all motion of a seed.
VISEMES = {"v1": FIRST_VISEMES, "v2": FIRST_VISEMES | LATER_VISEMES}
PRESETS: dict[str, dict[str, float]] = {
    "neutral": {},
    "smile": {"mouthSmile": 0.75, "cheekSquint": 0.45, "mouthUpperUp": 0.15, "eyeSquint": 0.15},
    "jawOpen": {"jawOpen": 1.0},
    **FIRST_VISEMES,
    **LATER_VISEMES,
    "press": {"mouthPress": 0.8, "mouthDimple": 0.2},
    "blink": {"eyeBlink": 1.0},
    "browUp": {"browInnerUp": 0.9, "browOuterUp": 0.9, "eyeWide": 0.4},
    "browDown": {"browDown": 0.9, "noseSneer": 0.25},
    "sad": {"browInnerUp": 0.8, "mouthFrown": 0.6, "mouthShrugLower": 0.3},
    "lookLeft": {"eyeLookOut_L": 0.8, "eyeLookIn_R": 0.8},
    "lookDown": {"eyeLookDown": 0.7, "eyeBlink": 0.15},
}
