"""The calls by which customers' wishes come in."""

from collections.abc import Callable, Mapping

from flask import Flask, Response, request

from .calls import PRIVACY_CALLS
from .guard import Guard
from .json_bodies import json_response, read_body
from .privacy_schemas import ConsentRequest, DataQuery, ErasureQuery
from .privacy_service import PrivacyService
from .request_parsing import check_id, parse_body, parse_query


def register_privacy(app: Flask, guard: Guard, privacy: PrivacyService) -> None:
    """Add the calls to the app, each behind its scope."""

    def put_consent(customer_id: str) -> Response:
        asked = parse_body(ConsentRequest, read_body())
        customer_id = check_id("customer_id", customer_id)
        return json_response(privacy.consent(customer_id, personalisation=asked.personalisation))

    def customer_data(customer_id: str) -> Response:
        asked = parse_query(DataQuery, _query())
        return json_response(privacy.data(check_id("customer_id", customer_id), asked.cursor))

    def erase_customer(customer_id: str) -> Response:
        parse_query(ErasureQuery, _query())
        return json_response(privacy.erase(check_id("customer_id", customer_id)))

    views: Mapping[str, Callable[..., Response]] = {
        "put_consent": put_consent,
        "customer_data": customer_data,
        "erase_customer": erase_customer,
    }
    for call in PRIVACY_CALLS:
        rule = call.path.replace("{", "<id:").replace("}", ">")
        app.add_url_rule(rule, call.name, views[call.name], methods=[call.method])
        guard.scopes[call.name] = call.scope


def _query() -> str:
    return str(request.environ.get("QUERY_STRING", ""))
