"""What is asked of Blender: one avatar (`Job`) and the pictures of it (`Shot`), as lines of JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from avatar.scene.looks import Look

REPLY = "visavis "  # what a line begins with that answers, among all that Blender prints


@dataclass(frozen=True)
class Job:
    """Which avatar a worker shows. face_model: path of `ict-face.npz`. version: one of `VERSIONS`."""

    look: Look
    face_model: str
    version: str

    def line(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def parse(line: str) -> "Job":
        fields = json.loads(line)
        return Job(Look(**fields["look"]), fields["face_model"], fields["version"])


@dataclass(frozen=True)
class Shot:
    """One picture: its file (.jpg or .png), descriptor (59,), size in pixels, samples a pixel, seed of their noise."""

    path: str
    motion: tuple[float, ...]
    size: int
    samples: int
    seed: int

    @staticmethod
    def of(path: Path, motion: Sequence[float], size: int, samples: int, seed: int) -> "Shot":
        return Shot(str(path), tuple(float(value) for value in motion), size, samples, seed)

    def line(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def parse(line: str) -> "Shot":
        fields = json.loads(line)
        return Shot(**{**fields, "motion": tuple(fields["motion"])})
