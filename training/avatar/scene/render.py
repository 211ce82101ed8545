"""Renders the data set of one avatar, or goes on with it: pictures that are there are kept.

    python -m avatar.scene.render --avatar alex --face-model ict-face.npz --out DATA/alex-256 [--frames 3240]
        [--seed 1] [--scene v2] [--processes 4]

One minute, a dozen source portraits and a few frames: --frames 30 --size 64 --out /tmp/mini
"""

import argparse
import time
from pathlib import Path

from avatar.face_model import FaceModel
from avatar.scene.folder import SIZE, DataSet
from avatar.scene.looks import LOOKS
from avatar.scene.shots import Job
from avatar.scene.versions import LATEST, VERSIONS
from avatar.scene.workers import blender_command, render

REPORT_EVERY_S = 30  # landmarks of what is there are written as often


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatar", choices=LOOKS, required=True)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=3240)
    parser.add_argument("--seed", type=int, default=1, help="of the motion")
    parser.add_argument("--size", type=int, default=SIZE, help="pixels; avatar.data reads 256")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--scene", choices=VERSIONS, default=LATEST, help="version of the scene")
    options = parser.parse_args()
    data = DataSet(options.out, options.avatar, options.frames, options.seed, options.scene, options.size)
    try:
        command = blender_command(options.threads)
        model = FaceModel.read(options.face_model)
        motion = data.prepare(model)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    shots = list(data.missing(motion))
    print(f"{data.count - len(shots)} of {data.count} pictures are there", flush=True)
    job = Job(LOOKS[options.avatar], str(options.face_model.resolve()), options.scene)
    begin = reported = time.monotonic()
    try:
        for done, _ in enumerate(render(shots, job, command, options.processes), 1):
            if time.monotonic() - reported > REPORT_EVERY_S:
                reported = time.monotonic()
                data.write_landmarks(model, motion)
                each = (time.monotonic() - begin) / done
                minutes = each * (len(shots) - done) / 60
                print(f"{done} of {len(shots)} rendered, {each:.2f} s each, {minutes:.0f} min left", flush=True)
    finally:
        data.write_landmarks(model, motion)
    print(f"done, {(time.monotonic() - begin) / max(len(shots), 1):.2f} s a picture", flush=True)


if __name__ == "__main__":
    main()
