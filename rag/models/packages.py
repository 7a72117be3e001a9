"""Model files that came with an installed package, found without importing it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from rag.errors import ModelNotFound


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
