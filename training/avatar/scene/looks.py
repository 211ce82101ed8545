"""What the avatars look like, and the versions of the scene that they are rendered in."""

from dataclasses import asdict, dataclass, field

import numpy as np

from avatar.scene.camera import Camera
from avatar.scene.versions import SceneVersion

MAIN_MODES = 12  # the first identity modes carry the shape of the head, the others details
COEFFICIENTS = 40

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """One avatar. Colours are linear RGB in 0…1, strengths 0…1, lengths centimetres.

    identity: standard normal coefficients of the face model. rest: the expression of the resting face, which belongs
    to the person: a descriptor of zeros shows it. hair: `short` (side part) or `bob` (parted, to the jaw).
    """

    identity: tuple[float, ...]
    rest: dict[str, float] = field(default_factory=lambda: {"mouthSmile": 0.16, "mouthDimple": 0.06})
    skin: Colour = (0.56, 0.27, 0.165)
    blush: float = 1.0
    freckles: float = 0.25
    stubble: float = 0.0
    makeup: float = 0.35
    lips: Colour = (0.46, 0.12, 0.105)
    iris: Colour = (0.075, 0.14, 0.17)
    hair: str = "short"
    hair_colour: Colour = (0.060, 0.030, 0.017)
    hair_strands: int = 7500
    hair_radius: float = 0.036
    hair_seed: int = 1
    brow_hairs: int = 420
    brow_width: float = 1.15
    lash_length: float = 1.0
    shirt: Colour = (0.045, 0.085, 0.15)


def random_identity(seed: int, strength: float, spread: float = 0.75) -> tuple[float, ...]:
    """Coefficients of a person by chance; strength 0 is the mean face, 1 as different from it as people are."""
    draw = np.random.default_rng(seed).normal(0, spread, COEFFICIENTS)
    return tuple((draw * np.where(np.arange(COEFFICIENTS) < MAIN_MODES, 1, 0.8) * strength).tolist())


LOOKS = {
    "alex": Look(identity=random_identity(109, 0.75)),
    "mia": Look(
        identity=random_identity(104, 0.8),
        hair="bob",
        hair_colour=(0.115, 0.050, 0.022),
        iris=(0.10, 0.13, 0.06),
        makeup=0.6,
        skin=(0.60, 0.30, 0.19),
        lips=(0.50, 0.11, 0.11),
        brow_width=0.8,
        lash_length=1.25,
        shirt=(0.30, 0.09, 0.08),
        freckles=0.8,
    ),
}


def scene_description(look: Look, camera: Camera, version: SceneVersion) -> dict:
    """What a data folder keeps of the scene, for JSON: all of the look, and what `Surface.of` reads of the rest."""
    return {
        **asdict(look),
        "follow": version.follow,
        "breath": version.breath,
        "cam_dist": camera.distance_cm,
        "cam_y": camera.height_cm,
        "frame": camera.width_cm,
    }
