"""Checkpoints that survive a kill at any moment, and the moving average of the weights that is exported."""

import copy
import os
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

FILE = "checkpoint.pt"


class Stateful(Protocol):
    """Anything with PyTorch's pair of state methods: modules, optimizers, schedulers, `Ema`."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


class Ema:
    """Exponential moving average of a module's weights; `model` holds it and is what evaluation and export use.

    The decay rises from 0 towards `decay`, so that the first steps do not keep the random start.
    """

    def __init__(self, model: nn.Module, decay: float = 0.999):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Takes in the weights of `model` after one optimizer step; buffers are copied."""
        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 10))
        mine = [p for p in self.model.parameters() if p.is_floating_point()]
        theirs = [p.detach() for p in model.parameters() if p.is_floating_point()]
        torch._foreach_lerp_(mine, theirs, 1 - decay)
        for average, current in zip(self.model.buffers(), model.buffers(), strict=True):
            average.copy_(current)

    def state_dict(self) -> dict[str, Any]:
        return {"model": self.model.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.updates = state["updates"]


def save_checkpoint(folder: Path, parts: dict[str, Stateful], progress: dict[str, Any], name: str = FILE) -> Path:
    """Writes the states of all parts and the progress (step, seconds, …: plain numbers and strings) to `folder/name`.

    The file is replaced in one step: a reader or a crash never sees half of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    partial = path.with_suffix(".part")
    torch.save({"progress": progress, "parts": {key: part.state_dict() for key, part in parts.items()}}, partial)
    os.replace(partial, path)
    return path


def read_checkpoint(folder: Path, name: str = FILE) -> dict[str, Any] | None:
    """Reads {"progress": …, "parts": {name: state}} onto the CPU, or None when there is no checkpoint."""
    path = folder / name
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


def resume(folder: Path, parts: dict[str, Stateful], name: str = FILE) -> dict[str, Any] | None:
    """Restores every given part from the checkpoint in `folder` and returns its progress, or None when there is none.

    Raises KeyError when the checkpoint lacks one of the parts.
    """
    checkpoint = read_checkpoint(folder, name)
    if checkpoint is None:
        return None
    for key, part in parts.items():
        part.load_state_dict(checkpoint["parts"][key])
    return checkpoint["progress"]
