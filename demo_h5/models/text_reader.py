"""The label reader's two models and its alphabet, out of a pinned package: PP-OCRv4.

Both graphs get their pre- and post-processing: pixels go in as they are, and what comes out is
small: a map of bytes instead of floats, the best character of each column instead of 6,625 odds.
"""

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from demo_h5.models.packages import pinned, read_member

PACKAGE = "rapidocr-onnxruntime"
FOLDER = "rapidocr_onnxruntime/models"
DETECTOR = f"{FOLDER}/ch_PP-OCRv4_det_infer.onnx"
RECOGNISER = f"{FOLDER}/ch_PP-OCRv4_rec_infer.onnx"
PIXELS = "x"
LINE_HEIGHT_PX = 48


def make_detector() -> bytes:
    """Return ``image`` uint8 [1,height,width,3] RGB → ``text`` uint8 [1,1,height,width].

    A byte of ``text`` is the probability of text there, times 255. Sides are multiples of 32.
    """
    model = onnx.load_model_from_string(read_member(pinned(PACKAGE), DETECTOR))
    probability = model.graph.output[0].name
    nodes = [
        _constant("byte", np.float32(255)),
        helper.make_node("Mul", [probability, "byte"], ["text_scaled"]),
        helper.make_node("Round", ["text_scaled"], ["text_rounded"]),
        helper.make_node("Cast", ["text_rounded"], ["text"], to=TensorProto.UINT8),
    ]
    outputs = [helper.make_tensor_value_info("text", TensorProto.UINT8, [1, 1, "height", "width"])]
    return _with_ends(model, [1, "height", "width", 3], nodes, outputs)


def make_recogniser() -> bytes:
    """Return ``image`` uint8 [1,48,width,3] RGB → ``character``, ``probability`` [1,columns].

    ``character`` int32 is 0, none, or a line of the alphabet; ``probability`` float32 is its own.
    One line of text a run: six in one batch take longer than six runs, padding not counted.
    """
    model = onnx.load_model_from_string(read_member(pinned(PACKAGE), RECOGNISER))
    odds = model.graph.output[0].name
    nodes = [
        helper.make_node("ArgMax", [odds], ["best"], axis=2, keepdims=0),
        helper.make_node("Cast", ["best"], ["character"], to=TensorProto.INT32),
        helper.make_node("ReduceMax", [odds], ["probability"], axes=[2], keepdims=0),
    ]
    outputs = [
        helper.make_tensor_value_info("character", TensorProto.INT32, [1, "columns"]),
        helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1, "columns"]),
    ]
    return _with_ends(model, [1, LINE_HEIGHT_PX, "width", 3], nodes, outputs)


def make_alphabet() -> bytes:
    """Return the recogniser's 6,624 characters, one a line; index 0, no character, is left out."""
    model = onnx.load_model_from_string(read_member(pinned(PACKAGE), RECOGNISER))
    entries = {entry.key: entry.value for entry in model.metadata_props}
    # The models' own tools add the space at the end; the list in the file has none.
    return f"{entries['character']}\n \n".encode()


def _with_ends(
    model: ModelProto, image: list[int | str], nodes: list[NodeProto], outputs: list[ValueInfoProto]
) -> bytes:
    """Put pixels before the graph and ``nodes`` behind it; return the checked file."""
    graph = model.graph
    _swap_channels(model)
    inner = list(graph.node)
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    del model.metadata_props[:]
    graph.node.extend([*_pixels(), *inner, *nodes])
    graph.input.append(helper.make_tensor_value_info("image", TensorProto.UINT8, image))
    graph.output.extend(outputs)
    model.producer_name = "demo_h5.models"
    onnx.checker.check_model(model, full_check=True)
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def _pixels() -> list[NodeProto]:
    """Scale bytes to -1 … 1 and put the channels first."""
    return [
        _constant("half_range", np.float32(127.5)),
        _constant("one", np.float32(1)),
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["pixels", "half_range"], ["ranged"]),
        helper.make_node("Sub", ["ranged", "one"], ["centred"]),
        helper.make_node("Transpose", ["centred"], [PIXELS], perm=[0, 3, 1, 2]),
    ]


def _swap_channels(model: ModelProto) -> None:
    """Turn the first convolution's kernels from BGR, as trained, to RGB."""
    (first,) = (node for node in model.graph.node if PIXELS in node.input)
    (holder,) = (node for node in model.graph.node if first.input[1] in node.output)
    kernels = numpy_helper.to_array(holder.attribute[0].t)[:, ::-1]
    swapped = numpy_helper.from_array(np.ascontiguousarray(kernels), holder.attribute[0].t.name)
    holder.attribute[0].t.CopyFrom(swapped)


def _constant(name: str, value: np.float32) -> NodeProto:
    tensor = numpy_helper.from_array(np.array(value), name)
    return helper.make_node("Constant", [], [name], value=tensor)
