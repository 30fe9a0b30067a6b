"""The Flask application, made by a factory."""

from flask import Flask, Response, request

from .answer_headers import API_POLICY, REQUEST_ID, request_id
from .browser_script import register_browser_script
from .errors import InvalidRequest
from .event_service import EventService
from .experiments import Experiments
from .guard import Guard, register_guard
from .hot_path import HotPath
from .json_bodies import MOST_BODY_BYTES
from .live_state import LiveState
from .placements import DEFAULTS, ServiceSettings
from .privacy_routes import register_privacy
from .privacy_service import PrivacyService
from .problems import register_problems
from .routes import IdConverter, register_routes
from .service import RecommendationService
from .telemetry import Telemetry, register_telemetry
from .write_routes import register_writes


def create_app(
    service: RecommendationService,
    events: EventService,
    state: LiveState,
    guard: Guard,
    experiments: Experiments,
    privacy: PrivacyService,
    settings: ServiceSettings = DEFAULTS,
    telemetry: Telemetry | None = None,
) -> Flask:
    """The application.

    Args:
        service: answers lists.
        events: takes events.
        state: takes what the shop says of its items.
        guard: knows the keys.
        experiments: knows who has which variant.
        privacy: takes customers' wishes.
        settings: what is shown where.
        telemetry: counts requests; None where nobody asks for the counts.
    """
    telemetry = telemetry or Telemetry(settings.placements)
    app = Flask("recommender.serving", static_folder=None)
    # One more than allowed: werkzeug cuts a chunked body off at the limit and says nothing, so routes look.
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES + 1
    # An id may hold // and is not to be redirected to another id.
    app.url_map.merge_slashes = False
    app.url_map.converters["id"] = IdConverter
    register_telemetry(app, telemetry)
    app.before_request(_take_request_id)
    app.before_request(_check_path)
    app.after_request(_finish)
    register_guard(app, guard)
    register_problems(app)
    register_routes(app, guard, service, settings, experiments)
    register_writes(app, guard, service, events, state)
    register_browser_script(app)
    register_privacy(app, guard, privacy)
    layer = HotPath(app.wsgi_app, service, guard, settings, experiments, telemetry)
    app.wsgi_app = layer  # type: ignore[method-assign]
    return app


def _take_request_id() -> None:
    request.environ[REQUEST_ID] = request_id(request.environ)


def _check_path() -> None:
    # werkzeug replaces bytes that are no UTF-8 by U+FFFD, and two ids would become one.
    try:
        request.environ["PATH_INFO"].encode("latin-1").decode("utf-8")
    except UnicodeError as error:
        raise InvalidRequest(f"the path is not UTF-8 ({error}): percent-encode ids as UTF-8") from error


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = request.environ[REQUEST_ID]
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Content-Security-Policy", API_POLICY)
    return response
