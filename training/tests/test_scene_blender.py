"""Real pictures of a synthetic head, where Blender is installed."""

import shutil

import numpy as np
import pytest
from PIL import Image

from avatar.scene.looks import LOOKS
from avatar.scene.sampling import descriptor
from avatar.scene.shots import Job, Shot
from avatar.scene.versions import VERSIONS
from avatar.scene.workers import blender_command, render
from motion.space import EXPRESSIONS
from tests.synthetic_head import write_synthetic_head

pytestmark = pytest.mark.skipif(
    shutil.which("blender") is None, reason="Blender is not installed (Debian: apt install blender)"
)


@pytest.mark.parametrize("version", VERSIONS)
def test_blender_renders_the_avatar_that_was_asked_for(tmp_path, version):
    face_model = write_synthetic_head(tmp_path / "face.npz")
    poses = {"rest": {}, "left": {"yaw_deg": 25.0}, "away": {"tx_cm": 40.0}}
    rows = {name: descriptor(EXPRESSIONS, {}, **pose) for name, pose in poses.items()}
    shots = [Shot.of(tmp_path / f"{name}.png", row, 48, 4, seed=1) for name, row in rows.items()]

    done = list(render(shots, Job(LOOKS["alex"], str(face_model), version), blender_command(1), processes=1))

    assert len(done) == 3
    pictures = {}
    for name in poses:
        with Image.open(tmp_path / f"{name}.png") as picture:
            pictures[name] = np.asarray(picture.convert("RGB")).astype(int)
    assert pictures["rest"].shape == (48, 48, 3)
    red, green, blue = pictures["rest"][24, 24]
    assert red > green > blue  # skin
    red, _, blue = pictures["rest"][46, 10]
    assert blue > red  # the shirt
    assert np.abs(pictures["rest"] - pictures["left"]).mean() > 1
    spread = pictures["away"].reshape(-1, 3).std(0).max()
    assert spread < pictures["rest"].reshape(-1, 3).std(0).max()  # nobody is left in it
    assert not list(tmp_path.glob("*.part.*"))
