"""A CLIP-like model in Sentence Transformers' form, as it is loaded and run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.embeddings.pictures import SentencePictureEmbedder
from rag.errors import UnreadableDocument, UsageError
from rag.library import Library
from rag.models import kind_named, picture_folders
from rag.models.folders import make_folder
from rag.settings import Settings
from tests.fakes.pictures import picture_file, tiny_clip

pytestmark = pytest.mark.slow  # torch and transformers are loaded


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clip(tmp_path_factory.mktemp("clip"))


def test_pictures_and_words_get_unit_vectors_in_one_space(folder: Path) -> None:
    model = SentencePictureEmbedder(folder)
    pictures = model.embed_pictures([picture_file("red"), picture_file("blue", "JPEG"), picture_file("red")])
    texts = model.embed_texts(["a red disc", "a much longer text " * 60])
    assert (pictures.shape, texts.shape) == ((3, 16), (2, 16))
    assert np.allclose(np.linalg.norm(np.concatenate([pictures, texts]), axis=1), 1, atol=1e-5)
    assert np.allclose(pictures[0], pictures[2], atol=1e-5)
    assert not np.allclose(pictures[0], pictures[1], atol=1e-3)
    with pytest.raises(UnreadableDocument, match="not a picture"):
        model.embed_pictures([b"no picture"])


def test_another_folder_may_read_the_words(folder: Path, tmp_path: Path) -> None:
    own = SentencePictureEmbedder(folder)
    other = SentencePictureEmbedder(folder, text_folder=tiny_clip(tmp_path / "texts"))
    assert np.allclose(own.embed_texts(["disc"]), other.embed_texts(["disc"]), atol=1e-5)
    assert set(other._models) == {tmp_path / "texts"}


def test_a_library_uses_a_folder_of_ones_own(folder: Path, tmp_path: Path) -> None:
    settings = Settings(library=tmp_path, picture_model=str(folder))
    assert kind_named(str(folder), models=tmp_path) == "image"
    with Library(settings) as library:
        library.try_model("image", str(folder))
        embedder = library.picture_embedder
        assert embedder is not None and embedder.identity.startswith(f"{folder.name}@")
        with pytest.raises(UsageError, match="rag embed"):
            library.similar_pictures(picture_file("red"))


def no_modules(part: Path) -> None:
    (part / "modules.json").write_text("[]", encoding="utf-8")


def test_a_pulled_model_is_used_and_reads_words_by_its_other_side(tmp_path: Path) -> None:
    assert picture_folders("clip-vit-b-32", models=tmp_path) is None
    assert picture_folders("none", models=tmp_path) is None
    for name in ("clip-vit-b-32", "clip-vit-b-32-multilingual-v1"):
        make_folder(
            tmp_path / name,
            no_modules,
            name=name,
            source="hub x",
            licence="",
        )
    both = (tmp_path / "clip-vit-b-32", tmp_path / "clip-vit-b-32-multilingual-v1")
    assert picture_folders("clip-vit-b-32", models=tmp_path) == both
