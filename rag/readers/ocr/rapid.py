"""RapidOCR: the models of PP-OCR, which come with its package, on ONNX Runtime."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.readers.ocr.seen import HARD, Line, Point, ReadingFailed, Seen

if TYPE_CHECKING:
    from PIL.Image import Image

PINS = ("rapidocr==3.10.0", "onnxruntime==1.32.0")
_MODELS = {"Det": "PP-OCRv6_det_small.onnx", "Rec": "PP-OCRv6_rec_small.onnx"}
"""Given by path, as the package would fetch what it does not find. The third one, for lines that stand on
their head, is not used: a page that does is turned as a whole."""


class RapidOCR:
    """Reads Latin letters, Chinese and Japanese; slanted and noisy pages too."""

    name = "RapidOCR"
    turns: Sequence[int] = (180,)

    def is_installed(self) -> bool:
        """Whether the package is there, with the models in it, and what runs them."""
        folder = _models_folder()
        has_models = folder is not None and all((folder / model).is_file() for model in _MODELS.values())
        return has_models and find_spec("onnxruntime") is not None

    def lines(self, image: Image) -> list[Line]:
        """The lines that it finds, those apart by the width of a column as several."""
        import numpy as np

        try:
            found = _engine()(np.asarray(image)[:, :, ::-1])  # it expects blue first
        except MemoryError:
            raise
        except Exception as error:
            raise ReadingFailed(str(error)) from error
        if found.boxes is None:
            return []
        return [
            _line(text, [(float(x), float(y)) for x, y in box], float(score))
            for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        ]

    def trusts(self, seen: Seen) -> bool:
        """Whether it is upright, and not hard to read."""
        return not seen.lies and seen.confidence >= HARD


def _line(text: str, box: Sequence[Point], confidence: float) -> Line:
    """A line in the box with these corners, clockwise from the top left."""
    top_left, top_right, bottom_right, bottom_left = box
    height = (_distance(top_left, bottom_left) + _distance(top_right, bottom_right)) / 2
    start, end = _middle(top_left, bottom_left), _middle(top_right, bottom_right)
    return Line(text, start, end, height, confidence)


def _middle(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _distance(one: Point, other: Point) -> float:
    return float(((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5)


@functools.cache
def _models_folder() -> Path | None:
    spec = find_spec("rapidocr")
    return Path(spec.origin).parent / "models" if spec and spec.origin else None


@functools.cache
def _engine() -> Any:
    """The models, loaded once a process. OpenVINO is as quick, but takes 2.2 GB of addresses, not 1.2."""
    import cv2
    from rapidocr import EngineType
    from rapidocr import RapidOCR as Engine

    folder = _models_folder()
    assert folder
    cv2.setNumThreads(1)  # the workers share the machine's cores
    settings: dict[str, Any] = {
        "Global.log_level": "critical",
        "Global.use_cls": False,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    for part, model in _MODELS.items():
        settings |= {f"{part}.engine_type": EngineType.ONNXRUNTIME, f"{part}.model_path": str(folder / model)}
    return Engine(params=settings)


PROGRAM = RapidOCR()
