"""PIRenderer in the size of the paper: 61.6 GMAC a frame at 256², for GPUs and for checking faithfulness.

Layers and widths follow the paper's §3.1 and appendix: a mapping network of dilated convolutions over a window of
descriptors, an AdaIN hourglass that gives the flow at a quarter of the picture's size, and an editing network with
AdaIN residual blocks and skips. Pictures are float32 (B, 3, 256, 256), RGB 0…1 as in the real-time size; inside, −1…1
as in the paper.
"""

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avatar.blocks import AdaIN, identity_grid, look_up
from avatar.model import MOTION, Rendered, motion_unit

FLOW_SCALE = 4  # the flow has a quarter of the picture's size
ADAIN_HIDDEN = 128


@dataclass(frozen=True)
class PaperConfig:
    """Widths of the paper's size. Set motion=73 and scaled=False for the 3DMM coefficients of its own data;
    published, for the weights of its authors, which differ from the paper in the flow's unit and in one convolution
    (`avatar/published.py`).
    """

    frames: int = 27
    size: int = 256
    motion: int = MOTION
    scaled: bool = True
    z: int = 256
    warp_base: int = 32
    edit_base: int = 64
    most: int = 256
    warp_down: int = 5
    warp_up: int = 3
    edit_down: int = 3
    edit_blocks: int = 2
    published: bool = False


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.1)


def channels(base: int, level: int, most: int) -> int:
    """Width after `level` halvings."""
    return min(base * 2**level, most)


class LayerNorm2d(nn.Module):
    """Normalizes over channels and places together, with a gain and a bias per channel: (B, C, H, W) → the same."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


class WindowMapping(nn.Module):
    """motion (B, frames, motion) → z (B, z): dilated convolutions, each added to the middle of what it sees."""

    def __init__(self, config: PaperConfig):
        super().__init__()
        self.register_buffer("unit", motion_unit() if config.scaled else torch.ones(config.motion), persistent=False)
        self.first = nn.Conv1d(config.motion, config.z, 7)
        self.layers = nn.ModuleList([nn.Conv1d(config.z, config.z, 3, dilation=3) for _ in range(3)])

    def forward(self, motion: Tensor) -> Tensor:
        h = self.first((motion * self.unit).transpose(1, 2))  # (B, z, frames − 6)
        for layer in self.layers:
            h = layer(leaky(h)) + h[:, :, 3:-3]
        return h.mean(2)


class DownAda(nn.Module):
    """AdaIN, activation, strided convolution; AdaIN, activation, convolution: half the size."""

    def __init__(self, inputs: int, outputs: int, z: int):
        super().__init__()
        self.norm0, self.conv0 = AdaIN(inputs, z, ADAIN_HIDDEN), nn.Conv2d(inputs, outputs, 4, 2, 1)
        self.norm1, self.conv1 = AdaIN(outputs, z, ADAIN_HIDDEN), nn.Conv2d(outputs, outputs, 3, 1, 1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        x = self.conv0(leaky(self.norm0(x, z)))
        return self.conv1(leaky(self.norm1(x, z)))


class UpAda(nn.Module):
    """A convolution and a transposed one with AdaIN, beside a transposed shortcut: twice the size."""

    def __init__(self, inputs: int, outputs: int, z: int):
        super().__init__()
        self.norm0, self.conv0 = AdaIN(inputs, z, ADAIN_HIDDEN), nn.Conv2d(inputs, outputs, 3, 1, 1)
        self.norm1, self.conv1 = AdaIN(outputs, z, ADAIN_HIDDEN), self.twice(outputs, outputs)
        self.norms, self.convs = AdaIN(inputs, z, ADAIN_HIDDEN), self.twice(inputs, outputs)

    @staticmethod
    def twice(inputs: int, outputs: int) -> nn.ConvTranspose2d:
        return nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        h = self.conv0(leaky(self.norm0(x, z)))
        h = self.conv1(leaky(self.norm1(h, z)))
        return h + self.convs(leaky(self.norms(x, z)))


class PaperWarping(nn.Module):
    """AdaIN hourglass: portrait (B, 3, 256, 256) → flow (B, 2, 64, 64)."""

    def __init__(self, config: PaperConfig):
        super().__init__()
        widths = [channels(config.warp_base, level, config.most) for level in range(config.warp_down + 1)]
        self.input = nn.Conv2d(3, widths[0], 7, 1, 3)
        self.down = nn.ModuleList([DownAda(a, b, config.z) for a, b in itertools.pairwise(widths)])
        self.up = nn.ModuleList()
        inputs = widths[-1]
        for level in reversed(range(config.warp_down - config.warp_up, config.warp_down)):
            self.up.append(UpAda(inputs, widths[level], config.z))
            inputs = 2 * widths[level]  # joined with the same level of the way down
        self.flow = nn.Sequential(LayerNorm2d(inputs), nn.LeakyReLU(0.1), nn.Conv2d(inputs, 2, 7, 1, 3))
        nn.init.normal_(self.flow[-1].weight, std=1e-4)
        nn.init.zeros_(self.flow[-1].bias)

    def source(self, portrait: Tensor) -> dict[str, Tensor]:
        """The first convolution, the only one before z comes in."""
        return {"warp256": self.input(portrait)}

    def forward(self, features: dict[str, Tensor], z: Tensor) -> Tensor:
        x, skips = features["warp256"], []
        for block in self.down:
            skips.append(x)
            x = block(x, z)
        for block in self.up:
            x = torch.cat([block(x, z), skips.pop()], 1)
        return self.flow(x).float()


class ConvNorm(nn.Module):
    """Convolution, layer normalization, activation."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(inputs, outputs, kernel, 1, kernel // 2), LayerNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return leaky(self.norm(self.conv(x)))


class AdaBlock(nn.Module):
    """Residual block of two convolutions with AdaIN. In the published weights the second sees what the first does."""

    def __init__(self, width: int, z: int, published: bool = False):
        super().__init__()
        self.published = published
        self.conv0, self.norm0 = nn.Conv2d(width, width, 3, 1, 1), AdaIN(width, z, ADAIN_HIDDEN)
        self.conv1, self.norm1 = nn.Conv2d(width, width, 3, 1, 1), AdaIN(width, z, ADAIN_HIDDEN)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        if self.published:
            return self.norm1(self.conv1(x), z) + x
        h = leaky(self.norm0(self.conv0(x), z))
        return leaky(self.norm1(self.conv1(h), z)) + x


class PaperEditing(nn.Module):
    """Portrait and warped portrait (B, 3, 256, 256) each → the picture, drawn anew and not added to the warp."""

    def __init__(self, config: PaperConfig):
        super().__init__()
        widths = [channels(config.edit_base, level, config.most) for level in range(config.edit_down + 1)]
        # One convolution of both pictures, in two halves: that of the portrait is computed once.
        self.input_source = nn.Conv2d(3, widths[0], 7, 1, 3)
        self.input_warped = nn.Conv2d(3, widths[0], 7, 1, 3, bias=False)
        self.input_norm = LayerNorm2d(widths[0])
        self.down = nn.ModuleList([ConvNorm(a, b) for a, b in itertools.pairwise(widths)])
        self.blocks, self.up, self.skips = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for a, b in itertools.pairwise(reversed(widths)):
            self.blocks.append(
                nn.ModuleList(AdaBlock(a, config.z, config.published) for _ in range(config.edit_blocks))
            )
            self.up.append(ConvNorm(a, b))
            self.skips.append(ConvNorm(b, b))
        self.out = nn.Conv2d(widths[0], 3, 7, 1, 3)

    def source(self, portrait: Tensor) -> dict[str, Tensor]:
        return {"edit256": self.input_source(portrait)}

    def forward(self, warped: Tensor, features: dict[str, Tensor], z: Tensor) -> Tensor:
        x = leaky(self.input_norm(features["edit256"] + self.input_warped(warped)))
        skips = []
        for block in self.down:
            skips.append(x)
            x = F.avg_pool2d(block(x), 2)
        for blocks, up, skip in zip(self.blocks, self.up, self.skips, strict=True):
            for block in blocks:
                x = block(x, z)
            x = up(F.interpolate(x, scale_factor=2, mode="nearest")) + skip(skips.pop())
        return torch.tanh(self.out(x))


def warp(portrait: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """flow (B, 2, 64, 64) in parts of half the picture → the grid (B, 64, 64, 2), and the portrait along it."""
    fine = F.interpolate(flow, scale_factor=FLOW_SCALE, mode="bilinear", align_corners=False)
    grid = identity_grid(flow.shape[-1], flow.device) + flow.permute(0, 2, 3, 1)
    return grid, look_up(portrait, identity_grid(fine.shape[-1], flow.device) + fine.permute(0, 2, 3, 1))


def warp_published(portrait: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """`warp` as the published weights have it: the flow counts pixels from corner to corner; outside all is grey."""
    size = flow.shape[-1]
    corner = 2 * torch.arange(size, device=flow.device, dtype=torch.float32) / (size - 1) - 1
    y, x = torch.meshgrid(corner, corner, indexing="ij")
    grid = torch.stack([x, y], -1)[None] + 2 / (size - 1) * flow.permute(0, 2, 3, 1)
    fine = F.interpolate(grid.permute(0, 3, 1, 2), scale_factor=FLOW_SCALE, mode="bilinear", align_corners=False)
    found = F.grid_sample(2 * portrait.float() - 1, fine.permute(0, 2, 3, 1), mode="bilinear", align_corners=False)
    return grid, (found + 1) / 2


class PaperRenderer(nn.Module):
    """The paper's size; the same interface as `RealtimeRenderer`, with a window of 27 descriptors about the frame."""

    def __init__(self, config: PaperConfig | None = None):
        super().__init__()
        self.config = config = config or PaperConfig()
        self.mapping = WindowMapping(config)
        self.warping = PaperWarping(config)
        self.editing = PaperEditing(config)

    def source(self, portrait: Tensor) -> dict[str, Tensor]:
        """What does not depend on the motion: the first convolutions."""
        portrait = 2 * portrait - 1
        return {**self.warping.source(portrait), **self.editing.source(portrait)}

    def render(self, motion: Tensor, portrait: Tensor, features: dict[str, Tensor]) -> Rendered:
        """motion (B, frames, motion), portrait and features with a batch of 1 or B → pictures (B, 3, 256, 256)."""
        batch = motion.shape[0]
        if batch > 1:
            portrait = portrait.expand(batch, -1, -1, -1)
            features = {name: tensor.expand(batch, -1, -1, -1) for name, tensor in features.items()}
        z = self.mapping(motion)
        grid, warped = (warp_published if self.config.published else warp)(portrait, self.warping(features, z))
        picture = self.editing(2 * warped - 1, features, z)
        return Rendered((picture.float() + 1) / 2, warped, grid)

    def forward(self, motion: Tensor, portrait: Tensor) -> Rendered:
        return self.render(motion, portrait, self.source(portrait))
