"""Validated settings: defaults, then `settings.toml`, then `FOOTNOTE_*` variables, then options."""

from __future__ import annotations

import os
import re
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import tomli_w
from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rag.errors import UsageError
from rag.search.ranking import DEFAULT_RANKING, Ranking


def project_folder(package: Path) -> Path:
    """The folder with `app.py`, `prompts/` and `corpora/`: inside an installed package, else the checkout."""
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent


PROJECT = project_folder(Path(__file__).resolve().parent)
SETTINGS_FILE = "settings.toml"


def default_library() -> Path:
    """The platform's user data folder for Footnote."""
    return user_data_path("footnote", appauthor=False)


def server_address(library: object) -> str:
    """The address that a library was given by; "" for a folder."""
    return str(library) if re.match(r"postgres(ql)?://", str(library)) else ""


def folder_of(url: str) -> Path:
    """The folder of this machine for the models, caches and uploads of a library on a server."""
    parts = urlsplit(url)
    place = f"{parts.hostname or ''}:{parts.port or ''}{parts.path}?{parts.query}"
    named = re.sub(r"[^A-Za-z0-9]+", "-", f"{parts.hostname or 'local'}{parts.path}").strip("-")
    return default_library() / "servers" / f"{named}-{sha256(place.encode()).hexdigest()[:8]}"


class Settings(BaseSettings):
    """Everything a person can turn. Each field is an option, a variable and a line of `settings.toml`.

    Those of the ranking are in `rag/search/ranking.py`: `FOOTNOTE_RANKING__KEYWORD_WEIGHT=0.8`, or
    `keyword_weight = 0.8` in the table `[ranking]`.
    """

    model_config = SettingsConfigDict(
        env_prefix="FOOTNOTE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    library: Path = Field(default_factory=default_library, description="Folder of the library")
    store: str = Field(
        "",
        pattern=r"^(postgres(ql)?://.*)?$",
        description="PostgreSQL database of the library; empty keeps it in a file of the folder",
    )
    collection: str = Field("default", min_length=1, description="Collection to search")
    embedding_model: str = Field(
        "multilingual-e5-small", description="Embedding model by name, folder or server URL"
    )
    second_embedding_model: str = Field(
        "all-minilm-l6-v2",
        description="English embedding model searched beside the first; 'none' goes without",
    )
    chat_model: str = Field(
        "smollm2-135m", description="Chat model by name, GGUF path or server URL; 'none' quotes only"
    )
    reranker: str = Field(
        "footnote-reader",
        description="Cross-encoder that reads the best passages: name, folder or server URL; "
        "'none' goes without",
    )
    picture_model: str = Field(
        "clip-vit-b-32",
        description="Model that finds pictures by what they show, by name or folder; used once it is pulled",
    )
    prompts: Path = Field(PROJECT / "prompts", description="Folder of the prompt files")
    ranking: Ranking = Field(DEFAULT_RANKING, description="What decides the order of the passages found")
    top_k: int = Field(20, ge=1, le=1000, description="Passages retrieved")
    passage_tokens: int = Field(1200, ge=50, description="Most tokens of passages in a prompt")
    compress: bool = Field(
        False, description="Show a model of each passage the sentences that matter, so that more passages fit"
    )
    answer_tokens: int = Field(256, ge=16, description="Room kept for the answer, in tokens")
    context_tokens: int = Field(4096, ge=512, description="Context window asked of the chat model, in tokens")
    temperature: float = Field(0.0, ge=0.0, le=2.0)
    seed: int = 0
    evidence_sentences: int = Field(3, ge=1, le=10, description="Excerpts shown above the answer, at most")
    answer_mode: Literal["auto", "quoting", "phrasing"] = Field(
        "auto",
        description="Whether the model chooses quotes or writes; auto: only an able one writes",
    )
    idle_questions: bool = Field(
        False,
        description="While the app is open and the machine idle, have an able chat model write questions for"
        " passages, which are searched beside them",
    )
    chunk_tokens: int = Field(220, ge=32, le=510, description="Tokens a passage aims at")
    threads: int | None = Field(None, ge=1, description="CPU threads; None takes all cores")
    embedding_engine: Literal["auto", "openvino", "openvino-int8", "torch"] = "auto"
    language: Literal["auto", "en", "de", "zh"] = Field("auto", description="Language of the app's pages")
    backup_days: int = Field(0, ge=0, le=365, description="Days between the app's own backups; 0 makes none")
    backup_folder: Path | None = Field(
        None, description="Folder of the app's own backups; by default backups/ in the library's"
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names the app and servers answer to, beside localhost and their own address",
    )

    @model_validator(mode="before")
    @classmethod
    def server_as_library(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A library given by the address of a server has a folder of this machine for the rest."""
        url = server_address(values.get("library"))
        return values | {"library": folder_of(url), "store": url} if url else values

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def split_names(cls, value: object) -> object:
        """A variable gives the names in one line, with commas between them."""
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @property
    def database(self) -> Path:
        """The SQLite file of the library."""
        return self.library / "library.db"

    @property
    def models(self) -> Path:
        """The folder of pulled and prepared models."""
        return self.library / "models"

    @property
    def backups(self) -> Path:
        """The folder of the app's own backups."""
        return self.backup_folder or self.library / "backups"

    @property
    def cache(self) -> Path:
        """The folder of what can be made again."""
        return self.library / "cache"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options win over variables, variables over the library's file."""
        library = init_settings().get("library") or env_settings().get("library") or default_library()
        url = server_address(library)
        toml = TomlConfigSettingsSource(
            settings_cls, (folder_of(url) if url else Path(library)) / SETTINGS_FILE
        )
        return init_settings, env_settings, toml


def load_settings(**options: Any) -> Settings:
    """Settings with the options that are not None put on top; `UsageError` names each bad value."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(f"Settings are not valid: {problems}") from error
    except (ValueError, OSError) as error:
        folder = options.get("library") or os.environ.get("FOOTNOTE_LIBRARY") or default_library()
        raise unreadable(Path(folder) / SETTINGS_FILE, error) from error


def unreadable(path: Path, error: Exception) -> UsageError:
    """Says that a file of settings cannot be read."""
    return UsageError(f"{path} cannot be read: {error}. Mend or remove it.")


def save_settings(library: Path, changes: dict[str, Any]) -> Settings:
    """Writes changed settings to the library's `settings.toml`, whole or not at all; None removes a line.

    A table, such as `ranking`, takes the place of the one that is there; an empty one removes it.

    Raises:
        UsageError: a value is not valid; nothing is written.
    """
    path = library / SETTINGS_FILE
    try:
        kept = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (ValueError, OSError) as error:
        raise unreadable(path, error) from error
    values = {name: value for name, value in (kept | changes).items() if value not in (None, {})}
    load_settings(**(values | {"library": library}))
    library.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    temporary.write_text(tomli_w.dumps(values), encoding="utf-8")
    temporary.replace(path)
    return load_settings(library=library)
