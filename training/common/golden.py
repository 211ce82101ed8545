"""Golden batches: tensors computed by PyTorch, checked against onnxruntime, read again by the server's tests.

`<name>.json` lists the cases, `<name>.bin` holds the tensors one after another, raw and little-endian.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

MAX_BYTES = 1_000_000
FLOAT_TOLERANCE = 1e-4  # of the expected tensor's peak


class Tolerance(NamedTuple):
    """How far bytes may be off: any of them, and all on average."""

    most: int
    mean: float


EXACT = Tolerance(1, 1)
# Where activations are rounded to bytes, the last bit of a sum decides a step; its traces are few and faint.
ROUNDED = Tolerance(32, 0.5)


def run_onnx(path: Path, inputs: dict[str, np.ndarray], threads: int = 1) -> dict[str, np.ndarray]:
    """Runs an ONNX file once on the CPU and returns its outputs by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def check_equal(
    expected: dict[str, np.ndarray], actual: dict[str, np.ndarray], byte_tolerance: Tolerance = EXACT
) -> None:
    """Raises ValueError when a tensor differs: float by over 1e-4 of its peak, uint8 by over what is tolerated (1 if
    nothing is said), other integers at all.
    """
    for name, want in expected.items():
        got = actual[name]
        if got.shape != want.shape or got.dtype != want.dtype:
            raise ValueError(f"{name}: expected {want.dtype}{want.shape}, got {got.dtype}{got.shape}")
        off = np.abs(got.astype(np.float64) - want.astype(np.float64))
        difference = off.max(initial=0)
        if want.dtype == np.uint8:
            allowed = byte_tolerance.most
            if off.mean() > byte_tolerance.mean:
                raise ValueError(f"{name}: onnxruntime is off by {off.mean():.3g}, allowed is {byte_tolerance.mean}")
        elif np.issubdtype(want.dtype, np.floating):
            allowed = FLOAT_TOLERANCE * max(np.abs(want).max(initial=0), 1e-6)
        else:
            allowed = 0
        if not difference <= allowed:
            raise ValueError(f"{name}: onnxruntime differs from PyTorch by {difference:.3g}, allowed is {allowed:.3g}")


@dataclass
class GoldenBatch:
    """Collects the cases of one model; `model` is its folder seen from the repository root: `models/voices/rms`."""

    model: str
    cases: list[dict[str, Any]] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)

    def _store(self, tensor: np.ndarray | dict[str, str]) -> dict[str, Any]:
        if isinstance(tensor, dict):
            return tensor
        entry = {"dtype": str(tensor.dtype), "shape": list(tensor.shape), "offset": len(self.content)}
        self.content += np.ascontiguousarray(tensor).astype(tensor.dtype.newbyteorder("<")).tobytes()
        self.content += bytes(-len(self.content) % 8)  # typed arrays in JavaScript need aligned offsets
        return entry

    def add(
        self,
        graph: str,
        inputs: dict[str, np.ndarray | dict[str, str]],
        outputs: dict[str, np.ndarray | dict[str, str]],
        byte_tolerance: Tolerance = EXACT,
    ) -> None:
        """Adds one case. In place of a tensor, {"file": path} or {"graph": role} says where the reader finds it: in a
        file of the repository, or among the outputs of the model's other graph, by the same name.
        """
        self.cases.append(
            {
                "graph": graph,
                "inputs": {name: self._store(tensor) for name, tensor in inputs.items()},
                "outputs": {name: self._store(tensor) for name, tensor in outputs.items()},
                **({} if byte_tolerance == EXACT else {"byteTolerance": byte_tolerance._asdict()}),
            }
        )

    def check(self, graph: str, path: Path, inputs: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
        """Runs the file; raises ValueError when it differs from what PyTorch gave, else adds the case."""
        check_equal(expected, run_onnx(path, inputs))
        self.add(graph, inputs, expected)

    def write(self, stem: Path) -> None:
        """Writes `stem`.json and `stem`.bin. Raises ValueError when the tensors take more than 1 MB."""
        if len(self.content) > MAX_BYTES:
            raise ValueError(
                f"golden batch of {self.model} has {len(self.content)} bytes, at most {MAX_BYTES} are allowed"
            )
        stem.parent.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".bin").write_bytes(self.content)
        batch = {"model": self.model, "cases": self.cases}
        stem.with_suffix(".json").write_text(json.dumps(batch, indent=2) + "\n")
