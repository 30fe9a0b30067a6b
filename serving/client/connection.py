"""HTTP to one service: connections that stay open, one a thread, and an end to every wait."""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

_BROKEN = (ConnectionError, HTTPException)
"""How a connection ends that the other side closed while it was idle."""


class ServiceError(Exception):
    """The service did not answer, or refused.

    Attributes:
        status: of HTTP; None where there was no answer.
        retry_after: seconds to wait, where the service says so.
    """

    def __init__(self, why: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.status, self.retry_after = status, retry_after

    @property
    def passes(self) -> bool:
        """Whether the same request may be answered later."""
        return self.status is None or self.status == 429 or self.status >= 500


class Connection:
    """Asks one service; may be used by any number of threads, and after a fork."""

    def __init__(
        self, url: str, key: str | None, timeout: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Opens nothing yet.

        Args:
            url: of the service, with the path it has behind a proxy.
            key: API key.
            timeout: seconds for a request, retry included.
            clock: seconds.

        Raises:
            ValueError: the URL is none.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no URL of a service: write https://recommendations.example")
        self._type = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._headers = {"Accept": "application/json"} | ({"X-API-Key": key} if key else {})
        self._timeout, self._clock = timeout, clock
        self._own = threading.local()
        self._opened: WeakSet[_Kept] = WeakSet()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What JSON the service answers. May be sent twice: everything asked here may be.

        Raises:
            ServiceError: it did not answer in time, refused, or answered something else than JSON.
        """
        deadline = self._clock() + self._timeout
        sent = None if body is None else json.dumps(body).encode()
        try:
            try:
                status, retry_after, said = self._once(method, path, sent, deadline)
            except _BROKEN:
                status, retry_after, said = self._once(method, path, sent, deadline)
        except (OSError, HTTPException) as error:
            raise ServiceError(f"no answer from {self._host} ({error or type(error).__name__})") from error
        return _read(status, retry_after, said)

    def close(self) -> None:
        """Close the connections of all threads; another request opens its own again."""
        for kept in list(self._opened):
            kept.http.close()

    def _once(
        self, method: str, path: str, body: bytes | None, deadline: float
    ) -> tuple[int, str | None, bytes]:
        connection = self._connection()
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            connection.timeout = self._left(deadline)
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(self._left(deadline))
            connection.request(method, self._path + path, body, headers)
            answer = connection.getresponse()
            if connection.sock is not None:  # it is gone already where the service closes after the answer
                connection.sock.settimeout(self._left(deadline))
            return answer.status, answer.getheader("Retry-After"), answer.read()
        except BaseException:
            # Half an answer may still be on its way, and must not be taken for the next one.
            connection.close()
            raise

    def _connection(self) -> HTTPConnection:
        kept = getattr(self._own, "kept", None)
        # A child must not write to the socket of its parent.
        if kept is None or kept.process != os.getpid():
            kept = self._own.kept = _Kept(self._type(self._host, self._port))
            self._opened.add(kept)
        return kept.http

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock()
        if left <= 0:
            raise TimeoutError(f"timed out after {self._timeout:g} s")
        return left


class _Kept:
    """A thread's connection, which ends with the thread."""

    def __init__(self, http: HTTPConnection) -> None:
        self.http, self.process = http, os.getpid()

    def __del__(self) -> None:
        self.http.close()


def _read(status: int, retry_after: str | None, said: bytes) -> Any:
    try:
        value = json.loads(said)
    except ValueError as error:
        raise ServiceError(f"answer {status} is no JSON", status) from error
    if status == 200:
        return value
    detail = value.get("detail", "") if isinstance(value, dict) else ""
    wait = float(retry_after) if retry_after and retry_after.isdecimal() else None
    raise ServiceError(f"refused with {status}: {detail}", status, wait)
