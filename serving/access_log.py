"""Some requests, a line each: a share of all, and whatever failed or was slow."""

import logging
import queue
import random
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .answer_headers import REQUEST_ID
from .calls import CALLS
from .guard import CHECKED_KEY
from .schemas import Recommendations

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger(__name__)

SLOW_SECONDS = 0.1

_MOST_WAITING = 1_000

# Paths name customers; their templates do not.
_PATHS = {call.name: call.path for call in CALLS}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def shown_path(call: str) -> str:
    """The path of a call as logs may show it: with the name of an id, not the id."""
    return _PATHS.get(call, call)


def shown_method(environ: "WSGIEnvironment") -> str:
    """The method of a request, if it is one of HTTP's own; a caller may send any word."""
    method: str = environ["REQUEST_METHOD"]
    return method if method in _METHODS else "other"


class AccessLog:
    """Hands lines to a thread that writes them, so that no request waits for the log.

    Attributes:
        dropped: lines that were not written, because too many waited.
    """

    def __init__(
        self, share: float, draw: Callable[[], float] = random.random, *, most_waiting: int = _MOST_WAITING
    ) -> None:
        """Writes nothing before `start`.

        Args:
            share: of requests that are written down though nothing was wrong, from 0 to 1.
            draw: a number from 0 to below 1 for each of them.
            most_waiting: lines that wait to be written; more are dropped.
        """
        self.dropped = 0
        self._share, self._draw = share, draw
        self._waiting: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue(most_waiting)

    def start(self) -> None:
        """Begin to write, until the end of the process."""
        threading.Thread(target=self._run, name="access-log", daemon=True).start()

    def wants(self, status: int, seconds: float) -> bool:
        """Whether this request is to be written down."""
        return status >= 500 or seconds >= SLOW_SECONDS or self._draw() < self._share

    def put(self, environ: "WSGIEnvironment", call: str, status: int, seconds: float, answer: object) -> None:
        """Have a request written down; never waits.

        Args:
            environ: of the request.
            call: what was called.
            status: of the answer.
            seconds: it took.
            answer: what was said; of lists it is told how they came about.
        """
        method, path, key = shown_method(environ), shown_path(call), environ.get(CHECKED_KEY)
        duration_ms = round(seconds * 1e3, 3)
        fields: dict[str, Any] = {
            "request_id": environ.get(REQUEST_ID),
            "method": method,
            "path": path,
            "status": status,
            "duration_ms": duration_ms,
            "key": None if key is None else key.id,
        }
        if isinstance(answer, Recommendations):
            fields |= {"source": answer.source, "snapshot": answer.snapshot}
            fields |= {"stale": answer.stale, "degraded": answer.degraded}
        said = f"{method} {path} {status} {duration_ms} ms, request {fields['request_id']}"
        try:
            self._waiting.put_nowait((said, fields))
        except queue.Full:
            self.dropped += 1

    def _run(self) -> None:
        while True:
            said, fields = self._waiting.get()
            logger.info("%s", said, extra={"fields": fields})
