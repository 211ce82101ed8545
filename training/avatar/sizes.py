"""The sizes of the renderer by name, and how to load a trained one."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

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


def keep_weights(weights: dict[str, Tensor], progress: dict[str, Any], path: Path) -> None:
    """Writes weights in half precision, with the progress of their training."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"weights": {name: tensor.half() for name, tensor in weights.items()}, "progress": progress}, path)


def load_kept(path: Path) -> tuple[Renderer, dict[str, Any]]:
    """What `load_average` gives, of weights that `keep_weights` wrote."""
    kept = torch.load(path, weights_only=True)
    renderer = SIZES[kept["progress"].get("size", "realtime")]()
    renderer.load_state_dict(kept["weights"])
    return renderer.eval(), kept["progress"]
