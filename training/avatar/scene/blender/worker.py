"""Renders what it is asked to, one line of JSON at a time: the program that Blender runs.

    blender --background --factory-startup --python avatar/scene/blender/worker.py

The first line of standard input is a `Job`, every other one a `Shot` (avatar/scene/shots.py). To each line one line of
standard output answers, `REPLY` and JSON: `{}` when it is done, `{"error": …}` when it cannot be. It ends with its
input.
"""

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import numpy as np

from avatar.face_model import FaceModel
from avatar.scene.blender.portrait import Portrait
from avatar.scene.camera import Camera
from avatar.scene.shots import REPLY, Job, Shot
from avatar.scene.versions import VERSIONS


def serve(lines: Iterator[str], reply: Callable[[dict], None]) -> None:
    """Builds the portrait of the first line and renders the shots of the others; stops at the first that fails."""
    try:
        job = Job.parse(next(lines))
        portrait = Portrait(job.look, FaceModel.read(Path(job.face_model)), Camera(), VERSIONS[job.version])
        reply({})
        for line in lines:
            shot = Shot.parse(line)
            # A picture appears under its name only when it is whole, so that a stopped set can go on.
            path = Path(shot.path)
            unfinished = path.with_name(f"{path.stem}.part{path.suffix}")
            portrait.pose(np.array(shot.motion, np.float32))
            portrait.render(unfinished, shot.size, shot.samples, shot.seed)
            unfinished.replace(path)
            reply({})
    except Exception:
        reply({"error": traceback.format_exc()})


if __name__ == "__main__":
    serve(iter(sys.stdin.readline, ""), lambda message: print(REPLY + json.dumps(message), flush=True))
