"""The script and style sheet that shops' pages load."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, request

_FILES = {"cartlift.js": "text/javascript; charset=utf-8", "cartlift.css": "text/css; charset=utf-8"}
_FOLDER = Path(__file__).parent / "static"
_CACHED = "public, max-age=3600, stale-while-revalidate=86400"


def register_browser_script(app: Flask) -> None:
    """Add the files to the app, each at `/` and its name, for pages of every origin."""
    for name, content_type in _FILES.items():
        app.add_url_rule(f"/{name}", name.replace(".", "_"), _view(_FOLDER / name, content_type))


def _view(file: Path, content_type: str) -> Callable[[], Response]:
    content = file.read_bytes()
    tag = hashlib.sha256(content).hexdigest()[:24]

    def send() -> Response:
        response = Response(content, content_type=content_type)
        response.set_etag(tag)
        response.headers["Cache-Control"] = _CACHED
        # Pages that check its digest (integrity=…), or isolate themselves, may load it only so.
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.make_conditional(request)
        return response

    return send
