"""Other descriptors than ours: a matrix that makes them of `visavis-59`, for a renderer's manifest.

    python -m avatar.layout --ours DATA/alex-256/params.npz --theirs coefficients.npz --out layout.json

A renderer with weights trained elsewhere, such as PIRenderer's published ones with 73 3DMM coefficients, is driven
through this matrix. It is fitted to pairs: run the estimator of those coefficients on pictures whose descriptor is
known, the renders of `avatar.scene`, and save `numbers` (n,), the frame numbers, with `coefficients` (n, size).
"""

import argparse
import json
from pathlib import Path

import numpy as np

from avatar.model import MOTION, motion_unit

RIDGE = 1e-3  # of the mean square, so that shapes that hardly move get small columns


def fit_layout(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Least squares of theirs (n, size) from ours (n, 59): matrix (size, 59), offset (size,), and the share of the
    variance that is explained.

    Raises ValueError when there are too few pairs or their numbers differ.
    """
    if len(ours) != len(theirs) or len(ours) < 2 * MOTION:
        raise ValueError(f"expected at least {2 * MOTION} pairs, got {len(ours)} and {len(theirs)} descriptors")
    unit = motion_unit().numpy()
    x = ours * unit
    centre, mean = x.mean(0), theirs.mean(0)
    square = (x - centre).T @ (x - centre)
    ridge = RIDGE * np.trace(square) / MOTION * np.eye(MOTION)
    weights = np.linalg.solve(square + ridge, (x - centre).T @ (theirs - mean))  # (59, size)
    left = theirs - mean - (x - centre) @ weights
    explained = 1 - float((left**2).sum() / np.maximum(((theirs - mean) ** 2).sum(), 1e-12))
    return (weights.T * unit).astype(np.float32), (mean - centre @ weights).astype(np.float32), explained


def write_layout(path: Path, matrix: np.ndarray, offset: np.ndarray) -> None:
    """Writes the JSON that a manifest's layout names: matrix (size, 59) and offset (size,)."""
    rows = [[round(float(value), 7) for value in row] for row in matrix]
    content = {"matrix": rows, "offset": [round(float(value), 7) for value in offset]}
    path.write_text(json.dumps(content) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", type=Path, required=True, help="params.npz of a data folder")
    parser.add_argument("--theirs", type=Path, required=True, help="npz with numbers and coefficients")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with np.load(options.ours) as ours, np.load(options.theirs) as theirs:
        numbers = theirs["numbers"]
        matrix, offset, explained = fit_layout(ours["motion"][numbers], theirs["coefficients"])
    write_layout(options.out, matrix, offset)
    print(f"{len(numbers)} pairs, {len(offset)} coefficients, {explained:.1%} of their variance explained")


if __name__ == "__main__":
    main()
