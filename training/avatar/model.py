"""PIRenderer: mapping, warping and editing networks (paper §3.1), in the `realtime` and the `paper` size.

    z       = mapping(motion window)
    grid    = warping(source features, z)          where each pixel of the new picture looks in the portrait
    picture = editing(warped portrait, source features, z)

Whatever does not depend on the motion is computed once per portrait by `source` and passed to `render` as named
features. Pictures are float32 (B, 3, size, size), RGB 0…1; motion is float32 (B, frames, 59) in raw units (weights
0…1, degrees, cm).
"""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avatar.blocks import (
    AdaConv,
    AdaIN,
    AdaResidual,
    AdaUp,
    enlarge_twice,
    identity_grid,
    look_up,
    look_up_enlarged,
)

EXPRESSIONS = 53
MOTION = 59
DEGREES_PER_UNIT = 15.0
CENTIMETRES_PER_UNIT = 2.0
PACK = 4  # the realtime size sees pictures as 64 × 64 cells of 4 × 4 pixels
MODE_SIZE = 32
RESIDUAL_GAIN = 2.0


@dataclass(frozen=True)
class RealtimeConfig:
    """Widths of the real-time size; the triples are channels at 64², 32² and 16², `warp` those at 32² and 16²."""

    frames: int = 1
    size: int = 256
    mapping: int = 256
    modes: int = 64  # basis flow fields at 32², mixed by the descriptor
    z: int = 128
    source: tuple[int, int, int] = (24, 48, 64)
    warp: tuple[int, int] = (48, 64)
    edit: tuple[int, int, int] = (40, 64, 96)


class Rendered(NamedTuple):
    """picture, warped: float32 (B, 3, size, size), RGB about 0…1; grid: float32 (B, h, w, 2), lookup positions in
    −1…1.
    """

    picture: Tensor
    warped: Tensor
    grid: Tensor


def motion_unit() -> Tensor:
    """float32[59] that brings every entry of a descriptor to about −1…1."""
    unit = torch.ones(MOTION)
    unit[EXPRESSIONS : EXPRESSIONS + 3] = 1 / DEGREES_PER_UNIT
    unit[EXPRESSIONS + 3 :] = 1 / CENTIMETRES_PER_UNIT
    return unit


class FrameMapping(nn.Module):
    """Mapping network for a window of one descriptor: motion (B, 1, 59) → z (B, z)."""

    def __init__(self, hidden: int, z: int):
        super().__init__()
        self.register_buffer("unit", motion_unit(), persistent=False)
        widths = [MOTION, hidden, hidden, z]
        pairs = itertools.pairwise(widths)
        self.layers = nn.Sequential(*[layer for a, b in pairs for layer in (nn.Linear(a, b), nn.LeakyReLU(0.1))])

    def forward(self, motion: Tensor) -> Tensor:
        return self.layers(motion[:, 0] * self.unit)


class PortraitEncoder(nn.Module):
    """portrait (B, 3, 256, 256) → features at 64², 32² and 16²."""

    def __init__(self, channels: tuple[int, int, int]):
        super().__init__()
        c64, c32, c16 = channels

        def conv(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
            return [nn.Conv2d(inputs, outputs, 3, stride, 1), nn.ReLU()]

        self.at64 = nn.Sequential(nn.PixelUnshuffle(PACK), *conv(3 * PACK**2, 64), *conv(64, 64), *conv(64, c64))
        self.at32 = nn.Sequential(*conv(c64, c32, 2), *conv(c32, c32))
        self.at16 = nn.Sequential(*conv(c32, c16, 2), *conv(c16, c16))

    def forward(self, portrait: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        f64 = self.at64(portrait)
        f32 = self.at32(f64)
        return f64, f32, self.at16(f32)


class ModalFlow(nn.Module):
    """First guess of the flow from the descriptor alone: a mixture of smooth flow fields that turn and move a whole
    head.

    AdaIN modulates all places alike, so a network of it is slow to learn rotations; this has them in a minute, because
    exact flow for any descriptor comes from the face model without a single picture. It belongs to the neutral
    portrait.
    """

    def __init__(self, hidden: int, modes: int):
        super().__init__()
        self.mixing = FrameMapping(hidden, modes)
        self.modes = nn.Linear(modes, 2 * MODE_SIZE**2)
        nn.init.normal_(self.modes.weight, std=0.001)
        nn.init.zeros_(self.modes.bias)

    def forward(self, motion: Tensor) -> Tensor:
        """motion (B, 1, 59) → flow (B, 2, 64, 64)."""
        flow = self.modes(self.mixing(motion)).float().reshape(-1, 2, MODE_SIZE, MODE_SIZE)
        return F.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=False)


class RealtimeWarping(nn.Module):
    """Flow field at 64²: the modal guess, corrected from source features at 16² and 32²."""

    def __init__(self, config: RealtimeConfig):
        super().__init__()
        _, s32, s16 = config.source
        w32, w16 = config.warp
        self.modal = ModalFlow(config.mapping, config.modes)
        self.conv16 = nn.Conv2d(s16, w16, 3, 1, 1, bias=False)
        self.norm16 = AdaIN(w16, config.z)
        self.deep16 = AdaConv(w16, w16, config.z)
        self.up32 = AdaUp(w16, s32, w32, config.z)
        self.deep32 = AdaResidual(w32, config.z)
        self.flow = nn.ConvTranspose2d(w32, 2, 4, 2, 1, bias=False)
        nn.init.zeros_(self.flow.weight)

    def source(self, f32: Tensor, f16: Tensor) -> dict[str, Tensor]:
        """The convolutions that see only the portrait."""
        return {"warp32": self.up32.skip_conv(f32), "warp16": self.conv16(f16)}

    def forward(self, features: dict[str, Tensor], z: Tensor, motion: Tensor) -> Tensor:
        """→ flow (B, 2, 64, 64): (x, y) offsets of the lookup, in units of half a picture."""
        h = F.relu(self.norm16(features["warp16"], z))
        h = self.deep16(h, z)
        h = self.deep32(self.up32.join(h, features["warp32"], z), z)
        return self.modal(motion) + self.flow(h).float() / 2


class RealtimeEditing(nn.Module):
    """AdaIN U-Net over the warped picture, space to depth, and the warped features.

    It scales each pixel of the warped picture and adds a masked residual. Scaling removes what must not be seen, such
    as an iris under a closing lid, without having to cancel it pixel by pixel.
    """

    PARTS = (3 * PACK**2, PACK**2)  # channels of residual and gain

    def __init__(self, config: RealtimeConfig):
        super().__init__()
        e64, e32, e16 = config.edit
        z = config.z
        self.in64 = AdaConv(3 * PACK**2 + config.source[0], e64, z)
        self.in32 = AdaConv(e64, e32, z, 2)
        self.in16 = AdaConv(e32, e16, z, 2)
        self.deep16 = nn.ModuleList([AdaConv(e16, e16, z), AdaConv(e16, e16, z), AdaResidual(e16, z)])
        self.up32 = AdaUp(e16, e32, e32, z)
        self.deep32 = AdaResidual(e32, z)
        self.up64 = AdaUp(e32, e64, e64, z)
        self.deep64 = nn.ModuleList([AdaConv(e64, e64, z), AdaResidual(e64, z)])
        self.out = nn.Conv2d(e64, sum(self.PARTS), 3, 1, 1)
        self.mask = nn.Conv2d(
            e64, 1, 3, 1, 1
        )  # apart, because 64 channels of 3 × 3 fill a processor's registers, and 65 do not
        nn.init.normal_(self.out.weight, std=0.001)
        nn.init.zeros_(self.out.bias)

    def forward(self, warped: Tensor, warped_features: Tensor, z: Tensor) -> Tensor:
        both = torch.cat([F.pixel_unshuffle(warped, PACK), warped_features], 1)
        painted, mask = self.paint(both, z)
        residual, gain = painted.float().split(self.PARTS, 1)
        mask = torch.sigmoid(F.interpolate(mask.float(), scale_factor=PACK, mode="bilinear", align_corners=False))
        kept = warped * (1 + F.pixel_shuffle(gain, PACK))
        return kept + F.pixel_shuffle(residual, PACK) * RESIDUAL_GAIN * mask

    def paint(self, both: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Warped picture in cells and warped features (B, 72, 64, 64) → residual and gain (B, 64, 64, 64), and the
        residual's mask (B, 1, 64, 64) before its sigmoid.
        """
        x64 = self.in64(both, z)
        x32 = self.in32(x64, z)
        x = self.in16(x32, z)
        for block in self.deep16:
            x = block(x, z)
        x = self.deep32(self.up32(x, x32, z), z)
        x = self.up64(x, x64, z)
        for block in self.deep64:
            x = block(x, z)
        return self.out(x), self.mask(x)


class RealtimeRenderer(nn.Module):
    """The real-time size: 0.67 GMAC a frame at 256², 1.6 M parameters."""

    def __init__(self, config: RealtimeConfig | None = None):
        super().__init__()
        self.config = config = config or RealtimeConfig()
        self.mapping = FrameMapping(config.mapping, config.z)
        self.encoder = PortraitEncoder(config.source)
        self.warping = RealtimeWarping(config)
        self.editing = RealtimeEditing(config)

    def source(self, portrait: Tensor) -> dict[str, Tensor]:
        """Features of a portrait, to be kept for all its frames."""
        f64, f32, f16 = self.encoder(portrait)
        return {"f64": f64, **self.warping.source(f32, f16)}

    def render(self, motion: Tensor, portrait: Tensor, features: dict[str, Tensor]) -> Rendered:
        """motion (B, 1, 59), portrait and features with a batch of 1 or B → pictures (B, 3, 256, 256)."""
        batch = motion.shape[0]
        portrait = enlarge_twice(portrait)
        if batch > 1:
            portrait = portrait.expand(batch, -1, -1, -1)
            features = {name: tensor.expand(batch, -1, -1, -1) for name, tensor in features.items()}
        z = self.mapping(motion)
        flow = self.warping(features, z, motion)
        fine = F.interpolate(flow, scale_factor=PACK, mode="bilinear", align_corners=False)
        grid = identity_grid(flow.shape[-1], flow.device) + flow.permute(0, 2, 3, 1)
        fine_grid = identity_grid(fine.shape[-1], flow.device) + fine.permute(0, 2, 3, 1)
        warped = look_up_enlarged(portrait, fine_grid)
        picture = self.editing(warped, look_up(features["f64"], grid), z)
        return Rendered(picture, warped, grid)

    def forward(self, motion: Tensor, portrait: Tensor) -> Rendered:
        return self.render(motion, portrait, self.source(portrait))
