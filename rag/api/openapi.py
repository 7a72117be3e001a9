"""The description of the API, made from its operations and their records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from rag import __version__
from rag.api.records import ErrorBody, Parameters, Request, Upload

DESCRIPTION = (
    "Questions to one's own documents, answered with exact quotes and their sources. Each collection is a "
    "model of OpenAI's API. If the documents don't contain the answer, Footnote says so, in the text and in "
    "`footnote.abstained`."
)
REFS = "#/components/schemas/{model}"
ALWAYS = (401, 403, 429, 500, 503)


@dataclass(frozen=True, slots=True)
class Operation:
    """A route: what it takes and gives. `gives` is a record, or the media type of a text."""

    method: str
    path: str
    run: Callable[..., Any]
    gives: type[BaseModel] | str
    body: type[Request] | type[Upload] | None = None
    parameters: type[Parameters] | None = None
    refuses: tuple[int, ...] = ()
    status: int = 200
    is_open: bool = False
    streams: bool = False

    @property
    def described_path(self) -> str:
        """The path as OpenAPI writes it."""
        return self.path.replace(":path}", "}")


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole description, OpenAPI 3.1."""
    known = list(operations)
    takes = {one.body for one in known if one.body} | {one.parameters for one in known if one.parameters}
    gives = {one.gives for one in known if not isinstance(one.gives, str)} | {ErrorBody}
    used: list[tuple[type[BaseModel], JsonSchemaMode]] = [(one, "validation") for one in _by_name(takes)]
    used += [(one, "serialization") for one in _by_name(gives)]
    _, schemas = models_json_schema(used, ref_template=REFS)
    paths: dict[str, dict[str, Any]] = {}
    for one in known:
        schema = schemas["$defs"][one.parameters.__name__] if one.parameters else {}
        paths.setdefault(one.described_path, {})[one.method.lower()] = described(one, schema)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Footnote", "version": __version__, "description": DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def described(operation: Operation, parameters: dict[str, Any]) -> dict[str, Any]:
    """One operation."""
    text = operation.run.__doc__ or ""
    answers: dict[str, Any] = {str(operation.status): answer(operation)}
    refused = {*operation.refuses, *(() if operation.is_open else ALWAYS)}
    if operation.body or operation.parameters:
        refused |= {400}
    if operation.body:
        refused |= {413}
    for status in sorted(refused):
        answers[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": reference(ErrorBody)}},
        }
    found: dict[str, Any] = {
        "operationId": operation.run.__name__,
        "summary": text.splitlines()[0] if text else "",
        "responses": answers,
        "parameters": [*path_parameters(operation.described_path), *query_parameters(parameters)],
        "security": [] if operation.is_open else [{"key": []}, {}],
    }
    if operation.body:
        media = "multipart/form-data" if operation.body is Upload else "application/json"
        found["requestBody"] = {"required": True, "content": {media: {"schema": reference(operation.body)}}}
    return found


def answer(operation: Operation) -> dict[str, Any]:
    """What an operation gives."""
    if isinstance(operation.gives, str):
        return {"description": "OK", "content": {operation.gives: {"schema": {"type": "string"}}}}
    content: dict[str, Any] = {"application/json": {"schema": reference(operation.gives)}}
    if operation.streams:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    return {"description": "OK", "content": content}


def path_parameters(path: str) -> list[dict[str, Any]]:
    """The names in braces."""
    schema = {"type": "string", "minLength": 1}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name in re.findall(r"{(\w+)}", path)
    ]


def query_parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """What stands in the address after the question mark."""
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(one)}
        for name, one in schema.get("properties", {}).items()
    ]


def reference(record: type[BaseModel]) -> dict[str, str]:
    """Where the record is described."""
    return {"$ref": REFS.format(model=record.__name__)}


def _by_name(found: Iterable[type[BaseModel]]) -> list[type[BaseModel]]:
    return sorted(found, key=lambda one: one.__name__)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """An address cannot say null: what may be null is left out there."""
    kinds = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return kept | (kinds[0] if kinds else {}) | ({} if kinds else {"default": schema["default"]})
