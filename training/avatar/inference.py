"""The real-time size as it is drawn on a CPU: the trained network, arranged for few and cheap operations.

- Convolutions run in 8 bits (`avatar/quantize.py`).
- The portrait is looked up in a picture that is enlarged eight times, by one `GatherElements` of packed colours: to an
  eighth of a pixel, in a tenth of the time of onnxruntime's GridSample.
- Everything stays in cells of 4 × 4 pixels, as 16 channels at 64²; only the finished bytes are put in their places.
- The gains and biases of all AdaIN come from one matrix product.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avatar.blocks import EPSILON, AdaIN
from avatar.colour import BLUE, LUMA, RED
from avatar.model import PACK, RESIDUAL_GAIN, RealtimeEditing, RealtimeRenderer
from avatar.quantize import ByteCode, ByteConv, Bytes, ByteUpConv, Ranges
from common.golden import ROUNDED

FINE = 8  # places a pixel
CELLS = 64
PICTURE = Bytes(1 / 255, 0)
COLOUR_BYTES = 3 * PACK**2


def enlarge(maps: Tensor) -> Tensor:
    """(1, C, n, n) in 0…1 → float32 (C, m²), whole numbers 0…255, m = 8 (n − 1) + 1: bilinear values at every eighth of
    a pixel.
    """
    side = FINE * (maps.shape[-1] - 1) + 1
    fine = F.interpolate(maps, size=(side, side), mode="bilinear", align_corners=True)
    return torch.floor(fine.clamp(0, 1) * 255 + 0.5).flatten(2)[0]


def pack(colours: Tensor) -> Tensor:
    """float32 (3, n), whole numbers 0…255 → int32 (1, n): red in the lowest byte, then green, then blue."""
    return (colours.new_tensor([[1, 256, 65536]]) @ colours).to(torch.int32)  # below 2²⁴ a float32 is exact


def unpack(packed: Tensor) -> Tensor:
    """int32 (1, n) → uint8 (3, n), with operations that onnxruntime has for every type."""
    value = packed.float()
    above_red = torch.floor(value / 256)
    blue = torch.floor(above_red / 256)
    return torch.cat([value - 256 * above_red, above_red - 256 * blue, blue]).to(torch.uint8)


def bilinear_cells() -> Tensor:
    """float32 (16, 1, 3, 3): enlarging four times, as a convolution into cells; row-major places of a cell."""
    taps = torch.tensor([[0.375, 0.625, 0], [0.125, 0.875, 0], [0, 0.875, 0.125], [0, 0.625, 0.375]])
    return torch.einsum("ai,bj->abij", taps, taps).reshape(PACK**2, 1, 3, 3)


class Places(nn.Module):
    """flow (1, 2, 64, 64), in half pictures → int32 (count,): where each place of the new picture looks up.

    `cell` 4 gives the picture's 256² places cell by cell, (16, 64, 64); 1 gives those of the features, (64, 64).
    """

    def __init__(self, cell: int):
        super().__init__()
        size = CELLS * cell
        self.cell, self.last, self.side = cell, FINE * (size - 1), FINE * (size - 1) + 1
        self.unit = FINE * size / 2
        at = torch.arange(size, dtype=torch.float32).reshape(CELLS, cell) * FINE + 0.5  # rounds as it is truncated
        x = at.T[None].expand(cell, -1, -1).reshape(cell**2, 1, CELLS)
        y = at.T[:, None].expand(-1, cell, -1).reshape(cell**2, CELLS, 1)
        self.register_buffer("x", x.contiguous())
        self.register_buffer("y", y.contiguous())
        self.register_buffer("taps", torch.cat([bilinear_cells()] * 2) * self.unit)

    def forward(self, flow: Tensor) -> Tensor:
        if self.cell == 1:
            x, y = (flow[0] * self.unit).split(1)
        else:
            # Without groups: onnxruntime's grouped convolution of one channel is ten times slower.
            padded = F.pad(flow, (1, 1, 1, 1), mode="replicate").transpose(0, 1)
            x, y = F.conv2d(padded, self.taps[: PACK**2]).split(1)
            x, y = x[0], y[0]
        x = (x + self.x).clamp(0, self.last + 0.5).to(torch.int32)
        y = (y + self.y).clamp(0, self.last + 0.5).to(torch.int32)
        return (y * self.side + x).flatten()


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


class RealtimeInference(nn.Module):
    """Draws what a `RealtimeRenderer` draws, a batch of one, for `avatar/graphs.py` to export.

    calibration: motion (K, 1, 59) that shows what the activations' ranges are; portrait (1, 3, 256, 256).
    """

    tolerance = ROUNDED
    looks_at_portrait = False

    def __init__(self, renderer: RealtimeRenderer, calibration: Tensor, portrait: Tensor):
        super().__init__()
        self.net = net = copy.deepcopy(renderer).eval()
        with torch.no_grad():
            features = net.source(portrait)
            self.feature_peak = float(features["f64"].max())
            ranges = Ranges(net)
            for motion in calibration:
                net.render(motion[None], portrait, features)
            ranges.close()
        norms = [(name, module) for name, module in net.named_modules() if isinstance(module, AdaIN)]
        self.modulation = Modulation([module for _, module in norms])
        for index, (name, _) in enumerate(norms):
            swap(net, name, Modulated(index))
        for name in ranges.inputs:
            swap(net, name, self.in_bytes(name, ranges))
        self.colour_bytes = ByteCode(PICTURE)
        self.fine_places, self.coarse_places = Places(PACK), Places(1)
        self.register_buffer("taps", bilinear_cells())
        luma, chroma = colours()
        self.register_buffer("colours", torch.cat([luma, chroma]))
        self.register_buffer("offsets", torch.cat([torch.full((16,), 16.5), torch.full((8,), 128.5)]))

    def in_bytes(self, name: str, ranges: Ranges) -> nn.Module:
        """The integer convolution that takes the place of one of the network's."""
        conv = self.net.get_submodule(name)
        inputs, outputs = ranges.codes(name)
        if isinstance(conv, nn.ConvTranspose2d):
            return ByteUpConv(conv, inputs, outputs)
        weight = conv.weight.detach().clone()
        bias = None if conv.bias is None else conv.bias.detach().clone()
        if name == "editing.in64.conv":
            # Features come as bytes of another scale than the picture's: their weights make up for it.
            weight[:, COLOUR_BYTES:] *= self.feature_peak
            inputs = PICTURE
        if name == "editing.out":
            # Residual and gain are of different sizes: each fills the bytes, and is scaled back when it is used.
            lows, highs = ranges.outputs[name]
            most = [float(part.max()) for part in torch.maximum(-lows, highs).split(RealtimeEditing.PARTS)]
            self.part_units = [max(unit, 1e-6) for unit in most]
            rows = torch.cat([torch.full((n,), u) for n, u in zip(RealtimeEditing.PARTS, self.part_units, strict=True)])
            weight, bias = weight / rows[:, None, None, None], bias / rows
            outputs = Bytes.of(-1, 1)
        return ByteConv(weight, bias, conv.stride[0], conv.padding[0], inputs, outputs)

    def source(self, portrait: Tensor) -> dict[str, Tensor]:
        """portrait (1, 3, 256, 256) → what is kept of it: packed colours int32 and looks uint8 at every place, and
        float32 maps of the warping network.
        """
        features = self.net.source(portrait)
        looks = features.pop("f64") / self.feature_peak
        return {"colours": pack(enlarge(portrait)), "looks": enlarge(looks).T.to(torch.uint8), **features}

    def cells(self, motion: Tensor, features: dict[str, Tensor]) -> Tensor:
        """motion (1, 1, 59) → RGB float32 (48, 4096) in 0…1, cell by cell: colour and place in the cell, cell."""
        z = self.modulation(self.net.mapping(motion))
        flow = self.net.warping(features, z, motion)
        # One lookup for three colours: most of its time is waiting for memory.
        cells = unpack(features["colours"].gather(1, self.fine_places(flow)[None].long()))
        cells = cells.reshape(1, COLOUR_BYTES, CELLS, CELLS)
        warped = features["looks"].index_select(0, self.coarse_places(flow)).T.reshape(1, -1, CELLS, CELLS)
        painted, mask = self.net.editing.paint(self.colour_bytes.decode(torch.cat([cells, warped], 1)), z)
        residual, gain = painted.split(RealtimeEditing.PARTS, 1)
        residual_unit, gain_unit = self.part_units
        mask = F.conv2d(F.pad(mask, (1, 1, 1, 1), mode="replicate"), self.taps)  # (1, 16, 64, 64)
        share = torch.sigmoid(mask) * (RESIDUAL_GAIN * residual_unit)
        kept = self.colour_bytes.decode(cells).reshape(3, PACK**2, CELLS, CELLS) * (gain * gain_unit + 1)
        picture = (kept + residual.reshape(3, PACK**2, CELLS, CELLS) * share).clamp(0, 1)
        return picture.reshape(COLOUR_BYTES, CELLS * CELLS)

    def picture(self, motion: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """motion (1, 1, 59) and what `source` gave → picture float32 (1, 3, 256, 256) in 0…1."""
        return F.pixel_shuffle(self.cells(motion, inputs).reshape(1, COLOUR_BYTES, CELLS, CELLS), PACK)

    def i420(self, motion: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """motion (1, 1, 59) and what `source` gave → uint8 (1, 98304): Y 256 × 256, then U and V 128 × 128."""
        cells = self.cells(motion, inputs)
        yuv = (torch.addmm(self.offsets, cells.T, self.colours.T)).to(torch.uint8)  # (4096, 24)
        y, uv = yuv.split([PACK**2, PACK**2 // 2], 1)
        y = y.reshape(CELLS, CELLS, PACK, PACK).transpose(1, 2)  # row, row of the cell, column, column of the cell
        uv = uv.reshape(CELLS, CELLS, 2, 2, 2).permute(2, 0, 3, 1, 4)
        return torch.cat([y.flatten(), uv.flatten()])[None]


def colours() -> tuple[Tensor, Tensor]:
    """Matrices from the 48 values of a cell to its 16 of luma and to its 4 of each chroma, means of 2 × 2 pixels."""
    place = torch.eye(PACK**2)  # (16 places, 16)
    luma = torch.cat([place * weight for weight in LUMA], 1)
    quarters = place.reshape(2, 2, 2, 2, PACK**2).sum((1, 3)).reshape(4, PACK**2) / 4
    chroma = torch.cat([torch.cat([quarters * weight for weight in row], 1) for row in (BLUE, RED)])
    return luma, chroma
