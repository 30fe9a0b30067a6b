"""Headers of answers, for Flask and for the layer before it."""

import os
import random
from collections.abc import Mapping
from typing import Any

from .call import ListCall

JSON = "application/json"
REQUEST_ID = "cartlift.request_id"  # where the WSGI environment keeps it

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
NEVER = "no-store"

_MOST_REQUEST_ID = 128

_PERSONAL = "private, max-age=0, must-revalidate"
_PUBLIC = "public, max-age=0, must-revalidate"

_draw = random.Random()
os.register_at_fork(after_in_child=_draw.seed)


def request_id(environ: Mapping[str, Any]) -> str:
    """The request's own id, if it has one that can be sent back, else a new one."""
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    if 0 < len(given) <= _MOST_REQUEST_ID and given.isascii() and given.isprintable():
        return given
    # Tells requests apart and guards nothing: no need to ask the kernel for it.
    return f"{_draw.getrandbits(128):032x}"


def cache_headers(call: ListCall, tag: str) -> tuple[tuple[str, str], ...]:
    """What a cache is told of a list that it may keep."""
    control = _PERSONAL if call.subject == "customer_id" else _PUBLIC
    return ("ETag", f'"{tag}"'), ("Cache-Control", control)


def answer_headers(call: ListCall, tag: str | None, id_: str, length: int) -> list[tuple[str, str]]:
    """All headers of an answer to a GET.

    Args:
        call: what was called.
        tag: what a cache knows the answer by; None for what an outage or damage made of an answer.
        id_: of the request.
        length: bytes of the body.
    """
    cached = (("Cache-Control", NEVER),) if tag is None else cache_headers(call, tag)
    return [
        ("Content-Type", JSON),
        ("Content-Length", str(length)),
        *cached,
        ("X-Request-ID", id_),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", API_POLICY),
    ]
