"""What the renderer is trained on: pixels, slopes and structure at several scales, and the exact flow."""

import torch
import torch.nn.functional as F
from torch import Tensor

from avatar.blocks import identity_grid

LUMA = (0.299, 0.587, 0.114)
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2
EDGE = 0.01  # correspondences this close to the picture's edge are left out


def slopes(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbours along x and along y."""
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def structural_similarity(a: Tensor, b: Tensor, window: int = 7) -> Tensor:
    """SSIM map with a flat window of (B, C, H, W) pictures in 0…1; the valid part only."""
    mean_a, mean_b = F.avg_pool2d(a, window, 1), F.avg_pool2d(b, window, 1)
    var_a = F.avg_pool2d(a * a, window, 1) - mean_a.square()
    var_b = F.avg_pool2d(b * b, window, 1) - mean_b.square()
    both = F.avg_pool2d(a * b, window, 1) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + SSIM_C1) / (mean_a.square() + mean_b.square() + SSIM_C1)
    return luminance * (2 * both + SSIM_C2) / (var_a + var_b + SSIM_C2)


def luma(picture: Tensor) -> Tensor:
    """(B, 3, H, W) → (B, 1, H, W)."""
    return (picture * picture.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def pixel_loss(
    picture: Tensor, warped: Tensor, target: Tensor, weights: Tensor, warped_share: float, structure: float
) -> Tensor:
    """Distance of pictures (B, 3, 256, 256) from the target, with weights (B, 1, 256, 256).

    Weighted L1 and L2 of pixels, L1 of slopes and of coarser scales, and 1 − SSIM times `structure` at half and
    quarter size, where the renders' noise is averaged out. The warped portrait counts by `warped_share` of an L1, at
    half size.
    """
    difference = picture - target
    loss = 2 * (difference.abs() * weights).mean() + 30 * (difference.square() * weights).mean()
    for scale in range(3):
        pairs = zip(slopes(picture), slopes(target), strict=True)
        loss = loss + sum((a - b).abs().mean() for a, b in pairs)
        picture, target, weights = (F.avg_pool2d(x, 2) for x in (picture, target, weights))
        loss = loss + ((picture - target).abs() * weights).mean() / 2
        if scale == 0:
            loss = loss + warped_share * 2 * ((F.avg_pool2d(warped, 2) - target).abs() * weights).mean()
        if scale < 2:
            similarity = structural_similarity(luma(picture), luma(target))
            loss = loss + structure * ((1 - similarity) * weights[..., 3:-3, 3:-3]).mean()
    return loss


def flow_error(grid: Tensor, target_points: Tensor, source_points: Tensor, weights: Tensor) -> Tensor:
    """Mean distance |dx| + |dy|, in units of half a picture, between where the lookup grid (B, h, w, 2) in −1…1 looks
    at each point of the target and where this point is in the source.

    points: (B, P, 2) in 0…1, NaN where not visible; weights (P,).
    """
    visible = torch.isfinite(target_points[..., 0] * source_points[..., 0])
    visible &= (target_points.amin(-1) > EDGE) & (target_points.amax(-1) < 1 - EDGE)
    target_points, source_points = torch.nan_to_num(target_points, 0.5), torch.nan_to_num(source_points, 0.5)
    at = (2 * target_points - 1)[:, :, None]  # (B, P, 1, 2)
    got = F.grid_sample(grid.permute(0, 3, 1, 2), at, align_corners=False)[..., 0].permute(0, 2, 1)  # (B, P, 2)
    counts = visible * weights  # (B, P)
    return ((got - (2 * source_points - 1)).abs().sum(-1) * counts).sum() / counts.sum().clamp(min=1)


def roughness(grid: Tensor) -> Tensor:
    """Total variation of the flow in a lookup grid (B, h, w, 2)."""
    flow = grid - identity_grid(grid.shape[1], grid.device)
    return (flow[:, 1:] - flow[:, :-1]).abs().mean() + (flow[:, :, 1:] - flow[:, :, :-1]).abs().mean()
