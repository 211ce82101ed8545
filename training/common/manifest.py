"""The `manifest.json` beside each exported model: what its graphs take and give, its origin, how good it is."""

import hashlib
import json
from pathlib import Path
from typing import Any

import onnx

FORMAT = "visavis-model/1"
KINDS = ("voice", "motion", "renderer", "reader")
MAX_BYTES = 8_000_000  # every file has to stay small enough for git
DTYPES = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.INT32: "int32",
    onnx.TensorProto.UINT8: "uint8",
}


def tensor_shapes(values: Any) -> dict[str, dict[str, Any]]:
    """Maps name → {"dtype", "shape"} of graph inputs or outputs; a dimension that varies keeps its name: `[1, "P"]`."""
    shapes = {}
    for value in values:
        tensor = value.type.tensor_type
        shape = [d.dim_param if d.HasField("dim_param") else d.dim_value for d in tensor.shape.dim]
        shapes[value.name] = {"dtype": DTYPES[tensor.elem_type], "shape": shape}
    return shapes


def describe_file(path: Path, limit: bool = True) -> dict[str, Any]:
    """Describes one ONNX file: name, SHA-256, size in bytes, inputs and outputs.

    Raises ValueError when there is a limit and the file is larger than 8 MB.
    """
    content = path.read_bytes()
    if limit and len(content) > MAX_BYTES:
        raise ValueError(f"{path} has {len(content)} bytes, at most {MAX_BYTES} are allowed")
    graph = onnx.load_from_string(content).graph
    constants = {tensor.name for tensor in graph.initializer}
    return {
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "inputs": tensor_shapes(value for value in graph.input if value.name not in constants),
        "outputs": tensor_shapes(graph.output),
    }


def write_manifest(
    folder: Path,
    *,
    kind: str,
    name: str,
    description: str,
    licence: str,
    origin: dict[str, Any],
    evaluation: dict[str, Any],
    files: dict[str, str],
    details: dict[str, Any],
    limit: bool = True,
) -> Path:
    """Writes `folder/manifest.json` and returns its path.

    files: role → file name inside the folder. details: the part that only this kind has, stored under the kind's name.
    limit: whether files must be small enough for the repository. origin: data, steps, hardware, date (YYYY-MM-DD),
    notes. Raises ValueError for an unknown kind or too big a file.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    manifest = {
        "format": FORMAT,
        "kind": kind,
        "name": name,
        "description": description,
        "licence": licence,
        "origin": origin,
        "evaluation": evaluation,
        "files": {role: describe_file(folder / file, limit) for role, file in files.items()},
        kind: details,
    }
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return path
