"""A worker that will be replaced tells its callers, so that none asks on a connection that just ends."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def tell_to_leave(folder: Path, workers: Iterable[int]) -> None:
    """Let workers know that they will be stopped in a moment.

    Args:
        folder: that the workers of one service share.
        workers: their process ids.
    """
    for pid in workers:
        _note(folder, pid).touch()


class LeaveTaking:
    """Makes the application end each connection with its next answer, once its worker was told to leave."""

    def __init__(self, app: Flask, folder: Path | None) -> None:
        """Nothing is done before `poll`.

        Args:
            app: what answers.
            folder: see `tell_to_leave`; None for a worker that nobody tells.
        """
        self._app, self._folder, self._told = app, folder, False
        if folder is not None:
            # Of an earlier worker of this number.
            _note(folder, os.getpid()).unlink(missing_ok=True)

    def poll(self) -> None:
        """Look whether this worker was told."""
        if not self._told and self._folder is not None and _note(self._folder, os.getpid()).exists():
            self._told = True
            self._app.wsgi_app = _last_answers(self._app.wsgi_app)  # type: ignore[assignment, method-assign]


def _note(folder: Path, pid: int) -> Path:
    return folder / f"leaving-{pid}"


def _last_answers(app: "WSGIApplication") -> "WSGIApplication":
    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: object) -> Callable[[bytes], object]:
            return start_response(status, [*headers, ("Connection", "close")], *more)  # type: ignore[arg-type]

        return app(environ, start)

    return answer
