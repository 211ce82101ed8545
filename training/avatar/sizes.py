"""The sizes of the renderer by name, and how to load a trained one."""

from pathlib import Path
from typing import Any

from avatar.model import RealtimeRenderer
from avatar.paper import PaperRenderer
from common.checkpoint import read_checkpoint

Renderer = RealtimeRenderer | PaperRenderer
SIZES: dict[str, type[RealtimeRenderer] | type[PaperRenderer]] = {"realtime": RealtimeRenderer, "paper": PaperRenderer}


def load_average(run: Path) -> tuple[Renderer, dict[str, Any]]:
    """The averaged weights of a run, ready to draw, and its progress: size, step, seconds.

    Raises FileNotFoundError without a checkpoint.
    """
    checkpoint = read_checkpoint(run)
    if checkpoint is None:
        raise FileNotFoundError(f"no checkpoint in {run}")
    renderer = SIZES[checkpoint["progress"].get("size", "realtime")]()
    renderer.load_state_dict(checkpoint["parts"]["ema"]["model"])
    return renderer.eval(), checkpoint["progress"]
