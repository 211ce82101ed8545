"""Building blocks of both renderer sizes: AdaIN, upsampling, and looking up a picture along a flow field."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5


class AdaIN(nn.Module):
    """Adaptive instance normalization (paper §3.1): each channel to mean 0 and variance 1, then gain and bias from z.

    x (B, channels, H, W), z (B, z) → (B, channels, H, W). `hidden` adds the paper's shared layer between z and the
    affines.
    """

    def __init__(self, channels: int, z: int, hidden: int | None = None):
        super().__init__()
        self.shared = nn.Identity() if hidden is None else nn.Sequential(nn.Linear(z, hidden), nn.ReLU())
        self.affine = nn.Linear(z if hidden is None else hidden, 2 * channels)
        # Small weights make the start stable; with zeros the descriptor is ignored for thousands of steps.
        nn.init.normal_(self.affine.weight, std=0.02)
        nn.init.zeros_(self.affine.bias)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        gain, bias = self.affine(self.shared(z)).chunk(2, 1)  # (B, channels) each
        if torch.onnx.is_in_onnx_export():
            if x.shape[0] == 1:
                # With a batch of one the whole of AdaIN is a single ONNX operator.
                return F.instance_norm(x, weight=1 + gain[0], bias=bias[0], eps=EPSILON)
            # As the channels of one picture, those of a batch need no more.
            channels = x.reshape(1, -1, *x.shape[2:])
            gains, biases = (1 + gain).reshape(-1), bias.reshape(-1)
            return F.instance_norm(channels, weight=gains, bias=biases, eps=EPSILON).reshape(-1, *x.shape[1:])
        mean = x.mean((2, 3), keepdim=True)
        variance = (x - mean).square().mean((2, 3), keepdim=True)
        scale = torch.rsqrt(variance + EPSILON) * (1 + gain[:, :, None, None])
        return (x - mean) * scale + bias[:, :, None, None]


class AdaConv(nn.Module):
    """3×3 convolution, AdaIN, ReLU: (B, inputs, H, W) → (B, outputs, H/stride, W/stride)."""

    def __init__(self, inputs: int, outputs: int, z: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)  # AdaIN would take a bias away again
        self.norm = AdaIN(outputs, z)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x), z))


class AdaResidual(nn.Module):
    """x plus a 3×3 convolution with AdaIN of it, which starts at zero, so that it can be added to a trained network."""

    def __init__(self, channels: int, z: int):
        super().__init__()
        self.body = AdaConv(channels, channels, z)
        self.gain = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return x + self.gain * self.body(x, z)


class AdaUp(nn.Module):
    """Joins a coarse map, upsampled by a transposed convolution, with a convolution of a finer one; then AdaIN, ReLU.

    coarse (B, inputs, H, W), skip (B, skips, 2H, 2W) → (B, outputs, 2H, 2W). Convolving the two apart costs less than
    joining them first, and the part of a source feature can be computed once a portrait (`skip_conv`).
    """

    def __init__(self, inputs: int, skips: int, outputs: int, z: int):
        super().__init__()
        self.coarse_conv = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)
        self.skip_conv = nn.Conv2d(skips, outputs, 3, 1, 1, bias=False)
        self.norm = AdaIN(outputs, z)

    def join(self, coarse: Tensor, convolved_skip: Tensor, z: Tensor) -> Tensor:
        """Like `forward`, for a skip that already went through `skip_conv`."""
        return F.relu(self.norm(self.coarse_conv(coarse) + convolved_skip, z))

    def forward(self, coarse: Tensor, skip: Tensor, z: Tensor) -> Tensor:
        return self.join(coarse, self.skip_conv(skip), z)


def identity_grid(size: int, device: torch.device | None = None) -> Tensor:
    """The grid that looks up every pixel where it is: float32[1, size, size, 2], (x, y) in −1…1 from edge to edge."""
    centre = (2 * torch.arange(size, device=device, dtype=torch.float32) + 1) / size - 1
    y, x = torch.meshgrid(centre, centre, indexing="ij")
    return torch.stack([x, y], -1)[None]


def look_up(picture: Tensor, grid: Tensor) -> Tensor:
    """Bilinear lookup: picture (B, C, H, W), grid (B, h, w, 2) in −1…1 → float32 (B, C, h, w); outside, the border
    goes on.
    """
    return F.grid_sample(picture.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)


def enlarge_twice(picture: Tensor) -> Tensor:
    """(B, C, n, n) → (B, C, 2n − 1, 2n − 1): its pixels and, between them, what a cubic says; so a warp stays sharp."""
    side = 2 * picture.shape[-1] - 1
    return F.interpolate(picture.float(), size=(side, side), mode="bicubic", align_corners=True)


def look_up_enlarged(picture: Tensor, grid: Tensor) -> Tensor:
    """`look_up` in a picture that went through `enlarge_twice`; the grid is that of the small one."""
    size = (picture.shape[-1] + 1) // 2
    grid = ((grid + 1) * size - 1) / (size - 1) - 1
    return F.grid_sample(picture, grid, mode="bilinear", padding_mode="border", align_corners=True)
