"""Chat models: a GGUF file on this machine, or a server; streaming, stoppable, with counted tokens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError, UsageError
from rag.interfaces import AnswerMode
from rag.llm.local import LocalChatModel
from rag.llm.server import ServerChatModel
from rag.llm.tokenizer import read_metadata, tokenizer_of
from rag.llm.tuned_form import TunedModel, load_tuned, sha256_of

if TYPE_CHECKING:
    from rag.llm.llama import Engine
    from rag.llm.prompt_cache import KeptStates

__all__ = [
    "LocalChatModel",
    "ServerChatModel",
    "TunedModel",
    "chat_model_of",
    "forget_prompts",
    "load_chat_model",
    "load_tuned",
    "usable_cores",
]


def load_chat_model(
    location: str | Path,
    *,
    context_tokens: int,
    threads: int | None = None,
    cache: Path | None = None,
) -> LocalChatModel | ServerChatModel:
    """A GGUF file's path, or the URL of an OpenAI-compatible server, as a `ChatModel`.

    A file is loaded in its tuned form where `cache` has one; its prompt caches are kept there too. A
    server's model does what its exam found it able to do, where `cache` has its grade.

    Raises:
        ModelServerError: the server cannot be reached, or refuses.
        ModelNotFound: no such file.
        ModelDamaged: the file cannot be read as a model.
        ModelError: the model has no chat template.
    """
    from rag.llm.llama import Engine  # here, so that the module alone loads nothing heavy

    if str(location).startswith(("http://", "https://")):
        return ServerChatModel(str(location), context_tokens=context_tokens, cache=cache)
    path = Path(location)
    if context_tokens < 1:
        raise UsageError(f"context_tokens has to be positive, not {context_tokens}.")
    _chat_template(path)  # says what is wrong with the file before llama.cpp does
    tuned = load_tuned(path, cache=cache) if cache else None
    engine = Engine(
        Path(tuned.file) if tuned else path,
        context_tokens=context_tokens,
        threads=threads or (tuned.threads if tuned else usable_cores()),
        flash_attention=tuned.flash_attention if tuned else False,
        micro_batch=tuned.step_tokens if tuned else 512,
        cache_type=tuned.cache_type if tuned else "F16",
    )
    return chat_model_of(
        engine,
        path,
        step_tokens=tuned.step_tokens if tuned else _step_tokens(engine.parameters),
        identity=_identity(path, tuned, cache),
        answer_mode=tuned.mode if tuned else None,
        states=_states(path, tuned, cache) if cache else None,
    )


def chat_model_of(
    engine: Engine,
    path: Path,
    *,
    step_tokens: int,
    identity: str = "",
    answer_mode: AnswerMode | None = None,
    states: KeptStates | None = None,
) -> LocalChatModel:
    """An engine with the tokenizer and the chat template of the GGUF file it was made from."""
    from rag.llm.chat_template import ChatTemplate

    metadata, template = _chat_template(path)
    return LocalChatModel(
        engine,
        name=path.stem,
        tokenizer=tokenizer_of(path),
        template=ChatTemplate(
            template, first_token=_token_text(metadata, "bos"), end_token=_token_text(metadata, "eos")
        ),
        step_tokens=step_tokens,
        identity=identity or path.stem,
        answer_mode=answer_mode,
        states=states,
    )


def forget_prompts(conversation: str, *, cache: Path) -> None:
    """Deletes what the models in `cache` keep of a conversation: its text can be read out of it."""
    from rag.llm.prompt_cache import forget

    forget(_prompts_folder(cache), conversation)


def usable_cores() -> int:
    """Processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        return os.cpu_count() or 1


def _chat_template(path: Path) -> tuple[dict[str, Any], str]:
    metadata = read_metadata(path)
    template = metadata.get("tokenizer.chat_template")
    if not template:
        raise ModelError(f"{path.name} has no chat template; take the model's instruct or chat variant.")
    return metadata, str(template)


def _states(path: Path, tuned: TunedModel | None, cache: Path) -> KeptStates:
    from rag.llm.prompt_cache import KeptStates

    stat = path.stat()
    identity = f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}:{_form(tuned)}"
    return KeptStates(_prompts_folder(cache), identity=identity)


def _prompts_folder(cache: Path) -> Path:
    return cache / "prompts"


def _identity(path: Path, tuned: TunedModel | None, cache: Path | None) -> str:
    return f"{path.name} sha256:{sha256_of(path, cache=cache)} {_form(tuned)}"


def _form(tuned: TunedModel | None) -> str:
    """What decides a model's rounding, and so its answers and the fit of its saved prompt caches."""
    if tuned is None:
        return "as shipped"
    attention = "flash attention" if tuned.flash_attention else "plain attention"
    return f"{tuned.weights}, {attention}, {tuned.cache_type} cache, steps of {tuned.step_tokens}"


def _token_text(metadata: dict[str, Any], role: str) -> str:
    number = metadata.get(f"tokenizer.ggml.{role}_token_id")
    return "" if number is None else str(metadata["tokenizer.ggml.tokens"][number])


def _step_tokens(parameters: int) -> int:
    """Prompt tokens computed at once, for a model that was not tuned.

    A follow-up computes up to as many again. Small steps cost speed: SmolLM2 in bfloat16 on one core
    computes 243 tokens a second in steps of 32, 388 in steps of 64, 451 in steps of 128.
    """
    for most, step in ((3e8, 64), (2e9, 32)):
        if parameters < most:
            return step
    return 16
