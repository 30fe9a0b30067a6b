"""Every refusal as `application/problem+json`, in one handler."""

import logging
from http import HTTPStatus

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from recommender.errors import SnapshotMissing, StoreUnavailable

from .answer_headers import REQUEST_ID
from .errors import (
    ErasureIncomplete,
    InvalidRequest,
    KeyRefused,
    ScopeMissing,
    TooManyRequests,
    UnknownItem,
    UnsupportedBody,
)
from .schemas import FieldError, Problem

logger = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"

KINDS = {
    "invalid-request": "A parameter, a field or the body is not as the call wants it; `errors` names each.",
    "unauthorized": "The call needs a key of this shop, sent as `X-API-Key`.",
    "forbidden": "The key lacks the scope that the call needs.",
    "too-many-requests": "The key's limit is reached. Ask again after `Retry-After` seconds.",
    "not-found": "There is no such call, or a strict question is about an item that nobody knows.",
    "method-not-allowed": "The call exists, with another method: see the `Allow` header.",
    "too-large": "The body is over 1 MiB.",
    "unsupported-media-type": "The body is not declared as `application/json`.",
    "no-snapshot": "Nothing was published yet, or Redis cannot be reached. Ask again after `Retry-After`.",
    "not-kept": "What was sent could not be written down. Send it again after `Retry-After`.",
    "erasure-incomplete": "A store did not answer; what was removed is said. Ask again after `Retry-After`.",
    "refused": "The request is not acceptable to HTTP itself.",
    "internal": "A mistake of this service; its log has the trace under the answer's X-Request-ID.",
}
"""Every kind of problem, for the docs page that `Problem.type` points to."""


def register_problems(app: Flask) -> None:
    """Make the app answer every error as a problem."""
    app.register_error_handler(Exception, answer_problem)


def answer_problem(error: Exception) -> Response:
    """The answer to a request that failed with this error."""
    match error:
        case InvalidRequest():
            return _problem("invalid-request", 400, str(error), error.errors)
        case UnknownItem():
            return _problem("not-found", 404, str(error))
        case UnsupportedBody():
            return _problem("unsupported-media-type", 415, str(error))
        case KeyRefused():
            return _with_header(_problem("unauthorized", 401, str(error)), "WWW-Authenticate", "X-API-Key")
        case ScopeMissing():
            return _problem("forbidden", 403, str(error))
        case TooManyRequests():
            problem = _problem("too-many-requests", 429, str(error))
            return _with_header(problem, "Retry-After", str(error.wait))
        case ErasureIncomplete():
            logger.warning("request %s: %s", request.environ.get(REQUEST_ID), error)
            return _with_header(_problem("erasure-incomplete", 503, str(error)), "Retry-After", "1")
        case StoreUnavailable():
            logger.warning("request %s: %s", request.environ.get(REQUEST_ID), error)
            problem = _problem("not-kept", 503, "it could not be written down: send it again")
            return _with_header(problem, "Retry-After", "1")
        case SnapshotMissing():
            return _with_header(_problem("no-snapshot", 503, str(error)), "Retry-After", "1")
        case HTTPException():
            return _refused_by_http(error)
        case _:
            logger.error("request %s failed", request.environ.get(REQUEST_ID), exc_info=error)
            return _problem("internal", 500, "the service made a mistake: report it with the X-Request-ID")


def _refused_by_http(error: HTTPException) -> Response:
    match error.code:
        case 404:
            return _problem(
                "not-found", 404, f"there is no call {request.path[:200]!r}: /docs lists the calls"
            )
        case 405:
            allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
            detail = f"{request.method} is not possible here: use {allowed}"
            return _with_header(_problem("method-not-allowed", 405, detail), "Allow", allowed)
        case 413:
            return _problem("too-large", 413, "the body is over 1 MiB: send fewer ids")
        case code:
            return _problem("refused", code or 500, error.description or "the request was refused")


def _problem(kind: str, status: int, detail: str, errors: tuple[FieldError, ...] = ()) -> Response:
    body = Problem(
        type=f"/docs#{kind}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=errors,
    )
    response = Response(msgspec.json.encode(body), status, content_type=PROBLEM_JSON)
    response.headers["Cache-Control"] = "no-store"
    return response


def _with_header(response: Response, name: str, value: str) -> Response:
    response.headers[name] = value
    return response
