"""Monotonic rational-quadratic splines with linear tails (Durkan et al. 2019, arXiv 1906.04032)."""

import torch
from torch.nn import functional as F

MIN_BIN = 1e-3
MIN_SLOPE = 1e-3


def rational_quadratic(
    x: torch.Tensor,
    widths: torch.Tensor,
    heights: torch.Tensor,
    slopes: torch.Tensor,
    *,
    inverse: bool = False,
    bound: float = 5.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Map x elementwise by a spline on [-bound, bound], by the identity outside.

    x [...]; widths and heights [..., K] and slopes [..., K - 1] are unnormalized. Gives y and log |dy/dx|, shaped as x.
    """
    inside = x.abs() <= bound
    # the slope is 1 at both ends, where the linear tails begin
    slopes = MIN_SLOPE + F.softplus(F.pad(slopes, (1, 1), value=_inverse_softplus(1 - MIN_SLOPE)))
    begins, sizes = _bins(torch.stack([widths, heights], dim=-2), bound)
    clamped = x.clamp(-bound, bound)[..., None]

    # 1 for each edge that has been passed, less 1 for each that the next bin begins with: 1 for the bin of x
    passed = (clamped >= begins[..., 1 if inverse else 0, 1:]).to(x.dtype)
    chosen = F.pad(passed, (1, 0), value=1.0) - F.pad(passed, (0, 1))
    ends = torch.stack([slopes[..., :-1], slopes[..., 1:]], dim=-2)
    bins = (torch.cat([begins, sizes, ends], dim=-2) * chosen[..., None, :]).sum(-1)
    x0, y0, w, h, d0, d1 = bins.split(1, dim=-1)
    s = h / w
    curve = d0 + d1 - 2 * s
    if inverse:
        rise = clamped - y0
        a = rise * curve + h * (s - d0)
        b = h * d0 - rise * curve
        c = -s * rise
        theta = 2 * c / (-b - torch.sqrt((b * b - 4 * a * c).clamp(min=0)))
        y = theta * w + x0
    else:
        theta = (clamped - x0) / w
        y = y0 + h * (s * theta * theta + d0 * theta * (1 - theta)) / (s + curve * theta * (1 - theta))
    y = y[..., 0]
    denominator = s + curve * theta * (1 - theta)
    numerator = s * s * (d1 * theta * theta + 2 * s * theta * (1 - theta) + d0 * (1 - theta) * (1 - theta))
    log_slope = (torch.log(numerator) - 2 * torch.log(denominator))[..., 0] * inside
    return torch.where(inside, y, x), -log_slope if inverse else log_slope


def _bins(sizes: torch.Tensor, bound: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Where bins begin, and their sizes: together they reach from -bound to bound."""
    count = int(sizes.shape[-1])
    size = (MIN_BIN + (1 - MIN_BIN * count) * sizes.softmax(-1)) * (2 * bound)
    return size.cumsum(-1) - size - bound, size


def _inverse_softplus(y: float) -> float:
    return float(torch.log(torch.expm1(torch.tensor(y, dtype=torch.float64))))
