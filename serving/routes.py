"""Parse, ask, render: the way from HTTP to the service and back."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import Flask, Response, request
from werkzeug.routing import BaseConverter

from recommender.events.recommendation_ids import tag_of

from .answer_headers import JSON, cache_headers
from .arms import Arm
from .bundle_calls import BUNDLE_CALLS
from .bundle_service import BundleService
from .call import ListCall
from .calls import LIST_CALLS
from .docs_page import code, docs_page
from .errors import InvalidRequest
from .experiments import Experiments
from .guard import Guard
from .health_schemas import Alive
from .json_bodies import json_response, read_body
from .openapi import openapi_document
from .placements import ServiceSettings, UnknownPlacement
from .question import Question, question
from .request_parsing import Defaults, check_id, parse_body, parse_query
from .schemas import FieldError
from .service import RecommendationService

# The page has no scripts and fetches nothing; its style sheet stands in it.
_DOCS_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


class IdConverter(BaseConverter):
    """An id in a path: anything but nothing.

    Servers decode %2F before they hand a path over, so an id may span several segments; the fixed last
    segment of every path says where it ends.
    """

    regex = r"[\s\S]+"
    part_isolating = False


def register_routes(
    app: Flask,
    guard: Guard,
    service: RecommendationService,
    settings: ServiceSettings,
    experiments: Experiments,
) -> None:
    """Add the calls that read to the app; those for lists behind their scope."""
    bundles = BundleService(service)
    for call in (*LIST_CALLS, *BUNDLE_CALLS):
        answers = bundles if call in BUNDLE_CALLS else service
        rule = call.path.replace("{", "<id:").replace("}", ">")
        app.add_url_rule(
            rule, call.name, _list_view(call, answers, settings, experiments), methods=[call.method]
        )
        guard.scopes[call.name] = call.scope
    _register_health(app, service)
    _register_docs(app)


def question_of(
    call: ListCall, query: str, settings: ServiceSettings, arm: Arm | None, **subject: str
) -> Question:
    """What a GET asks.

    Args:
        call: which call it is.
        query: of its URL, still percent-encoded.
        settings: what is shown where.
        arm: the variant of an experiment that whoever asks has, if any.
        subject: the id in the path, by its name.

    Raises:
        InvalidRequest: a parameter is unknown, repeated or out of range.
    """
    asked = parse_query(call.asked, query, _defaults_of(settings, arm))
    return question(call.name, asked, settings.placement(asked.placement), arm, **subject)


def posted_question(call: ListCall, body: bytes, settings: ServiceSettings, arm: Arm | None) -> Question:
    """What a POST asks.

    Args:
        call: which call it is.
        body: as it was sent.
        settings: what is shown where.
        arm: see `question_of`.

    Raises:
        InvalidRequest: it is not a JSON object, or a field is unknown or out of range.
    """
    asked = parse_body(call.asked, body, _defaults_of(settings, arm))
    return question(call.name, asked, settings.placement(asked.placement), arm)


def _list_view(
    call: ListCall,
    service: RecommendationService | BundleService,
    settings: ServiceSettings,
    experiments: Experiments,
) -> Callable[..., Response]:
    def get(**subject: str) -> Response:
        query, subject = request.environ.get("QUERY_STRING", ""), _checked(subject)
        asked = question_of(call, query, settings, None, **subject)
        if (arm := experiments.arm(asked)) is not None:
            asked = question_of(call, query, settings, arm, **subject)
        if request.if_none_match:
            tag = service.tag(asked)
            if request.if_none_match.contains_weak(tag):
                experiments.saw(asked)
                return Response(status=304, headers=cache_headers(call, tag))
        found = service.answer(asked)
        experiments.saw(asked)
        response = json_response(found.recommendations)
        if found.sound:
            response.headers.update(cache_headers(call, tag_of(found.recommendations.recommendation_id)))
        return response

    def post() -> Response:
        body = read_body()
        asked = posted_question(call, body, settings, None)
        if (arm := experiments.arm(asked)) is not None:
            asked = posted_question(call, body, settings, arm)
        found = service.answer(asked)
        experiments.saw(asked)
        return json_response(found.recommendations)

    return get if call.method == "GET" else post


def _checked(subject: Mapping[str, str]) -> dict[str, str]:
    return {name: check_id(name, id_) for name, id_ in subject.items()}


def _defaults_of(settings: ServiceSettings, arm: Arm | None) -> Defaults:
    if arm is not None:
        return lambda said: arm.rules.defaults()

    def defaults(said: Mapping[str, Any]) -> Mapping[str, Any]:
        name = said.get("placement")
        try:
            return settings.placement(name).defaults()
        except UnknownPlacement as error:
            wrong = FieldError(field="placement", detail=f"{name!r} {error}")
            raise InvalidRequest(f"'placement' {wrong.detail}", (wrong,)) from error

    return defaults


def _register_health(app: Flask, service: RecommendationService) -> None:
    @app.get("/health/live")
    def live() -> Response:
        return json_response(Alive())

    @app.get("/health/ready")
    def ready() -> Response:
        return json_response(service.readiness(datetime.now(UTC)))


def _register_docs(app: Flask) -> None:
    app.add_template_filter(code)
    document = openapi_document()
    encoded = msgspec.json.encode(document)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(encoded, content_type=JSON)

    @app.get("/")
    def start() -> Response:
        return Response(status=302, headers={"Location": "/docs"})

    @app.get("/docs")
    def docs() -> Response:
        page = docs_page(document, base_url=request.host_url.rstrip("/"))
        response = Response(page, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = _DOCS_POLICY
        return response
