"""What goes wrong, in OpenAI's form: a status, and a sentence."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rag.api.records import Error, ErrorBody
from rag.errors import AccessDenied, Busy, DocumentError, LibraryLocked, RagError, UsageError
from rag.text.command import as_started
from rag.text.visible import safe_json

log = logging.getLogger(__name__)

UNFORESEEN = "Footnote failed on this request; its log says why. Other requests are answered."
ROUTING = {
    404: "There is nothing at this address. /openapi.json lists what there is.",
    405: "This address does not take this method. /openapi.json lists what there is.",
}
_STATUS: tuple[tuple[type[RagError], int], ...] = (
    (UsageError, 400),
    (AccessDenied, 403),
    (DocumentError, 422),
    (LibraryLocked, 503),
    (Busy, 429),
    (RagError, 500),
)
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


class Refusal(Exception):
    """A request that is not answered: the status, a sentence, and what of the request is wrong."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.headers = headers or {}

    @property
    def body(self) -> ErrorBody:
        """What the client gets."""
        kind = _KINDS.get(self.status, "server_error")
        return ErrorBody(
            error=Error(message=as_started(str(self)), type=kind, param=self.param, code=self.code)
        )

    @property
    def response(self) -> Response:
        """The whole answer."""
        body = safe_json(self.body.model_dump())
        return Response(body, self.status, dict(self.headers), media_type="application/json")


def refusal_of(error: Exception) -> Refusal:
    """Any error as a refusal; one that nobody foresaw goes to the log."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, HTTPException):
        message = ROUTING.get(error.status_code, error.detail)
        return Refusal(error.status_code, message, headers=error.headers)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        wrong = "; ".join(f"{_place(one['loc'])}: {one['msg']}" for one in error.errors()[:5])
        return Refusal(400, f"The request is not valid: {wrong}.", param=_place(first["loc"]))
    if isinstance(error, RagError):
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        seconds = error.seconds if isinstance(error, Busy) else 5
        headers = {"Retry-After": str(seconds)} if status in (429, 503) else {}
        return Refusal(
            status, str(error), code="rate_limit_exceeded" if status == 429 else None, headers=headers
        )
    log.error("A request failed.", exc_info=error)
    return Refusal(500, UNFORESEEN)


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "the body"
