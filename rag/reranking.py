"""The best passages read once more, each beside the question, by a cross-encoder."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelDamaged, ModelNotFound

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class CrossEncoderReranker:
    """A `Reranker`: a cross-encoder in a Sentence Transformers folder, loaded when first asked.

    It reads question and passage together, which costs as much as embedding the passage again.
    Whether it finds more than the search has to be measured (`eval --grid reranked=0,20`).

    Raises:
        ModelNotFound: there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "config.json").is_file():
            raise ModelNotFound(f"{folder} holds no cross-encoder; it needs a config.json and its weights.")
        self._folder = folder
        self._loading = threading.Lock()
        self._model: CrossEncoder | None = None

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """How well each text answers the query, shape (texts,), higher is better.

        Raises:
            ModelDamaged: the folder cannot be loaded as a cross-encoder with one score a pair.
        """
        found = np.asarray(self._loaded().predict([(query, text) for text in texts]), dtype=np.float64)
        if found.shape != (len(texts),):
            raise ModelDamaged(f"{self._folder} gives {found.shape[1:]} values a pair, not one score.")
        return found

    def _loaded(self) -> CrossEncoder:
        # torch and transformers take seconds to import.
        from sentence_transformers import CrossEncoder

        with self._loading:
            if self._model is None:
                try:
                    self._model = CrossEncoder(str(self._folder), device="cpu", local_files_only=True)
                except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
                    raise ModelDamaged(
                        f"{self._folder} cannot be loaded as a cross-encoder: {error}."
                    ) from error
            return self._model
