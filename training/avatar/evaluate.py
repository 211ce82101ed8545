"""Measure a renderer on noise-free frames that it was not trained on, and draw a contact sheet.

    python -m avatar.evaluate --run RUNS/alex --data DATA/alex-256 --face-model DATA/ict-face.npz --sheet sheet.png

Prints PSNR in dB (whole, mouth box, eye boxes), SSIM, and with `--reader RUNS/alex-reader` (see avatar/read_motion.py)
the errors of eyelid and mouth gaps in pixels. The sheet shows one frame a row: source, target, ours, four times the
difference.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from avatar.data import EYES, MOUTH, NEUTRAL, SIZE, Portraits, to_float
from avatar.losses import luma, structural_similarity
from avatar.read_motion import MotionReader, gaps, load_reader
from avatar.sizes import Renderer, load_average

SHOWN = ("eyeBlink_L", "jawOpen", "mouthPucker", "mouthSmile_L", "browInnerUp_L", "eyeLookOut_L", "mouthRollLower")


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio of pictures in 0…1, in dB."""
    return -10 * math.log10(max(float((a - b).square().mean()), 1e-10))


@torch.no_grad()
def draw(renderer: Renderer, portraits: Portraits, numbers: list[int]) -> Tensor:
    """Draws frames from the neutral portrait: float32 (len(numbers), 3, 256, 256) in 0…1."""
    portrait = to_float(portraits.pictures[NEUTRAL])[None]
    features = renderer.source(portrait)
    window = (1, renderer.config.frames, -1)  # frames are independent: a window shows one of them all the time
    rows = [portraits.motion[number].expand(window) for number in numbers]
    return torch.cat([renderer.render(row, portrait, features).picture.clamp(0, 1) for row in rows])


def compare(ours: Tensor, truth: Tensor, landmarks: np.ndarray) -> dict[str, float]:
    """Means over pictures (K, 3, 256, 256): PSNR in dB whole, in the mouth box and in the eye boxes, and SSIM of the
    luma.
    """
    rows = []
    for a, b, points in zip(ours, truth, landmarks, strict=True):
        inside = []
        for region in (MOUTH, *EYES):
            r, c = region.box(points)
            inside.append(psnr(a[:, r, c], b[:, r, c]))
        similarity = structural_similarity(luma(a[None]), luma(b[None])).mean()
        rows.append((psnr(a, b), inside[0], (inside[1] + inside[2]) / 2, float(similarity)))
    return dict(zip(("psnr", "mouth", "eyes", "ssim"), map(float, np.mean(rows, 0)), strict=True))


def measure(renderer: Renderer, portraits: Portraits) -> dict[str, float]:
    """`compare` on all held-out frames."""
    return against_truth(draw(renderer, portraits, portraits.clean_numbers), portraits)


def against_truth(pictures: Tensor, portraits: Portraits) -> dict[str, float]:
    """`compare` of drawn pictures of all held-out frames, in their order."""
    return compare(pictures, to_float(portraits.clean_pictures), portraits.landmarks[portraits.clean_numbers])


@torch.no_grad()
def compare_gaps(reader: MotionReader, ours: Tensor, truth: Tensor) -> dict[str, float]:
    """Mean difference of eyelid and mouth gaps, in pixels, between what the reader sees in our pictures and in the
    true ones (K, 3, 256, 256).
    """
    pairs = zip(gaps(reader(ours)[1]), gaps(reader(truth)[1]), strict=True)
    return dict(zip(("lid_gap_px", "mouth_gap_px"), (float((a - b).abs().mean()) for a, b in pairs), strict=True))


def telling_frames(portraits: Portraits, numbers: list[int]) -> list[int]:
    """Frames for the sheet: the strongest of several expressions, the most closed mouth, the largest turn, some
    others.
    """
    motion = portraits.motion[numbers].numpy()
    chosen = [int(motion[:, portraits.names.index(name)].argmax()) for name in SHOWN]
    mouth = [index for index, name in enumerate(portraits.names) if name.startswith(("mouth", "jaw"))]
    chosen += [int(motion[:, mouth].sum(1).argmin()), int(motion[:, 53].argmax()), int(motion[:, 53].argmin())]
    return [numbers[index] for index in dict.fromkeys([*chosen, *range(0, len(numbers), 16)])]


def contact_sheet(source: Tensor, truth: Tensor, ours: Tensor, columns: int = 2) -> Image.Image:
    """Source (3, 256, 256) beside rows of truth and ours (K, 3, 256, 256) and four times their difference."""
    difference = ((ours - truth) * 4 / 2 + 0.5).clamp(0, 1)
    rows = torch.cat([source[None].expand_as(truth), truth, ours, difference], 3)  # (K, 3, 256, 1024)
    padding = -len(rows) % columns
    rows = torch.cat([rows, rows.new_zeros(padding, *rows.shape[1:])])
    rows = rows.reshape(-1, columns, 3, SIZE, 4 * SIZE).permute(0, 3, 1, 4, 2).reshape(-1, columns * 4 * SIZE, 3)
    return Image.fromarray((rows * 255 + 0.5).byte().numpy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--reader", type=Path, help="run of avatar.read_motion")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    renderer, progress = load_average(options.run)
    portraits = Portraits.read(options.data, options.face_model, limit=12)
    numbers, pictures = portraits.clean_numbers, portraits.clean_pictures
    truth = to_float(pictures)
    ours = draw(renderer, portraits, numbers)
    values = {**progress, **compare(ours, truth, portraits.landmarks[numbers])}
    if options.reader:
        values |= compare_gaps(load_reader(options.reader), ours, truth)
    print(json.dumps(values, indent=2))
    if options.sheet:
        rows = [numbers.index(number) for number in telling_frames(portraits, numbers)]
        contact_sheet(to_float(portraits.pictures[NEUTRAL]), truth[rows], ours[rows]).save(options.sheet)


if __name__ == "__main__":
    main()
