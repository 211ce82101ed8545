"""Pictures by an avatar's exported renderer."""

from pathlib import Path

import numpy as np
import onnxruntime

from avatar.colour import BLUE, LUMA, RED
from avatar.data import NEUTRAL, SIZE, Portraits, to_float


def open_graph(path: Path) -> onnxruntime.InferenceSession:
    """A graph on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def to_rgb(i420: np.ndarray) -> np.ndarray:
    """I420 of BT.601 limited range, uint8 (98304,) → RGB uint8 (256, 256, 3), chroma repeated."""
    y = i420[: SIZE * SIZE].reshape(SIZE, SIZE).astype(np.float64)
    chroma = i420[SIZE * SIZE :].reshape(2, SIZE // 2, SIZE // 2).astype(np.float64)
    u, v = chroma.repeat(2, 1).repeat(2, 2)
    matrix = np.linalg.inv(np.array([LUMA, BLUE, RED]))  # colours 0…1 → what lies above 16, 128, 128
    rgb = np.stack([y - 16, u - 128, v - 128], -1) @ matrix.T
    return (rgb.clip(0, 1) * 255 + 0.5).astype(np.uint8)


class Drawer:
    """The exported renderer of an avatar with its portrait."""

    def __init__(self, folder: Path, portraits: Portraits):
        portrait = to_float(portraits.pictures[NEUTRAL])[None].numpy()
        source, self.render = open_graph(folder / "source.onnx"), open_graph(folder / "render.onnx")
        names = [output.name for output in source.get_outputs()]
        still = {"portrait": portrait, **dict(zip(names, source.run(names, {"portrait": portrait}), strict=True))}
        taken = {value.name: value.shape for value in self.render.get_inputs()}
        self.frames = taken["motion"][1]
        self.still = {name: tensor for name, tensor in still.items() if name in taken}

    def draw(self, motion: np.ndarray) -> np.ndarray:
        """motion (59,) → RGB uint8 (256, 256, 3)."""
        window = np.repeat(motion[None, None], self.frames, 1).astype(np.float32)
        return to_rgb(self.render.run(["i420"], {"motion": window, **self.still})[0][0])
