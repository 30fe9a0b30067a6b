"""The Flask application, made by a factory."""

import uuid

from flask import Flask, Response, request

from .errors import InvalidRequest
from .placements import DEFAULTS, ServiceSettings
from .problems import register_problems
from .routes import MOST_BODY_BYTES, register_routes
from .service import RecommendationService

_MOST_REQUEST_ID = 128
_REQUEST_ID = "cartlift.request_id"  # where the WSGI environment keeps it
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def create_app(service: RecommendationService, settings: ServiceSettings = DEFAULTS) -> Flask:
    """An application that answers with this service, by these settings."""
    app = Flask("recommender.serving", static_folder=None)
    # One more than allowed: werkzeug cuts a chunked body off at the limit and says nothing, so routes look.
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES + 1
    # An id may hold // and is not to be redirected to another id.
    app.url_map.merge_slashes = False
    app.before_request(_take_request_id)
    app.before_request(_check_path)
    app.after_request(_finish)
    register_problems(app)
    register_routes(app, service, settings)
    return app


def _take_request_id() -> None:
    given = request.headers.get("X-Request-ID", "")
    usable = 0 < len(given) <= _MOST_REQUEST_ID and given.isascii() and given.isprintable()
    request.environ[_REQUEST_ID] = given if usable else uuid.uuid4().hex


def _check_path() -> None:
    # werkzeug replaces bytes that are no UTF-8 by U+FFFD, and two ids would become one.
    try:
        request.environ["PATH_INFO"].encode("latin-1").decode("utf-8")
    except UnicodeError as error:
        raise InvalidRequest(f"the path is not UTF-8 ({error}): percent-encode ids as UTF-8") from error


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = request.environ[_REQUEST_ID]
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Content-Security-Policy", _API_POLICY)
    return response
