"""Draws curves as a PNG, to be looked at: one row a descriptor, teacher and samples in one frame."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = ((40, 40, 40), (214, 69, 65), (31, 119, 180), (44, 160, 44))


def draw_curves(
    path: Path, rows: dict[str, list[np.ndarray]], labels: list[tuple[int, str]] = (), width: int = 1800
) -> None:
    """rows: title → curves float[frames] of equal length, the first one dark; labels: (frame, text) written along the
    top.
    """
    height = 110
    picture = Image.new("RGB", (width, height * len(rows) + 20), "white")
    pen = ImageDraw.Draw(picture)
    frames = max(len(curve) for curves in rows.values() for curve in curves)
    across = lambda frame: 60 + frame * (width - 70) / max(1, frames - 1)  # noqa: E731
    for frame, text in labels:
        pen.text((across(frame), 4), text, fill=(0, 0, 0))
    for i, (title, curves) in enumerate(rows.items()):
        top = 20 + i * height
        low, high = min(c.min() for c in curves), max(c.max() for c in curves)
        span = max(high - low, 1e-3)
        pen.line([(60, top + height - 5), (width, top + height - 5)], fill=(225, 225, 225))
        pen.text((2, top + 4), f"{title}\n{high:.2f}\n\n\n\n{low:.2f}", fill=(0, 0, 0))
        for curve, colour in zip(curves, COLOURS, strict=False):
            points = [(across(f), top + height - 8 - (v - low) / span * (height - 16)) for f, v in enumerate(curve)]
            pen.line(points, fill=colour, width=2 if colour == COLOURS[0] else 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
