"""The Flask application, made by a factory."""

import uuid

from flask import Flask, Response, request

from .errors import InvalidRequest
from .event_service import EventService
from .guard import Guard, register_guard
from .json_bodies import MOST_BODY_BYTES
from .live_state import LiveState
from .placements import DEFAULTS, ServiceSettings
from .problems import register_problems
from .routes import IdConverter, register_routes
from .service import RecommendationService
from .write_routes import register_writes

_MOST_REQUEST_ID = 128
_REQUEST_ID = "cartlift.request_id"  # where the WSGI environment keeps it
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def create_app(
    service: RecommendationService,
    events: EventService,
    state: LiveState,
    guard: Guard,
    settings: ServiceSettings = DEFAULTS,
) -> Flask:
    """The application.

    Args:
        service: answers lists.
        events: takes events.
        state: takes what the shop says of its items.
        guard: knows the keys.
        settings: what is shown where.
    """
    app = Flask("recommender.serving", static_folder=None)
    # One more than allowed: werkzeug cuts a chunked body off at the limit and says nothing, so routes look.
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES + 1
    # An id may hold // and is not to be redirected to another id.
    app.url_map.merge_slashes = False
    app.url_map.converters["id"] = IdConverter
    app.before_request(_take_request_id)
    app.before_request(_check_path)
    app.after_request(_finish)
    register_guard(app, guard)
    register_problems(app)
    register_routes(app, guard, service, settings)
    register_writes(app, guard, service, events, state)
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
