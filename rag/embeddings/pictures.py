"""Pictures and words to unit vectors in one space, by a CLIP-like model of Sentence Transformers."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.embeddings.encoders import load_sentence_transformer, unit
from rag.embeddings.folder import read_folder
from rag.errors import ModelError, UnreadableDocument
from rag.interfaces import Vectors


class SentencePictureEmbedder:
    """A model folder whose `SentenceTransformer` reads pictures and texts, loaded on first use.

    With `text_folder`, another model that was trained into the same space reads the texts: the multilingual
    side of an English one.
    """

    def __init__(self, folder: Path, *, text_folder: Path | None = None, threads: int | None = None) -> None:
        self._folder, self._text_folder, self._threads = folder, text_folder, threads
        self.identity = read_folder(folder).identity
        self._models: dict[Path, Any] = {}
        self._running = threading.Lock()

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        """Unit vectors, shape (pictures, dimensions), of pictures in any format that Pillow reads."""
        return self._encode(self._folder, [_opened(data) for data in pictures])

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (texts, dimensions), in the space of the pictures."""
        return self._encode(self._text_folder or self._folder, list(texts))

    def _encode(self, folder: Path, inputs: list[Any]) -> Vectors:
        with self._running:
            model = self._loaded(folder)
            try:
                found = model.encode(inputs, convert_to_numpy=True, show_progress_bar=False)
            except (
                ValueError,
                TypeError,
                KeyError,
                AttributeError,
                RuntimeError,
                NotImplementedError,
            ) as error:
                raise ModelError(
                    f"The model in {folder} does not read pictures and words ({error}). Choose a model of "
                    "the kind CLIP: python -m rag models list"
                ) from error
        return unit(np.asarray(found, dtype=np.float32))

    def _loaded(self, folder: Path) -> Any:
        if folder not in self._models:
            import torch

            self._models[folder] = load_sentence_transformer(folder)
            if self._threads is not None:
                torch.set_num_threads(self._threads)
        return self._models[folder]


def _opened(data: bytes) -> Any:
    from PIL import Image

    try:
        return Image.open(io.BytesIO(data)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableDocument(f"This is not a picture that can be read ({error}).") from error
