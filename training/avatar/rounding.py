"""Train with the rounding of `avatar/quantize.py`, so that the weights learn to live with it (Jacob et al., CVPR 2018,
arXiv 1712.05877, §3): values are rounded on the way forward, and gradients pass as if they were not.

Ranges are those of the batch at hand; what is exported has those of many frames.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avatar.model import RealtimeEditing, RealtimeRenderer
from avatar.quantize import WEIGHT_MOST


def round_activations(x: Tensor) -> Tensor:
    """Any float tensor → the nearest of 256 values that span its range and hold zero exactly."""
    x = x.float()
    low, high = x.detach().amin().clamp(max=0), x.detach().amax().clamp(min=0)
    scale = ((high - low) / 255).clamp(min=1e-8)
    zero = torch.round(-low / scale).clamp(0, 255).to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(x, scale, zero, 0, 255)


def round_weights(weight: Tensor, outputs: int) -> Tensor:
    """Weights with their output channels at dimension `outputs` → 7 bits, a scale per channel."""
    rest = [dimension for dimension in range(weight.dim()) if dimension != outputs]
    scale = weight.detach().abs().amax(rest).clamp(min=1e-8) / WEIGHT_MOST
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, outputs, -WEIGHT_MOST, WEIGHT_MOST)


class RoundedConv(nn.Conv2d):
    """A convolution of rounded inputs and weights, whose outputs are rounded too."""

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(round_activations(x), round_weights(self.weight, 0), self.bias, self.stride, self.padding)
        return self.round_outputs(y)

    def round_outputs(self, y: Tensor) -> Tensor:
        return round_activations(y)


class RoundedParts(RoundedConv):
    """The painting one: residual and gain are rounded apart, and kept small.

    Where its mask hides a residual, nothing keeps it from growing; its few large values would make the steps of all
    others coarse.
    """

    MOST = (0.4, 0.6)

    def round_outputs(self, y: Tensor) -> Tensor:
        parts = zip(y.split(RealtimeEditing.PARTS, 1), self.MOST, strict=True)
        return torch.cat([round_activations(part.clamp(-most, most)) for part, most in parts], 1)


class RoundedUp(nn.ConvTranspose2d):
    """A transposed convolution, rounded alike."""

    def forward(self, x: Tensor) -> Tensor:
        weight = round_weights(self.weight, 1)
        return round_activations(F.conv_transpose2d(round_activations(x), weight, self.bias, self.stride, self.padding))


def round_inside(renderer: RealtimeRenderer) -> None:
    """Makes the convolutions of each frame round; names and shapes of the weights stay."""
    before = renderer.source(torch.zeros(1, 3, renderer.config.size, renderer.config.size))
    used: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda module, inputs, output: used.append(module))
        for module in renderer.modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    ]
    with torch.no_grad():
        renderer.render(torch.zeros(1, renderer.config.frames, 59), torch.zeros(1, 3, 256, 256), before)
    for hook in hooks:
        hook.remove()
    for module in used:
        if isinstance(module, nn.ConvTranspose2d):
            module.__class__ = RoundedUp
        else:
            module.__class__ = RoundedParts if module is renderer.editing.out else RoundedConv
