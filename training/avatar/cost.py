"""Multiply-accumulates of a renderer, counted in its convolutions and linear layers."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def count_macs(renderer: nn.Module) -> tuple[float, float]:
    """GMAC of `source` (once a portrait) and of `render` (a frame) for one picture of the configured size."""
    config, counts = renderer.config, {"now": 0}

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.ConvTranspose2d):
            places = inputs[0][0, 0].numel()  # each input place is spread by one kernel
            counts["now"] += places * module.weight.numel()
        elif isinstance(module, nn.Conv1d | nn.Conv2d):
            counts["now"] += output[0, 0].numel() * module.weight.numel()
        elif isinstance(module, nn.Linear):
            counts["now"] += module.weight.numel()

    hooks = [module.register_forward_hook(count) for module in renderer.modules()]
    portrait = torch.zeros(1, 3, config.size, config.size)
    motion = torch.zeros(1, config.frames, getattr(config, "motion", 59))
    features = renderer.source(portrait)
    source, counts["now"] = counts["now"], 0
    renderer.render(motion, portrait, features)
    for hook in hooks:
        hook.remove()
    return source / 1e9, counts["now"] / 1e9
