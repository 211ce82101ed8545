"""The real-time size as it is drawn on a CPU: the trained network, arranged for few and cheap operations.

- Convolutions run in 8 bits (`avatar/quantize.py`).
- Pictures are luma at 256² and chroma at 128², as the video encoder takes them: half the values of RGB to look up, to
  paint and to finish. The first and the last convolution take over the change of colours, which is linear.
- The portrait is looked up in a picture that is enlarged eight times, the first two by a cubic, by one `GatherElements`
  of bytes: to an eighth of a pixel, in a tenth of the time of onnxruntime's GridSample.
- Everything stays in cells of 4 × 4 pixels: 16 channels of luma and 4 of each chroma at 64². Only the finished bytes
  are put in their places.
- The gains and biases of all AdaIN come from one matrix product.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avatar.blocks import EPSILON, AdaIN, enlarge_twice
from avatar.colour import BLUE, LUMA, RED
from avatar.model import PACK, RESIDUAL_GAIN, RealtimeRenderer
from avatar.quantize import ByteConv, Bytes, ByteUpConv, Ranges
from common.golden import ROUNDED

FINE = 8  # places a pixel
CELLS = 64
HALF = PACK // 2
LUMAS, CHROMAS = PACK**2, HALF**2  # values of a cell, of luma and of each chroma
RGB = 3 * PACK**2
I420_BYTES = (CELLS * PACK) ** 2 * 3 // 2
BLACK, GREY, PEAK = 16, 128, 219  # luma 0, chroma 0, and what lies between black and white, in levels of a byte
LAST = "editing.out"
TRIED = 8  # frames
RANGES_TRIED = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18)
COLOURS = torch.tensor([LUMA, BLUE, RED])  # RGB in 0…1 → luma, blue and red chroma in levels


def enlarge(maps: Tensor, times: int = FINE) -> Tensor:
    """(1, C, n, n) in 0…255 → float32 (C, m²), whole numbers, m = times (n − 1) + 1: bilinear values between pixels."""
    side = times * (maps.shape[-1] - 1) + 1
    fine = F.interpolate(maps, size=(side, side), mode="bilinear", align_corners=True)
    return torch.floor(fine.clamp(0, 255) + 0.5).flatten(2)[0]


def pack(chroma: Tensor) -> Tensor:
    """float32 (2, n), whole numbers 0…255 → int32 (1, n): blue in the low byte, red in the high one."""
    return (chroma.new_tensor([[1, 256]]) @ chroma).to(torch.int32)


def unpack(packed: Tensor) -> Tensor:
    """int32 (1, n) → float32 (2, n), with operations that onnxruntime has for every type."""
    value = packed.float()
    red = torch.floor(value / 256)
    return torch.cat([value - 256 * red, red])


def bilinear_cells(factor: int) -> Tensor:
    """float32 (factor², 1, 3, 3): enlarging two or four times, as a convolution into cells; row-major places."""
    taps = {
        2: [[0.25, 0.75, 0], [0, 0.75, 0.25]],
        4: [[0.375, 0.625, 0], [0.125, 0.875, 0], [0, 0.875, 0.125], [0, 0.625, 0.375]],
    }[factor]
    return torch.einsum("ai,bj->abij", torch.tensor(taps), torch.tensor(taps)).reshape(factor**2, 1, 3, 3)


def surround(x: Tensor) -> Tensor:
    """(…, n, n) → (…, n + 2, n + 2): the edge goes on."""
    return F.pad(x, (1, 1, 1, 1), mode="replicate")


class Places(nn.Module):
    """Flow → where each place of the new picture looks up: int32 (1, cell² · 64²), cell by cell.

    `cell` is the side of a cell: 4 for luma, 2 for chroma, 1 for the features.
    """

    def __init__(self, cell: int):
        super().__init__()
        size = CELLS * cell
        self.cell, self.last, self.side = cell, FINE * (size - 1), FINE * (size - 1) + 1
        at = torch.arange(size, dtype=torch.float32).reshape(CELLS, cell) * FINE + 0.5  # rounds as it is truncated
        x = at.T[None].expand(cell, -1, -1).reshape(cell**2, 1, CELLS)
        y = at.T[:, None].expand(-1, cell, -1).reshape(cell**2, CELLS, 1)
        self.register_buffer("x", x.contiguous())
        self.register_buffer("y", y.contiguous())
        self.unit = FINE * size / 2
        if cell > 1:
            self.register_buffer("taps", bilinear_cells(cell) * self.unit)

    def forward(self, flow: Tensor) -> Tensor:
        """flow (2, 1, 66, 66): x and y in half pictures, with one more at each edge."""
        x, y = F.conv2d(flow, self.taps) if self.cell > 1 else flow[:, :, 1:-1, 1:-1] * self.unit
        x = (x + self.x).clamp(0, self.last + 0.5).to(torch.int32)
        y = (y + self.y).clamp(0, self.last + 0.5).to(torch.int32)
        return (y * self.side + x).reshape(1, -1)


class Modulation(nn.Module):
    """All AdaIN affines of a network at once: z (1, z) → gain and bias, (channels,) each, of one after the other."""

    def __init__(self, norms: list[AdaIN]):
        super().__init__()
        weights, biases, self.widths = [], [], []
        for norm in norms:
            width = norm.affine.out_features // 2
            bias = norm.affine.bias.detach().clone()
            bias[:width] += 1
            weights.append(norm.affine.weight.detach())
            biases.append(bias)
            self.widths += [width, width]
        self.register_buffer("weight", torch.cat(weights))
        self.register_buffer("bias", torch.cat(biases))

    def forward(self, z: Tensor) -> tuple[Tensor, ...]:
        return F.linear(z, self.weight, self.bias).flatten().split(self.widths)


class Modulated(nn.Module):
    """AdaIN whose gain and bias come with those of the others."""

    def __init__(self, index: int):
        super().__init__()
        self.index = index

    def forward(self, x: Tensor, z: tuple[Tensor, ...]) -> Tensor:
        return F.instance_norm(x, weight=z[2 * self.index], bias=z[2 * self.index + 1], eps=EPSILON)


def swap(network: nn.Module, name: str, module: nn.Module) -> None:
    """Puts a module in the place of another."""
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, module)


def places_in_halves() -> Tensor:
    """float32 (4, 16): the mean of the 2 × 2 places of luma that each place of chroma has in a cell."""
    return torch.eye(LUMAS).reshape(HALF, 2, HALF, 2, LUMAS).mean((1, 3)).reshape(CHROMAS, LUMAS)


def to_yuv() -> Tensor:
    """float32 (24, 48): RGB of a cell in 0…1 → its luma and chroma in levels, without black and grey."""
    luma, blue, red = COLOURS
    whole = torch.einsum("c,pq->pcq", luma, torch.eye(LUMAS)).reshape(LUMAS, RGB)
    halves = [torch.einsum("c,pq->pcq", row, places_in_halves()).reshape(CHROMAS, RGB) for row in (blue, red)]
    return torch.cat([whole, *halves])


def from_yuv() -> Tensor:
    """float32 (48, 24): the way back, with each chroma for its four places."""
    spread = (places_in_halves() > 0).float().T  # (16, 4)
    parts = [torch.eye(LUMAS), spread, spread]
    back = torch.linalg.inv(COLOURS)
    return torch.cat([torch.cat([part * back[c, k] for k, part in enumerate(parts)], 1) for c in range(3)])


def read_in_yuv(conv: nn.Conv2d, look_peak: float) -> nn.Conv2d:
    """The first convolution for pictures in levels of luma and chroma, and for looks of which PEAK is the highest."""
    colours = torch.einsum("oihw,ij->ojhw", conv.weight[:, :RGB], from_yuv())
    weight = torch.cat([colours, conv.weight[:, RGB:] * (look_peak / PEAK)], 1)
    return convolution(weight, None, conv)


def paint_in_yuv(conv: nn.Conv2d, mask: nn.Conv2d) -> nn.Conv2d:
    """The last convolutions as one, for residuals in levels of luma (16) and chroma (4 and 4), gains of luma (16) and
    chroma (4), and the mask (1).
    """
    gains = torch.cat([torch.eye(LUMAS), places_in_halves()])
    change = torch.block_diag(to_yuv() * RESIDUAL_GAIN, gains, torch.eye(1))  # (45, 65)
    weight, bias = torch.cat([conv.weight, mask.weight]), torch.cat([conv.bias, mask.bias])
    return convolution(torch.einsum("po,oihw->pihw", change, weight), change @ bias, conv)


def convolution(weight: Tensor, bias: Tensor | None, like: nn.Conv2d) -> nn.Conv2d:
    """A convolution of given weights with the stride and padding of another."""
    outputs, inputs, size, _ = weight.shape
    conv = nn.Conv2d(inputs, outputs, size, like.stride, like.padding, bias=bias is not None)
    conv.weight.data = weight.detach()
    if bias is not None:
        conv.bias.data = bias.detach()
    return conv


class Parts(nn.Module):
    """The last convolution in bytes: parts of different sizes each fill them, and are scaled back in use.

    units: what the highest byte of each part stands for.
    """

    SIZES = (LUMAS, 2 * CHROMAS, LUMAS + CHROMAS, 1)  # luma, chroma, gains, mask

    def __init__(self, conv: nn.Conv2d, inputs: Bytes, units: list[float]):
        super().__init__()
        self.units = units
        rows = torch.cat([torch.full((size,), unit) for size, unit in zip(self.SIZES, units, strict=True)])
        weight, bias = conv.weight.detach() / rows[:, None, None, None], conv.bias.detach() / rows
        self.conv = ByteConv(weight, bias, conv.stride[0], conv.padding[0], inputs, Bytes.of(-1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class RealtimeInference(nn.Module):
    """Draws what a `RealtimeRenderer` draws, a batch of one, for `avatar/graphs.py` to export.

    calibration: motion (K, 1, 59) that shows what the activations' ranges are; portrait (1, 3, 256, 256).
    """

    tolerance = ROUNDED
    batches = False  # its shapes are fixed: on a CPU, for which it is, frames at once are no faster
    looks_at_portrait = False

    @torch.no_grad()
    def __init__(self, renderer: RealtimeRenderer, calibration: Tensor, portrait: Tensor):
        super().__init__()
        self.net = net = copy.deepcopy(renderer).eval()
        self.luma_places, self.chroma_places, self.look_places = Places(PACK), Places(HALF), Places(1)
        self.register_buffer("taps", torch.cat([bilinear_cells(PACK), bilinear_cells(HALF)]))
        self.register_buffer("colours", COLOURS)
        norms = [(name, module) for name, module in net.named_modules() if isinstance(module, AdaIN)]
        self.modulation = Modulation([module for _, module in norms])
        for index, (name, _) in enumerate(norms):
            swap(net, name, Modulated(index))
        self.look_peak = float(net.source(portrait)["f64"].max())
        net.editing.in64.conv = read_in_yuv(net.editing.in64.conv, self.look_peak)
        net.editing.out = paint_in_yuv(net.editing.out, net.editing.mask)
        net.editing.mask = nn.Identity()
        self.units = [1.0] * len(Parts.SIZES)
        features = self.source(portrait)
        ranges = Ranges(net)  # only now: what is done once a portrait stays in float
        for motion in calibration:
            self.cells(motion[None], features)
        ranges.close()
        for name in ranges.inputs:
            if name != LAST:
                swap(net, name, in_bytes(net.get_submodule(name), *ranges.codes(name)))
        self.fit_parts(ranges, calibration[:: max(1, len(calibration) // TRIED)], features)

    def fit_parts(self, ranges: Ranges, motions: Tensor, features: dict[str, Tensor]) -> None:
        """Puts the last convolution into bytes. Where the mask hides it, a residual can be many times larger than any
        that is seen: how much of each part's range is worth its bytes is tried out on a few frames.
        """
        conv, (inputs, _) = self.net.get_submodule(LAST), ranges.codes(LAST)
        lows, highs = ranges.outputs[LAST]
        units = [max(part.max().item(), 1e-6) for part in torch.maximum(-lows, highs).split(Parts.SIZES)]
        wanted = [self.cells(motion[None], features) for motion in motions]

        def error(tried: list[float]) -> float:
            self.use_parts(Parts(conv, inputs, tried))
            total = 0.0
            for motion, (luma, chroma) in zip(motions, wanted, strict=True):
                got = self.cells(motion[None], features)
                total += ((got[0] - luma).square().sum() + (got[1] - chroma).square().sum()).item()
            return total

        for part in range(len(units)):
            choices = [[*units[:part], units[part] * share, *units[part + 1 :]] for share in RANGES_TRIED]
            units = min(choices, key=error)
        self.use_parts(Parts(conv, inputs, units))

    def use_parts(self, parts: Parts) -> None:
        """Takes a last convolution in bytes."""
        self.units = parts.units
        swap(self.net, LAST, parts)

    def source(self, portrait: Tensor) -> dict[str, Tensor]:
        """portrait (1, 3, 256, 256) → what is kept of it: luma uint8, chroma int32 (packed) and looks uint8 at every
        place, and float32 maps of the warping network.
        """
        features = self.net.source(portrait)
        looks = features.pop("f64") * (255 / self.look_peak)
        luma, chroma = (self.colours @ portrait.flatten(2)).reshape(1, 3, *portrait.shape[2:]).split([1, 2], 1)
        return {
            "luma": enlarge(enlarge_twice(luma + BLACK), FINE // 2).to(torch.uint8),
            "chroma": pack(enlarge(enlarge_twice(F.avg_pool2d(chroma, 2) + GREY), FINE // 2)),
            "looks": enlarge(looks).T.to(torch.uint8),
            **features,
        }

    def cells(self, motion: Tensor, features: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """motion (1, 1, 59) → levels of luma float32 (16, 64, 64) and of chroma (2, 4, 64, 64), cell by cell, without
        black and grey.
        """
        z = self.modulation(self.net.mapping(motion))
        flow = surround(self.net.warping(features, z, motion)).transpose(0, 1)
        luma = features["luma"].gather(1, self.luma_places(flow).long()).float() - BLACK
        # One lookup for both chromas: most of its time is waiting for memory.
        chroma = unpack(features["chroma"].gather(1, self.chroma_places(flow).long())) - GREY
        looks = features["looks"].index_select(0, self.look_places(flow)[0]).T.float() * (PEAK / 255)
        seen = [part.reshape(1, -1, CELLS, CELLS) for part in (luma, chroma, looks)]
        painted, _ = self.net.editing.paint(torch.cat(seen, 1), z)
        luma_residual, chroma_residual, gain, mask = painted.split(Parts.SIZES, 1)
        luma_unit, chroma_unit, gain_unit, mask_unit = self.units
        share = torch.sigmoid(F.conv2d(surround(mask), self.taps * mask_unit))
        luma_share, chroma_share = share.split([LUMAS, CHROMAS], 1)
        luma_gain, chroma_gain = (gain * gain_unit + 1).split([LUMAS, CHROMAS], 1)
        luma = seen[0] * luma_gain + luma_residual * (luma_share * luma_unit)
        chroma, chroma_residual = (x.reshape(2, CHROMAS, CELLS, CELLS) for x in (seen[1], chroma_residual))
        return luma[0], chroma * chroma_gain + chroma_residual * (chroma_share * chroma_unit)

    def i420(self, motion: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """motion (1, 1, 59) and what `source` gave → uint8 (1, 98304): Y 256 × 256, then U and V 128 × 128."""
        luma, chroma = self.cells(motion, inputs)
        y = F.pixel_shuffle(in_levels(luma, BLACK, PEAK)[None], PACK)
        uv = F.pixel_shuffle(in_levels(chroma, GREY, GREY - BLACK), HALF)
        return torch.cat([y.flatten(), uv.flatten()]).reshape(1, I420_BYTES)

    def picture(self, motion: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """motion (1, 1, 59) and what `source` gave → picture float32 (1, 3, 256, 256) in 0…1, as a player shows it."""
        levels = self.i420(motion, inputs).float()
        side = CELLS * PACK
        y = levels[:, : side**2].reshape(1, 1, side, side) - BLACK
        uv = levels[:, side**2 :].reshape(1, 2, side // 2, side // 2) - GREY
        uv = F.interpolate(uv, scale_factor=2, mode="bilinear", align_corners=False)
        rgb = torch.linalg.inv(self.colours) @ torch.cat([y, uv], 1).flatten(2)
        return rgb.reshape(1, 3, side, side).clamp(0, 1)


def in_levels(x: Tensor, zero: int, most: int) -> Tensor:
    """Levels float32 without `zero`, to be at most `most` → bytes; chroma goes as far below its zero as above."""
    return (x.clamp(-most if zero == GREY else 0, most) + (zero + 0.5)).to(torch.uint8)


def in_bytes(conv: nn.Conv2d | nn.ConvTranspose2d, inputs: Bytes, outputs: Bytes) -> nn.Module:
    """The integer convolution that takes the place of one in float."""
    if isinstance(conv, nn.ConvTranspose2d):
        return ByteUpConv(conv, inputs, outputs)
    bias = None if conv.bias is None else conv.bias.detach()
    return ByteConv(conv.weight.detach(), bias, conv.stride[0], conv.padding[0], inputs, outputs)
