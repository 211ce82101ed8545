"""Convolutions in 8 bits, after training: bytes in, int8 weights, bytes out, so that onnxruntime runs them in integers.

A byte b stands for scale · (b − zero); zero itself is always exact. Weights have a scale per output channel and 7 bits
(−63…63): with 8 bits, processors without VNNI overflow where two products are added in 16 bits, and would draw another
picture than the rest.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WEIGHT_MOST = 63


@dataclass(frozen=True)
class Bytes:
    """How float values are stored as bytes: scale · (byte − zero)."""

    scale: float
    zero: int

    @staticmethod
    def of(low: float, high: float) -> "Bytes":
        """Covers low…high and 0. Raises ValueError when the range is not finite."""
        low, high = min(low, 0.0), max(high, 0.0)
        if not high - low < float("inf"):
            raise ValueError(f"expected a finite range of activations, got {low} to {high}")
        scale = max(high - low, 1e-6) / 255
        return Bytes(scale, round(-low / scale))


class Quantize(torch.autograd.Function):
    """QuantizeLinear of ONNX: float32 → uint8."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
        return (torch.round(x / scale) + zero.float()).clamp(0, 255).to(torch.uint8)

    @staticmethod
    def symbolic(g: Any, x: Any, scale: Any, zero: Any) -> Any:
        return g.op("QuantizeLinear", x, scale, zero)


class Dequantize(torch.autograd.Function):
    """DequantizeLinear of ONNX: uint8 with one scale, or int8 weights with one a row, → float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
        shape = (-1, *[1] * (x.dim() - 1)) if scale.dim() else ()
        return (x.float() - zero.float().reshape(shape)) * scale.reshape(shape)

    @staticmethod
    def symbolic(g: Any, x: Any, scale: Any, zero: Any) -> Any:
        return g.op("DequantizeLinear", x, scale, zero, axis_i=0)


class ByteCode(nn.Module):
    """Float32 → uint8 and back."""

    def __init__(self, code: Bytes):
        super().__init__()
        self.register_buffer("scale", torch.tensor(code.scale))
        self.register_buffer("zero", torch.tensor(code.zero, dtype=torch.uint8))

    def encode(self, x: Tensor) -> Tensor:
        return Quantize.apply(x, self.scale, self.zero)

    def decode(self, x: Tensor) -> Tensor:
        return Dequantize.apply(x, self.scale, self.zero)


class ByteConv(nn.Module):
    """A convolution from bytes to bytes; weight float32 (outputs, inputs, h, w), bias float32 (outputs,)."""

    def __init__(self, weight: Tensor, bias: Tensor | None, stride: int, padding: int, inputs: Bytes, outputs: Bytes):
        super().__init__()
        self.stride, self.padding, self.width = stride, padding, len(weight)
        self.inputs, self.outputs = ByteCode(inputs), ByteCode(outputs)
        # onnxruntime takes twice as long for outputs whose number is no multiple of four.
        spare = -len(weight) % 4
        weight = F.pad(weight, (0, 0, 0, 0, 0, 0, 0, spare))
        bias = None if bias is None else F.pad(bias, (0, spare))
        scale = weight.abs().amax((1, 2, 3)).clamp(min=1e-8) / WEIGHT_MOST
        self.register_buffer("weight", torch.round(weight / scale[:, None, None, None]).to(torch.int8))
        self.register_buffer("scale", scale)
        self.register_buffer("zero", torch.zeros(len(scale), dtype=torch.int8))
        # In units of a product of input and weight, as integer convolutions add it.
        self.register_buffer("bias_scale", scale * inputs.scale)
        self.register_buffer("bias_zero", torch.zeros(len(scale), dtype=torch.int32))
        self.register_buffer("bias", None if bias is None else torch.round(bias / self.bias_scale).to(torch.int32))

    def from_bytes(self, x: Tensor) -> Tensor:
        """uint8 (1, inputs, H, W) → uint8 (1, outputs, …)."""
        weight = Dequantize.apply(self.weight, self.scale, self.zero)
        bias = None if self.bias is None else Dequantize.apply(self.bias, self.bias_scale, self.bias_zero)
        y = self.outputs.encode(F.conv2d(self.inputs.decode(x), weight, bias, self.stride, self.padding))
        return y if self.width == len(self.weight) else y[:, : self.width]

    def forward(self, x: Tensor) -> Tensor:
        return self.outputs.decode(self.from_bytes(self.inputs.encode(x)))


class ByteUpConv(nn.Module):
    """A transposed convolution of 4 × 4 with stride 2 and padding 1, as one of 2 × 2 for the four places of a block.

    Row 2m is in[m − 1] · w[3] + in[m] · w[1], row 2m + 1 is in[m] · w[2] + in[m + 1] · w[0]; columns alike.
    """

    TAPS = ((3, 1), (2, 0))

    def __init__(self, conv: nn.ConvTranspose2d, inputs: Bytes, outputs: Bytes):
        super().__init__()
        weight = conv.weight.detach().transpose(0, 1)  # (outputs, inputs, 4, 4)
        phases = [weight[:, :, rows][..., columns] for rows in self.TAPS for columns in self.TAPS]
        self.conv = ByteConv(torch.cat(phases), None, 1, 1, inputs, outputs)
        self.width = len(weight)

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-1]
        # With channels last, putting places side by side is copying whole pixels and rows.
        phases = self.conv.from_bytes(self.conv.inputs.encode(x)).permute(0, 2, 3, 1).split(self.width, 3)
        places = ((0, 0), (0, 1), (1, 0), (1, 1))
        placed = [
            phase[:, row : row + size, column : column + size]
            for phase, (row, column) in zip(phases, places, strict=True)
        ]
        rows = [torch.cat(placed[first : first + 2], 3).reshape(1, size, 2 * size * self.width) for first in (0, 2)]
        joined = torch.cat(rows, 2).reshape(1, 2 * size, 2 * size, self.width)
        return self.conv.outputs.decode(joined.permute(0, 3, 1, 2))


class Ranges:
    """Watches the inputs and outputs of a network's convolutions while it draws.

    inputs: name → (lowest, highest) value; outputs: name → the same for each channel, float32 (channels,).
    """

    def __init__(self, network: nn.Module):
        self.inputs: dict[str, tuple[float, float]] = {}
        self.outputs: dict[str, tuple[Tensor, Tensor]] = {}
        self.hooks = [
            module.register_forward_hook(self._hook(name))
            for name, module in network.named_modules()
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        ]

    def _hook(self, name: str) -> Any:
        def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            low, high = float(inputs[0].amin()), float(inputs[0].amax())
            lows, highs = output.amin((0, 2, 3)), output.amax((0, 2, 3))
            if name in self.inputs:
                before, (lows_before, highs_before) = self.inputs[name], self.outputs[name]
                low, high = min(low, before[0]), max(high, before[1])
                lows, highs = torch.minimum(lows, lows_before), torch.maximum(highs, highs_before)
            self.inputs[name], self.outputs[name] = (low, high), (lows, highs)

        return note

    def close(self) -> None:
        """Stops watching."""
        for hook in self.hooks:
            hook.remove()

    def codes(self, name: str) -> tuple[Bytes, Bytes]:
        """How to store what goes into a convolution, and what comes out."""
        lows, highs = self.outputs[name]
        return Bytes.of(*self.inputs[name]), Bytes.of(lows.min().item(), highs.max().item())
