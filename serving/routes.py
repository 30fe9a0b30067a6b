"""Parse, ask, render: the way from HTTP to the service and back."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import Flask, Response, request
from werkzeug.routing import BaseConverter

from .calls import LIST_CALLS, ListCall
from .docs_page import code, docs_page
from .errors import InvalidRequest
from .guard import Guard
from .json_bodies import JSON, json_response, read_body
from .openapi import openapi_document
from .placements import Placement, ServiceSettings, UnknownPlacement
from .question import question
from .request_parsing import check_id, parse_body, parse_query
from .schemas import Alive, FieldError, ListQuery
from .service import RecommendationService

_PERSONAL = "private, max-age=0, must-revalidate"
_PUBLIC = "public, max-age=0, must-revalidate"

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
    app: Flask, guard: Guard, service: RecommendationService, settings: ServiceSettings
) -> None:
    """Add the calls that read to the app; those for lists behind their scope."""
    for call in LIST_CALLS:
        rule = call.path.replace("{", "<id:").replace("}", ">")
        app.add_url_rule(rule, call.name, _list_view(call, service, settings), methods=[call.method])
        guard.scopes[call.name] = call.scope
    _register_health(app, service)
    _register_docs(app)


def _list_view(
    call: ListCall, service: RecommendationService, settings: ServiceSettings
) -> Callable[..., Response]:
    def answer(**subject: str) -> Response:
        for name, id_ in subject.items():
            check_id(name, id_)
        request_ = _asked(call, settings)
        asked = question(call.name, request_, settings.placement(request_.placement), **subject)
        if call.method == "GET" and request.if_none_match:
            tag = service.recommendation_id(asked)
            if request.if_none_match.contains_weak(tag):
                return _cacheable(Response(status=304), call, tag)
        found = service.answer(asked)
        response = json_response(found.recommendations)
        # A cache must not keep what an outage or damage made of an answer.
        if call.method == "GET" and found.sound:
            return _cacheable(response, call, found.recommendations.recommendation_id)
        return response

    return answer


def _asked(call: ListCall, settings: ServiceSettings) -> ListQuery:
    def defaults(said: Mapping[str, Any]) -> Mapping[str, Any]:
        return _rules(said.get("placement"), settings).defaults()

    if call.method == "GET":
        return parse_query(call.asked, request.environ.get("QUERY_STRING", ""), defaults)
    return parse_body(call.asked, read_body(), defaults)


def _rules(name: str | None, settings: ServiceSettings) -> Placement:
    try:
        return settings.placement(name)
    except UnknownPlacement as error:
        wrong = FieldError(field="placement", detail=f"{name!r} {error}")
        raise InvalidRequest(f"'placement' {wrong.detail}", (wrong,)) from error


def _cacheable(response: Response, call: ListCall, tag: str) -> Response:
    response.headers["ETag"] = f'"{tag}"'
    response.headers["Cache-Control"] = _PERSONAL if call.subject == "customer_id" else _PUBLIC
    return response


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
