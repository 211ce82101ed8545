"""Keep a trained renderer's weights in half precision, small enough for the repository.

    python -m avatar.keep --run RUNS/alex --out weights/alex.pt

What is exported is rounded to bytes and cannot be trained further; this can (`avatar.train --init`).
"""

import argparse
from pathlib import Path

from avatar.sizes import keep_weights, load_average


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    renderer, progress = load_average(options.run)
    keep_weights(renderer.state_dict(), progress, options.out)


if __name__ == "__main__":
    main()
