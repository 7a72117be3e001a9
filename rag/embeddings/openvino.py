"""Models of torch on OpenVINO: converted once, compiled for this machine's CPU."""

from __future__ import annotations

import queue
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelDamaged, ModelError

if TYPE_CHECKING:
    import torch

Load = Literal["LATENCY", "THROUGHPUT"]
MODEL_FILE = "model.xml"
COMPILED = "compiled"
EXAMPLE_TOKENS = 16
_first_inference = threading.Lock()


def import_openvino() -> Any:
    """OpenVINO without its telemetry.

    Importing it reports to a server of the vendor's unless a consent file forbids it. With that
    package hidden it uses an empty stand-in of its own, and writes no files.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def openvino_precision() -> str:
    """What the CPU computes fastest in without loss of ranking: bf16 where it has it, else f32."""
    capabilities = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in capabilities else "f32"


def convert_module(module: torch.nn.Module, examples: tuple[torch.Tensor, ...], folder: Path) -> None:
    """Writes a module as an OpenVINO model with float16 weights.

    Raises:
        ModelError: OpenVINO cannot express this architecture.
    """
    import torch

    openvino = import_openvino()
    try:
        # Tracing warns of Python branches on shapes; whoever converts compares the result with torch.
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")
            converted = openvino.convert_model(module.eval(), example_input=examples)
        openvino.save_model(converted, str(folder / MODEL_FILE), compress_to_fp16=True)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f"OpenVINO cannot convert the model: {error}") from error


def compiled_model(
    folder: Path, *, load: Load, threads: int | None, precision: str, file: str = MODEL_FILE
) -> Any:
    """A converted model, compiled for one request at a time or for many.

    The weights stay in `model.bin` (half precision, mapped into memory), and the compiled graph in
    the `compiled` folder beside it: 0.08 s to load it again, 0.3 s to make it. It has run once, so that
    several threads may use it at once.

    Raises:
        ModelDamaged: the files cannot be loaded.
    """
    options: dict[str, Any] = {
        "PERFORMANCE_HINT": load,
        "INFERENCE_PRECISION_HINT": precision,
        "CACHE_DIR": str(folder / COMPILED),
        "CACHE_MODE": "OPTIMIZE_SIZE",
    }
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    try:
        compiled = import_openvino().Core().compile_model(str(folder / file), "CPU", options)
        run_once(compiled)
    except RuntimeError as error:
        raise ModelDamaged(
            f"The converted model in {folder} cannot be loaded. Delete that folder; it is made again."
        ) from error
    return compiled


class Requests:
    """What infers with a compiled model: one request for each of its streams, shared by threads."""

    def __init__(self, compiled: Any) -> None:
        self.parallel = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(self.parallel):
            self._free.put(compiled.create_infer_request())

    @contextmanager
    def inferred(self, inputs: Sequence[NDArray[np.int64]]) -> Iterator[NDArray[np.float32]]:
        """The model's output, which the next inference overwrites."""
        request = self._free.get()
        try:
            request.infer(list(inputs))
            yield request.get_output_tensor().data
        finally:
            self._free.put(request)


def run_once(compiled: Any) -> None:
    """One short inference, by one thread of the process at a time, before any other thread may infer.

    OpenVINO's binding fills static tables (its element types as numpy dtypes) at the first array it takes
    and the first it gives. C++ guards each with a lock, and pybind11 lets go of the interpreter lock while it
    looks up numpy in there: a second thread then waits for the guard with the interpreter lock in hand, the
    first for the interpreter lock, and both for ever (6 of about 30 first ingests on a busy machine).
    """
    with _first_inference:
        request = compiled.create_infer_request()
        request.infer([np.ones((1, EXAMPLE_TOKENS), np.int64) for _ in compiled.inputs])
        _ = request.get_output_tensor(0).data
