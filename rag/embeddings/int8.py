"""A converted encoder with its large products in 8-bit integers: half the work for the same ranking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.embeddings.encoders import Ids
from rag.embeddings.openvino import MODEL_FILE, import_openvino, run_once
from rag.errors import ModelError

INT8_FILE = "model-int8.xml"
CALIBRATION_FILE = Path(__file__).with_name("calibration.txt")
# Layer norms do best around 0.7 (cosine to float 0.9998 against 0.998 without), attention without.
SMOOTHINGS = (0.0, 0.5, 0.7)
# In seven of E5-small's twelve layers one of 1,536 channels is 2 to 15 times as large as the next.
CHANNELS_FOR_ONE_APART = 96
_TINY = 1e-6

Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Product:
    """A product with constant weights, shape (outputs, inputs), and the node that adds its bias."""

    node: Any
    weights: Floats
    adding: Any
    bias: Floats

    @property
    def source(self) -> str:
        """The name of the node whose values are multiplied."""
        return str(self.node.input_value(0).get_node().get_friendly_name())


@dataclass(frozen=True, slots=True)
class Recipe:
    """How values are brought to 0…255: (value / scale of its channel) + shift, up to `highest`.

    What was scaled down in the values is scaled up in the weights, and what the shift adds is taken
    off the bias, so neither changes the product.
    """

    scales: Floats
    shift: float
    highest: float

    def rounded(self, values: Floats) -> Floats:
        """The values as 8 bits hold them, scaled back."""
        step = self.highest / 255
        whole = np.clip(np.rint((values / self.scales + self.shift) / step), 0, 255)
        rounded: Floats = (whole * step - self.shift) * self.scales
        return rounded

    def weights(self, weights: Floats) -> tuple[NDArray[np.int8], Floats]:
        """Weights of -127…127 for scaled values, and the size of a step of each output, (outputs, 1)."""
        scaled = weights * self.scales
        steps = np.maximum(np.abs(scaled).max(axis=1, keepdims=True), _TINY) / 127
        return np.rint(scaled / steps).astype(np.int8), steps.astype(np.float32)


def calibration_texts() -> list[str]:
    """Short texts of many languages and kinds, whose values show what ranges to expect."""
    return CALIBRATION_FILE.read_text(encoding="utf-8").strip().split("\n\n")


def quantise(folder: Path, samples: Sequence[Ids]) -> None:
    """Writes `model-int8.xml` beside the folder's model; `samples` are token ids, shape (1, tokens) each.

    Post-training quantisation with fixed ranges: weights in 8 bits for each output, values in 8 bits
    over the range they have in the samples. Two measures keep the few large channels of a transformer
    from costing the others their precision: sizes are evened out between values and weights (Xiao et
    al. 2023, SmoothQuant, equation 4), where that lowers the error on samples not fitted to, and the largest
    channels of a feed-forward block are computed apart, as they were (after Dettmers et al. 2022,
    LLM.int8(), section 3).

    Raises:
        ModelError: OpenVINO cannot run or write the model.
    """
    openvino = import_openvino()
    core = openvino.Core()
    try:
        values = observed_values(core, folder / MODEL_FILE, samples)
        model = core.read_model(folder / MODEL_FILE)
        apart = keep_largest_apart(model, values)
        by_source = defaultdict(list)
        for product in products(model):
            if product.node.get_friendly_name() not in apart:
                by_source[product.source].append(product)
        for source, group in by_source.items():
            _quantise(group, best_recipe([product.weights for product in group], values[source]))
        model.validate_nodes_and_infer_types()
        openvino.save_model(model, str(folder / INT8_FILE), compress_to_fp16=False)
    except RuntimeError as error:
        raise ModelError(f"OpenVINO cannot quantise the model: {error}") from error


def products(model: Any) -> list[Product]:
    """The model's products with constant weights and a bias, in the order they are computed."""
    found = []
    for node in model.get_ordered_ops():
        if node.get_type_name() != "MatMul" or node.get_attributes()["transpose_a"]:
            continue
        weights = _constant(node.input_value(1))
        users = [user.get_node() for user in node.output(0).get_target_inputs()]
        if weights is None or weights.ndim != 2 or [user.get_type_name() for user in users] != ["Add"]:
            continue
        bias = _constant(users[0].input_value(1))
        if bias is not None and node.get_attributes()["transpose_b"]:
            found.append(Product(node, weights, users[0], bias.reshape(-1)))
    return found


def _constant(output: Any) -> Floats | None:
    """The values of a constant, stored in half precision or not; None for what is computed."""
    node = output.get_node()
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    return node.get_data().astype(np.float32) if node.get_type_name() == "Constant" else None


def observed_values(core: Any, file: Path, samples: Iterable[Ids]) -> dict[str, list[Floats]]:
    """What each product multiplies in each sample, (tokens, channels), by the name of its source."""
    model = core.read_model(file)
    sources = {product.source: product.node.input_value(0) for product in products(model)}
    model.add_outputs(list(sources.values()))
    run = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    run_once(run)
    seen = defaultdict(list)
    for ids in samples:
        outputs = run([ids, np.ones_like(ids)])
        for place, source in enumerate(sources, start=1):
            seen[source].append(outputs[place][0].copy())
    return dict(seen)


def keep_largest_apart(model: Any, values: dict[str, list[Floats]]) -> set[str]:
    """Divides each feed-forward block in two that are added: most channels, and the few largest.

    Returns the names of the products of the few; `values` are brought in step with the model.
    """
    apart: set[str] = set()
    found = {product.adding.get_friendly_name(): product for product in products(model)}
    for second in list(found.values()):
        middle = second.node.input_value(0).get_node()
        first = found.get(middle.input_value(0).get_node().get_friendly_name())
        count = second.weights.shape[1] // CHANNELS_FOR_ONE_APART
        if middle.get_type_name() == "Gelu" and first is not None and count:
            sizes = np.max([np.abs(sample).max(axis=0) for sample in values[second.source]], axis=0)
            order = np.argsort(-sizes, kind="stable")
            few, most = np.sort(order[:count]), np.sort(order[count:])
            apart |= _divide(first, middle, second, few, most)
            values[second.source] = [sample[:, most] for sample in values[second.source]]
    return apart


def _divide(
    first: Product, middle: Any, second: Product, few: NDArray[np.int64], most: NDArray[np.int64]
) -> set[str]:
    """Puts `second(gelu(first(x)))` over most channels, plus that over few, in the place of the block."""
    ops = _ops()
    mode = middle.get_attributes()["approximation_mode"].lower()
    source = first.node.input_value(0)

    def block(channels: NDArray[np.int64]) -> tuple[Any, Any, Any]:
        inner = ops.matmul(source, _floats(first.weights[channels]), False, True)
        active = ops.gelu(ops.add(inner, _floats(first.bias[channels].reshape(1, 1, -1))), mode)
        return inner, active, ops.matmul(active, _floats(second.weights[:, channels]), False, True)

    inner, active, outer = block(few)
    _, larger, most_of_it = block(most)
    larger.set_friendly_name(middle.get_friendly_name())
    active.set_friendly_name(f"{middle.get_friendly_name()}/apart")
    users = second.adding.output(0).get_target_inputs()
    whole = ops.add(ops.add(most_of_it, _floats(second.bias.reshape(1, 1, -1))), outer)
    for user in users:
        user.replace_source_output(whole.output(0))
    return {inner.get_friendly_name(), outer.get_friendly_name()}


def best_recipe(weights: Sequence[Floats], values: Sequence[Floats]) -> Recipe:
    """The recipe for the values of all samples and all weights that they meet.

    How far it evens out sizes is decided by fitting it to every other sample and summing the squared
    errors on the rest: scales fitted to a channel that was quiet in the samples cut off what it holds
    in another text.
    """
    fitted, others = np.concatenate(values[::2]), np.concatenate(values[1::2] or values)

    def error(smoothing: float) -> float:
        recipe = _recipe(weights, fitted, smoothing)
        total = 0.0
        for matrix in weights:
            whole, steps = recipe.weights(matrix)
            product = recipe.rounded(others) @ (whole * steps / recipe.scales).T
            total += float(np.square(product - others @ matrix.T).sum())
        return total

    return _recipe(weights, np.concatenate(values), min(SMOOTHINGS, key=error))


def _recipe(weights: Sequence[Floats], values: Floats, smoothing: float) -> Recipe:
    of_values = np.maximum(np.abs(values).max(axis=0), _TINY)
    of_weights = np.maximum(np.max([np.abs(matrix).max(axis=0) for matrix in weights], axis=0), _TINY)
    scales = of_values**smoothing / of_weights ** (1 - smoothing) if smoothing else np.ones_like(of_values)
    lowest = min(float((values.min(axis=0) / scales).min()), 0.0)
    highest = float((values.max(axis=0) / scales).max())
    return Recipe(scales.astype(np.float32), -lowest, max(highest - lowest, _TINY))


def _quantise(group: Sequence[Product], recipe: Recipe) -> None:
    """Rewrites products of one source so that OpenVINO computes them in integers."""
    ops = _ops()
    values = group[0].node.input_value(0)
    if (recipe.scales != 1).any():
        values = ops.multiply(values, _floats(1 / recipe.scales.reshape(1, 1, -1)))
    values = ops.add(values, _floats([[[recipe.shift]]]))
    zero, highest = _floats(0.0), _floats(recipe.highest)
    values = ops.fake_quantize(values, zero, highest, zero, highest, 256)
    for product in group:
        whole, steps = recipe.weights(product.weights)
        weights = ops.multiply(ops.convert(ops.constant(whole), "f32"), _floats(steps))
        bias = product.bias - recipe.shift * (whole * steps).sum(axis=1)
        product.node.input(0).replace_source_output(values.output(0))
        product.node.input(1).replace_source_output(weights.output(0))
        product.adding.input(1).replace_source_output(_floats(bias.reshape(1, 1, -1)).output(0))


def _ops() -> Any:
    import_openvino()
    from openvino import opset13

    return opset13


def _floats(values: Any) -> Any:
    return _ops().constant(np.asarray(values, np.float32))
