"""The tables of the filter decoder's Fourier transforms, 1.6 MB, computed by the graph and not stored in it.

onnxruntime folds them into constants when it loads the graph, so that neither memory nor speed changes.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from voice.filter_decoder import BINS, FFT, WINDOW, fourier_tables, half_tables, synthesis_weights, turn

SHARED = 256  # values; smaller constants are not looked at
# what a graph filters with: the whole inverse transform, or half of it
USES = ({"fourier.analysis", "fourier.synthesis"}, {"fourier.analysis", "fourier.cosines", "fourier.sines"})


def constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """All constants of a graph by name, whether nodes or initializers."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def tables_as_nodes() -> tuple[list[NodeProto], list[TensorProto], dict[str, np.ndarray]]:
    """Nodes and small constants that compute the tables, and the tables by the name of the node's output."""
    analysis, synthesis = fourier_tables()
    cosine, minus_sine = turn()

    def constant(name: str, values: np.ndarray) -> TensorProto:
        return numpy_helper.from_array(values, f"fourier.{name}")

    def node(operator: str, inputs: str, output: str, **attributes: int) -> NodeProto:
        names = [f"fourier.{name}" for name in inputs.split()]
        return helper.make_node(operator, names, [f"fourier.{output}"], **attributes)

    stored = [
        constant("zero", np.array(0)),
        constant("one", np.array(1)),
        constant("bins", np.array(BINS)),
        constant("size", np.array(FFT)),
        constant("rows", np.array([-1, 1, 1])),
        constant("columns", np.array([1, 1, -1])),
        constant("begin", np.array([0])),
        constant("end", np.array([WINDOW])),
        constant("axis", np.array([2])),
        constant("cosine", cosine),
        constant("minus_sine", minus_sine),
        constant("window", np.hanning(WINDOW + 1)[:WINDOW].astype(np.float32)),
        constant("weights", synthesis_weights()[:, None, None]),
        constant("half", np.array([BINS])),
        constant("square", np.array([BINS, BINS])),
        constant("bin_weights", synthesis_weights()[:BINS]),
    ]
    nodes = [
        node("Range", "zero bins one", "bin"),
        node("Range", "zero size one", "sample"),
        node("Reshape", "bin rows", "bin_row"),
        node("Reshape", "sample columns", "sample_column"),
        node("Mul", "bin_row sample_column", "product"),
        node("Mod", "product size", "angle"),
        node("Gather", "cosine angle", "real"),
        node("Gather", "minus_sine angle", "imaginary"),
        node("Concat", "real imaginary", "transform", axis=0),
        node("Slice", "transform begin end axis", "start"),
        node("Mul", "start window", "analysis"),
        node("Mul", "transform weights", "synthesis"),
        # a bin and a sample may change places: their product stays the same
        node("Slice", "real begin half axis", "real_half"),
        node("Slice", "imaginary begin half axis", "imaginary_half"),
        node("Reshape", "real_half square", "real_square"),
        node("Reshape", "imaginary_half square", "imaginary_square"),
        node("Mul", "real_square bin_weights", "cosines"),
        node("Mul", "imaginary_square bin_weights", "sines"),
    ]
    cosines, sines = half_tables()
    whole = {"fourier.analysis": analysis[:, None], "fourier.synthesis": synthesis[:, None]}
    return nodes, stored, whole | {"fourier.cosines": cosines, "fourier.sines": sines}


def needed(nodes: list[NodeProto], names: set[str]) -> list[NodeProto]:
    """Those nodes that these tensors are computed by."""
    kept = []
    for node in reversed(nodes):
        if names & set(node.output):
            kept.append(node)
            names = names | set(node.input)
    return kept[::-1]


def compute_tables(path: Path) -> None:
    """Rewrite an ONNX file of the filter decoder: tables are computed, and equal constants are stored once."""
    model = onnx.load(path)
    graph = model.graph
    nodes, stored, tables = tables_as_nodes()
    known = {(values.shape, values.tobytes()): name for name, values in tables.items()}
    renamed: dict[str, str] = {}
    for name, values in constants(graph).items():
        if values.size >= SHARED:
            first = known.setdefault((values.shape, values.tobytes()), name)
            if first != name:
                renamed[name] = first
    found = set(tables) & set(renamed.values())
    if found not in USES:
        raise ValueError(f"{path}: expected the decoder's tables among its constants, found {sorted(found) or 'none'}")
    nodes = needed(nodes, found)
    read = {name for node in nodes for name in node.input}
    stored = [tensor for tensor in stored if tensor.name in read]
    kept = [node for node in graph.node if not (node.op_type == "Constant" and node.output[0] in renamed)]
    for node in kept:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
    weights = [tensor for tensor in graph.initializer if tensor.name not in renamed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend([*nodes, *kept])
    graph.initializer.extend([*weights, *stored])
    onnx.checker.check_model(model)
    onnx.save(model, path)
