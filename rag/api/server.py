"""The server: each request into a route's hands, in a thread of its own, and every error a sentence."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.api import metrics, records
from rag.api.errors import Refusal, refusal_of
from rag.api.guard import Guard
from rag.api.keys import Keys
from rag.api.openapi import Operation, document
from rag.api.routes import Call, Routes
from rag.errors import RagError, UsageError
from rag.hosts import AllowedHosts, is_loopback
from rag.library import Library
from rag.lines import Withdrawn
from rag.text.visible import safe_json

log = logging.getLogger(__name__)
T = TypeVar("T")

CONCURRENT = 32
"""Requests of one key at a time."""
THREADS = 256
"""Requests at work at once, most of which wait their turn: `Routes` has the lines."""
NEEDS_KEYS = (
    "Beyond this computer, the server lets nobody in without a key. Make one first: "
    "python -m rag serve keys add NAME"
)


def operations(routes: Routes) -> list[Operation]:
    """Every route of the API."""
    return [
        Operation("GET", "/v1/models", routes.models, records.ModelList),
        Operation("GET", "/v1/models/{model:path}", routes.model, records.Model, refuses=(404,)),
        Operation(
            "POST",
            "/v1/chat/completions",
            routes.chat,
            records.ChatCompletion,
            body=records.ChatRequest,
            refuses=(404,),
            streams=True,
        ),
        Operation(
            "POST",
            "/v1/embeddings",
            routes.embeddings,
            records.EmbeddingList,
            body=records.EmbeddingRequest,
            refuses=(404,),
        ),
        Operation(
            "POST",
            "/api/search",
            routes.search,
            records.SearchResult,
            body=records.SearchRequest,
            refuses=(404,),
        ),
        Operation(
            "POST",
            "/api/ask",
            routes.ask,
            records.AskResult,
            body=records.AskRequest,
            refuses=(404,),
        ),
        Operation(
            "GET",
            "/api/documents",
            routes.documents,
            records.DocumentList,
            parameters=records.ListParameters,
            refuses=(404,),
        ),
        Operation(
            "POST",
            "/api/documents",
            routes.add,
            records.Added,
            body=records.Upload,
            status=201,
            refuses=(422,),
        ),
        Operation(
            "GET",
            "/api/documents/{doc:path}",
            routes.document,
            records.DocumentPage,
            parameters=records.ReadParameters,
            refuses=(404,),
        ),
        Operation("GET", "/health", routes.health, records.Health, is_open=True),
        Operation("GET", "/metrics", routes.counts, "text/plain"),
    ]


class Endpoint:
    """The operations of one path, by method, as an ASGI app."""

    def __init__(self, operations: list[Operation], threads: CapacityLimiter) -> None:
        self.threads = threads
        self.operations = {one.method: one for one in operations}
        self.path = operations[0].described_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Request(scope, receive)
        try:
            response = await self.answer(request)
        except (ClientDisconnect, Withdrawn):
            return
        except Exception as error:  # noqa: BLE001 (the client gets a sentence, the log the rest)
            response = refusal_of(error).response
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """The response, or whatever error the request ends in."""
        operation = self.operations["GET" if request.method == "HEAD" else request.method]
        stopped = threading.Event()
        call = await call_of(operation, request, stopped)
        given = await while_connected(request, stopped, operation.run, call, self.threads)
        if isinstance(given, BaseModel):
            body = safe_json(given.model_dump())
            return Response(body, operation.status, media_type="application/json")
        if isinstance(given, str):
            return Response(given, media_type=metrics.MEDIA_TYPE)
        return EventStream(given, stopped, self.threads)


async def call_of(operation: Operation, request: Request, stopped: threading.Event) -> Call:
    """The request, checked against the operation's records."""
    asked: Any = None
    name, content = next(iter(request.path_params.values()), ""), b""
    if operation.body is records.Upload:
        asked, name, content = await uploaded(request)
    elif operation.body:
        asked = operation.body.model_validate_json(await request.body())
    elif operation.parameters:
        asked = operation.parameters.model_validate(dict(request.query_params))
    return Call(request.state.caller, asked, name, content, cancelled=stopped.is_set)


async def uploaded(request: Request) -> tuple[str | None, str, bytes]:
    """The collection, the name and the content of an uploaded file."""
    async with request.form(max_files=1, max_fields=8) as form:
        file, collection = form.get("file"), form.get("collection")
        if not isinstance(file, UploadFile) or not file.filename:
            raise Refusal(400, "Send a form (multipart/form-data) with the document as 'file'.", param="file")
        if isinstance(collection, UploadFile):
            raise Refusal(400, "'collection' is a name, not a file.", param="collection")
        return collection or None, file.filename, await file.read()


async def while_connected(
    request: Request,
    stopped: threading.Event,
    run: Callable[[Call], T],
    call: Call,
    threads: CapacityLimiter,
) -> T:
    """What a route gives, run in a thread; it is told when the client leaves."""

    async def watch() -> None:
        with suppress(Refusal):  # a body that nobody reads may be too large as well
            while (await request.receive())["type"] != "http.disconnect":
                pass
        stopped.set()

    watching = asyncio.create_task(watch())
    try:
        return await anyio.to_thread.run_sync(run, call, limiter=threads)
    finally:
        watching.cancel()


class EventStream(StreamingResponse):
    """Records as server-sent events, each made in a thread; the maker is told when the client leaves."""

    def __init__(
        self, chunks: Iterator[records.ChatChunk], stopped: threading.Event, threads: CapacityLimiter
    ) -> None:
        self.made = events(chunks)
        self.stopped = stopped
        self.threads = threads
        headers = {"Cache-Control": "no-cache"}
        super().__init__(self.each(), media_type="text/event-stream", headers=headers)

    async def each(self) -> AsyncIterator[str]:
        """The events, each when its turn comes."""
        while event := await anyio.to_thread.run_sync(next, self.made, "", limiter=self.threads):
            yield event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events; whatever ends that, the model is free again afterwards."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.stopped.set()
            await anyio.to_thread.run_sync(self.made.close)

    async def listen_for_disconnect(self, receive: Receive) -> None:
        """Waits for the client to leave."""
        await super().listen_for_disconnect(receive)
        self.stopped.set()


def events(chunks: Iterator[records.ChatChunk]) -> Generator[str, None, None]:
    """The events' text; what goes wrong on the way is the last but one."""
    try:
        for chunk in chunks:
            yield f"data: {safe_json(chunk.sent())}\n\n"
    except Exception as error:  # noqa: BLE001 (as above)
        yield f"data: {safe_json(refusal_of(error).body.model_dump())}\n\n"
    yield "data: [DONE]\n\n"


def by_path(known: list[Operation]) -> dict[str, list[Operation]]:
    """The operations of each path."""
    found: dict[str, list[Operation]] = {}
    for one in known:
        found.setdefault(one.path, []).append(one)
    return found


async def not_routed(request: Request, error: Exception) -> Response:
    """The answer where there is no such route or method."""
    return refusal_of(error).response


def api_app(library: Library, host: str, *, concurrent: int = CONCURRENT, warm: bool = True) -> ASGIApp:
    """The API of a library, as an ASGI app that listens at the host.

    Raises:
        UsageError: others can reach the host, and there is no key.
    """
    keys = Keys(library.settings.library)
    if not is_loopback(host) and not keys.all():
        raise UsageError(NEEDS_KEYS)
    counted = metrics.Metrics()
    known, threads = operations(Routes(library, counted)), CapacityLimiter(THREADS)
    description = safe_json(document(known))

    async def describe(request: Request) -> Response:
        return Response(description, media_type="application/json")

    app = Starlette(
        routes=[
            *(
                Route(path, Endpoint(those, threads), methods=[one.method for one in those])
                for path, those in by_path(known).items()
            ),
            Route("/openapi.json", describe),
        ],
        exception_handlers={HTTPException: not_routed},
        lifespan=loading(library) if warm else None,
    )
    hosts = AllowedHosts(address=host, named=library.settings.allowed_hosts)
    return Guard(app, hosts=hosts, keys=keys, metrics=counted, concurrent=concurrent)


def loading(library: Library) -> Callable[[Starlette], Any]:
    """Loads the models while the server begins; its end waits for that, as the library is closed next."""

    def load() -> None:
        try:
            library.warm_up()
        except RagError as error:  # the first request is told so too
            log.info("%s", error)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        thread = threading.Thread(target=load, name="loading", daemon=True)
        thread.start()
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(thread.join)

    return lifespan
