"""A data folder: which pictures belong into it, which of them are missing, and what is written beside them.

`frames/NNNNNN.jpg` are noisy renders to train on, of which the first 12 are clean source portraits; `clean/NNNNNN.jpg`
are noise-free renders of the frame numbers divisible by 20, which are held out; `params.npz` holds motion float32[n,
59] (row = frame number), its names, avatar, scene, config (JSON of the look and the camera), size, spp and seed;
`landmarks.npy` float32[n, 68, 2] in 0…1, NaN for frames without a picture.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar.face_model import FaceModel
from avatar.scene.camera import Camera
from avatar.scene.head import Head
from avatar.scene.looks import LOOKS, scene_description
from avatar.scene.presets import VISEMES
from avatar.scene.sampling import POSE_NAMES, SOURCE_POSES, set_motion
from avatar.scene.shots import Shot
from avatar.scene.versions import LATEST, VERSIONS

SOURCES = len(SOURCE_POSES)
HELD_OUT_EVERY = 20
SIZE = 256
TRAINING_SAMPLES, SOURCE_SAMPLES, CLEAN_SAMPLES = 16, 64, 256
CLEAN_SEED = 500_000  # the noise of a noise-free render is not that of the noisy one


def is_held_out(number: int) -> bool:
    """Whether a frame is kept from training; the source portraits are not."""
    return number >= SOURCES and number % HELD_OUT_EVERY == 0


@dataclass(frozen=True)
class DataSet:
    """What one folder is to hold: `count` frames of an avatar of `LOOKS` in a version of `VERSIONS`, with motion by
    `seed`, `size` pixels wide."""

    folder: Path
    avatar: str
    count: int
    seed: int
    version: str = LATEST
    size: int = SIZE

    def path(self, number: int) -> Path:
        """Where the picture of a frame number belongs."""
        return self.folder / ("clean" if is_held_out(number) else "frames") / f"{number:06d}.jpg"

    def shot(self, number: int, motion: np.ndarray) -> Shot:
        """How frame `number` is rendered."""
        if is_held_out(number):
            samples, seed = CLEAN_SAMPLES, number + CLEAN_SEED
        else:
            samples, seed = (SOURCE_SAMPLES if number < SOURCES else TRAINING_SAMPLES), number
        return Shot.of(self.path(number), motion[number], self.size, samples, seed)

    def missing(self, motion: np.ndarray) -> Iterator[Shot]:
        """The shots without a picture, by number, so that a set that is stopped early has its share of everything."""
        return (self.shot(number, motion) for number in range(self.count) if not self.path(number).exists())

    def prepare(self, model: FaceModel) -> np.ndarray:
        """Makes the folders and writes or extends params.npz; returns the motion (count, 59).

        Raises ValueError when the folder holds another avatar or motion.
        """
        for name in ("frames", "clean"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        motion = set_motion(model.names, self.count, self.seed, VISEMES[self.version])
        parameters = self.folder / "params.npz"
        if parameters.exists():
            with np.load(parameters) as stored:
                kept = stored["motion"]
                version = str(stored["scene"]) if "scene" in stored else "v1"  # the first sets do not say
                self._check(str(stored["avatar"]), version, int(stored["size"]), kept, motion)
            if len(kept) >= self.count:
                return kept[: self.count]
        np.savez(
            parameters,
            motion=motion,
            names=np.array([*model.names, *POSE_NAMES]),
            avatar=self.avatar,
            scene=self.version,
            config=json.dumps(scene_description(LOOKS[self.avatar], Camera(), VERSIONS[self.version])),
            size=self.size,
            spp=TRAINING_SAMPLES,
            seed=self.seed,
        )
        return motion

    def _check(self, avatar: str, version: str, size: int, kept: np.ndarray, motion: np.ndarray) -> None:
        held, wanted = (avatar, version, size), (self.avatar, self.version, self.size)
        if held != wanted:
            held, wanted = ("{} in scene {} at {} pixels".format(*each) for each in (held, wanted))
            raise ValueError(f"{self.folder} holds {held}, not {wanted}: choose another folder")
        shared = min(len(kept), len(motion))
        if not np.allclose(kept[:shared], motion[:shared], atol=1e-5):
            raise ValueError(
                f"{self.folder} holds other motion than seed {self.seed} gives: choose its seed or a new folder"
            )

    def write_landmarks(self, model: FaceModel, motion: np.ndarray) -> None:
        """Writes landmarks.npy anew, for the pictures that there are."""
        head, camera = Head.of(model, LOOKS[self.avatar], VERSIONS[self.version]), Camera()
        landmarks = np.full((len(motion), len(model.landmarks), 2), np.nan, np.float32)
        for number, row in enumerate(motion):
            if self.path(number).exists():
                landmarks[number] = head.landmarks(row, camera)
        unfinished = self.folder / "landmarks.part.npy"
        np.save(unfinished, landmarks)
        unfinished.replace(self.folder / "landmarks.npy")
