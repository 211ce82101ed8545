"""What a data folder holds, what is missing from it, and the processes that fill it."""

import json
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from avatar.correspondence import read_surface
from avatar.data import Portraits
from avatar.face_model import FaceModel
from avatar.scene.folder import CLEAN_SAMPLES, DataSet, is_held_out
from avatar.scene.looks import LOOKS
from avatar.scene.sampling import descriptor
from avatar.scene.sheet import COLUMNS, assemble, sheet_motion
from avatar.scene.shots import REPLY, Job, Shot
from avatar.scene.still import parse_weights
from avatar.scene.versions import LATEST
from avatar.scene.workers import blender_command, render
from motion.space import EXPRESSIONS
from tests.synthetic_head import write_synthetic_head

# A stand-in for Blender: paints each picture in one colour, and fails where it is asked to.
PAINTER = f"""
import json, sys
from PIL import Image
job = json.loads(sys.stdin.readline())
print("Blender says hello", flush=True)
print({REPLY!r} + "{{}}", flush=True)
for line in sys.stdin:
    shot = json.loads(line)
    if shot["seed"] == 666:
        print("out of memory", flush=True)
        sys.exit(3)
    if shot["seed"] == 667:
        print({REPLY!r} + json.dumps({{"error": "no such ending"}}), flush=True)
        continue
    Image.new("RGB", (shot["size"], shot["size"]), (shot["samples"] % 256, 0, 0)).save(shot["path"])
    print({REPLY!r} + "{{}}", flush=True)
"""
COMMAND = [sys.executable, "-c", PAINTER]


@pytest.fixture(scope="module")
def face_model(tmp_path_factory):
    return write_synthetic_head(tmp_path_factory.mktemp("head") / "face.npz")


def job(face_model) -> Job:
    return Job(LOOKS["alex"], str(face_model), LATEST)


def shots(folder, seeds) -> list[Shot]:
    return [Shot.of(folder / f"{seed}.png", np.zeros(59), 8, 1, seed) for seed in seeds]


def test_every_twentieth_frame_is_held_out_and_rendered_without_noise(tmp_path, face_model):
    data = DataSet(tmp_path, "alex", 45, seed=1)

    missing = list(data.missing(data.prepare(FaceModel.read(face_model))))

    assert [number for number in range(45) if is_held_out(number)] == [20, 40]
    assert {shot.path for shot in missing if shot.samples == CLEAN_SAMPLES} == {
        str(tmp_path / "clean" / name) for name in ("000020.jpg", "000040.jpg")
    }
    assert len({shot.seed for shot in missing}) == len(missing) == 45


def test_pictures_that_are_there_are_not_rendered_again(tmp_path, face_model):
    data = DataSet(tmp_path, "alex", 25, seed=1)
    motion = data.prepare(FaceModel.read(face_model))
    (tmp_path / "frames" / "000003.jpg").touch()
    (tmp_path / "clean" / "000020.jpg").touch()

    missing = [shot.path for shot in data.missing(motion)]

    assert len(missing) == 23
    assert str(tmp_path / "frames" / "000003.jpg") not in missing


def test_a_set_can_grow_but_not_change_its_avatar_or_motion(tmp_path, face_model):
    model = FaceModel.read(face_model)
    first = DataSet(tmp_path, "alex", 15, seed=1).prepare(model)

    longer = DataSet(tmp_path, "alex", 30, seed=1).prepare(model)
    shorter = DataSet(tmp_path, "alex", 5, seed=1).prepare(model)

    np.testing.assert_array_equal(longer[:15], first)
    assert len(shorter) == 5
    assert len(np.load(tmp_path / "params.npz")["motion"]) == 30
    with pytest.raises(ValueError, match="holds alex"):
        DataSet(tmp_path, "mia", 30, seed=1).prepare(model)
    with pytest.raises(ValueError, match="scene v2 at 256 pixels, not alex in scene v1"):
        DataSet(tmp_path, "alex", 30, seed=1, version="v1").prepare(model)
    with pytest.raises(ValueError, match="other motion"):
        DataSet(tmp_path, "alex", 30, seed=2).prepare(model)


def test_landmarks_are_written_for_the_pictures_that_there_are(tmp_path, face_model):
    model, data = FaceModel.read(face_model), DataSet(tmp_path, "alex", 25, seed=1)
    motion = data.prepare(model)
    (tmp_path / "frames" / "000003.jpg").touch()

    data.write_landmarks(model, motion)

    landmarks = np.load(tmp_path / "landmarks.npy")
    assert landmarks.shape == (25, 68, 2) and landmarks.dtype == np.float32
    assert np.flatnonzero(np.isfinite(landmarks[:, 0, 0])).tolist() == [3]
    assert (landmarks[3] > 0).all() and (landmarks[3] < 1).all()


def test_training_reads_what_the_maker_writes(tmp_path, face_model):
    model, data = FaceModel.read(face_model), DataSet(tmp_path, "alex", 25, seed=1)
    motion = data.prepare(model)

    done = list(render(data.missing(motion), job(face_model), COMMAND, processes=2))
    data.write_landmarks(model, motion)

    assert len(done) == 25
    portraits = Portraits.read(tmp_path, face_model)
    assert portraits.numbers.tolist() == [number for number in range(25) if number != 20]
    assert portraits.clean_numbers == [20]
    assert portraits.names[:2] == ["browDown_L", "browDown_R"] and portraits.names[53] == "yaw_deg"
    config = json.loads(str(np.load(tmp_path / "params.npz")["config"]))
    assert config["identity"] == list(LOOKS["alex"].identity)
    assert read_surface(tmp_path, face_model).zoom == pytest.approx(129 / 33)


def test_a_job_and_a_shot_come_back_from_their_lines(tmp_path, face_model):
    shot = Shot.of(tmp_path / "a.png", descriptor(EXPRESSIONS, {"jawOpen": 0.1}), 256, 16, 7)

    assert Shot.parse(shot.line()) == shot
    parsed = Job.parse(job(face_model).line())
    assert parsed.look.identity == list(LOOKS["alex"].identity)
    assert (parsed.face_model, parsed.version) == (str(face_model), LATEST)


def test_processes_share_the_shots_and_every_picture_is_made_once(tmp_path, face_model):
    asked = shots(tmp_path, range(30))

    done = [shot.seed for shot in render(asked, job(face_model), COMMAND, processes=3)]

    assert sorted(done) == list(range(30))
    assert len(list(tmp_path.glob("*.png"))) == 30


def test_no_process_is_started_when_nothing_is_missing(face_model):
    assert list(render([], job(face_model), ["/nonexistent"], processes=2)) == []


def test_a_process_that_dies_is_reported_with_what_it_printed_last(tmp_path, face_model):
    with pytest.raises(RuntimeError, match=r"ended with 3; it printed last:\n(.|\n)*out of memory"):
        list(render(shots(tmp_path, [1, 666]), job(face_model), COMMAND, processes=1))


def test_a_picture_that_cannot_be_made_is_reported_with_the_reason(tmp_path, face_model):
    with pytest.raises(RuntimeError, match="no such ending"):
        list(render(shots(tmp_path, [667]), job(face_model), COMMAND, processes=1))


def test_a_program_that_is_missing_is_reported(face_model, tmp_path):
    with pytest.raises(FileNotFoundError):
        list(render(shots(tmp_path, [1]), job(face_model), ["/nonexistent"], processes=1))


def test_without_blender_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(FileNotFoundError, match="apt install blender"):
        blender_command(1)


def test_a_sheet_has_a_place_for_every_expression_and_pose(tmp_path):
    motion = sheet_motion(EXPRESSIONS)
    pictures = {}
    for label in motion:
        pictures[label] = tmp_path / f"{label}.png"
        Image.new("RGB", (32, 32), "navy").save(pictures[label])

    sheet = assemble(pictures, 32)

    assert sheet.size == (COLUMNS * 32, -(-len(motion) // COLUMNS) * 32)
    assert sheet.getpixel((20, 28)) == (0, 0, 128)


def test_weights_are_read_from_a_command_line():
    assert parse_weights("jawOpen=0.2,mouthSmile=1") == {"jawOpen": 0.2, "mouthSmile": 1.0}
    with pytest.raises(ValueError, match="NAME=WEIGHT"):
        parse_weights("jawOpen")


def test_a_set_that_names_no_version_is_of_the_first(tmp_path, face_model):
    model, data = FaceModel.read(face_model), DataSet(tmp_path, "alex", 15, seed=1, version="v1")
    data.prepare(model)
    with np.load(tmp_path / "params.npz") as stored:
        fields = {name: stored[name] for name in stored.files if name != "scene"}
    np.savez(tmp_path / "params.npz", **fields)

    data.prepare(model)

    with pytest.raises(ValueError, match="scene v1"):
        DataSet(tmp_path, "alex", 15, seed=1).prepare(model)
