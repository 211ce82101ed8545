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
    inside = ((x >= -bound) & (x <= bound)).to(x.dtype)
    # the slope is 1 at both ends, where the linear tails begin
    slopes = MIN_SLOPE + F.softplus(F.pad(slopes, (1, 1), value=_inverse_softplus(1 - MIN_SLOPE)))
    left, width = _knots(widths, bound)
    low, height = _knots(heights, bound)
    clamped = x.clamp(-bound, bound)

    edges = low if inverse else left
    index = ((clamped[..., None] >= edges).sum(-1, keepdim=True) - 1).clamp(0, widths.shape[-1] - 1)

    def pick(values: torch.Tensor) -> torch.Tensor:
        return values.gather(-1, index).squeeze(-1)

    x0, w, y0, h = pick(left[..., :-1]), pick(width), pick(low[..., :-1]), pick(height)
    d0, d1 = pick(slopes[..., :-1]), pick(slopes[..., 1:])
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
    denominator = s + curve * theta * (1 - theta)
    numerator = s * s * (d1 * theta * theta + 2 * s * theta * (1 - theta) + d0 * (1 - theta) * (1 - theta))
    log_slope = torch.log(numerator) - 2 * torch.log(denominator)
    return torch.where(inside > 0, y, x), (-log_slope if inverse else log_slope) * inside


def _knots(sizes: torch.Tensor, bound: float) -> tuple[torch.Tensor, torch.Tensor]:
    count = sizes.shape[-1]
    share = MIN_BIN + (1 - MIN_BIN * count) * sizes.softmax(-1)
    inner = share.cumsum(-1)[..., :-1] * (2 * bound) - bound
    knots = F.pad(F.pad(inner, (1, 0), value=-bound), (0, 1), value=bound)
    return knots, knots[..., 1:] - knots[..., :-1]


def _inverse_softplus(y: float) -> float:
    return float(torch.log(torch.expm1(torch.tensor(y, dtype=torch.float64))))
