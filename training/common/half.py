"""Weights in half precision, half the size on disk and in the repository; they are computed with in single precision.

onnxruntime folds the casts away when it loads a graph, so that neither memory nor speed changes.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

SMALLEST = 256  # values; below, a cast takes more room than it saves


@torch.no_grad()
def round_to_half(module: nn.Module) -> None:
    """Give every weight a value that half precision holds, so that the file and the module agree exactly."""
    for parameter in module.parameters():
        parameter.copy_(parameter.half().float())


def store_as_half(path: Path) -> None:
    """Rewrite an ONNX file with its float32 weights as float16, each followed by a cast.

    What half precision cannot hold exactly stays as it is: call `round_to_half` before the export.
    """
    model = onnx.load(path)
    graph, casts = model.graph, []
    for i, tensor in enumerate(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALLEST:
            continue
        half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue  # a table that the export computed, such as a window
        name = tensor.name
        graph.initializer[i].CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    onnx.checker.check_model(model)
    onnx.save(model, path)
