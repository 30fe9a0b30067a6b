"""The OpenAPI document, generated from the types that requests and answers really have."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from recommender import __version__

from .call import Call, ListCall
from .calls import CALLS
from .event_schemas import Event
from .health_schemas import Alive, Ready
from .request_parsing import field_rules
from .schemas import MOST_ID_BYTES, Problem

Document = dict[str, Any]

_REFUSALS = {
    "400": "A parameter or field is unknown or out of range.",
    "401": "A key of this shop is needed.",
    "403": "The key lacks the scope.",
    "404": "No such call, or a strict question about an unknown item.",
    "413": "The body is over 1 MiB.",
    "415": "The body is not JSON.",
    "429": "The key's limit is reached.",
    "503": "No snapshot was ever seen; of what is sent to be kept: it could not be written down.",
}

_NO_HTTP_YET = {
    "414": {"description": "The path and query are too long; answered without a body."},
    "431": {"description": "The headers are too long or too many; answered without a body."},
}
"""What is refused before anything of the request is looked at."""

EXAMPLE_IDS = {"customer_id": "17850", "item_id": "1001"}


def openapi_document() -> Document:
    """The whole interface as OpenAPI 3.1."""
    schemas = _schemas()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cartlift",
            "version": __version__,
            "summary": "Product recommendations for online shops",
            "description": "Lists learned from order history, published as snapshots, answered from memory "
            "and Redis. Ids are any UTF-8 of up to 256 bytes; percent-encode them in paths.",
        },
        "paths": {
            **_paths(schemas),
            "/health/live": {"get": _health("live", "Whether the process answers", Alive)},
            "/health/ready": {"get": _health("ready", "Whether a snapshot is live", Ready, "503")},
        },
        # A query is described parameter by parameter; as a schema it would stand there unused.
        "components": {
            "schemas": {name: schemas[name] for name in schemas if not name.endswith("Query")},
            "securitySchemes": {
                "key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": "Made by `cartlift keys create`. Without any key everybody may read.",
                }
            },
        },
    }


def _paths(schemas: Mapping[str, Any]) -> Document:
    paths: Document = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, schemas)
    return paths


def _schemas() -> dict[str, Any]:
    # Events stand in their request as they come, each to be judged by itself.
    asked = dict.fromkeys(call.asked for call in CALLS)
    types = [*asked, *dict.fromkeys(call.answer for call in CALLS), Event, Alive, Ready, Problem]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schemas["EventsRequest"]["properties"]["events"]["items"] = _reference(Event)
    return schemas


def _operation(call: Call, schemas: Mapping[str, Any]) -> Document:
    operation: Document = {
        "operationId": call.name,
        "summary": call.summary,
        "description": call.description,
        "parameters": _path_parameters(call),
        "responses": {
            "200": _answer(
                call.answer.__doc__ or "", call.answer, example=msgspec.to_builtins(call.example_answer)
            ),
            **_refusals("400", "401", "403", "429", "503", *(["404"] if _may_miss(call) else [])),
            **_NO_HTTP_YET,
        },
        "security": [{"key": []}] if call.scope != "read" else [{"key": []}, {}],
    }
    if call.method in ("GET", "DELETE"):
        operation["parameters"] += _query_parameters(call, schemas[call.asked.__name__])
    if isinstance(call, ListCall) and call.method == "GET":
        operation["responses"]["304"] = {"description": "The list that `If-None-Match` names is still right."}
    if call.method not in ("GET", "DELETE"):
        operation["requestBody"] = _body(call)
        operation["responses"] |= _refusals("413", "415")
    return operation


def _may_miss(call: Call) -> bool:
    return isinstance(call, ListCall) and call.subject == "item_id"


def _path_parameters(call: Call) -> list[Document]:
    if call.subject is None:
        return []
    return [
        {
            "name": call.subject,
            "in": "path",
            "required": True,
            "description": f"Any UTF-8 of 1 to {MOST_ID_BYTES} bytes, percent-encoded, / as %2F.",
            "schema": {"type": "string", "minLength": 1, "maxLength": MOST_ID_BYTES},
            "example": EXAMPLE_IDS[call.subject],
        }
    ]


def _query_parameters(call: Call, schema: Mapping[str, Any]) -> list[Document]:
    parameters = []
    for rule in field_rules(call.asked).values():
        described = dict(schema["properties"][rule.name])
        parameter = {
            "name": rule.name,
            "in": "query",
            "description": described.pop("description"),
            "schema": _without_null(described),
        }
        if rule.repeated:
            parameter |= {"style": "form", "explode": False}
        parameters.append(parameter)
    return parameters


def _without_null(schema: Document) -> Document:
    """The schema of a parameter: one that is not given is left out, never null."""
    if "anyOf" not in schema:
        return schema
    return next(choice for choice in schema["anyOf"] if choice != {"type": "null"})


def _body(call: Call) -> Document:
    content = {"schema": _reference(call.asked), "example": dict(call.example)}
    return {"required": True, "content": {"application/json": content}}


def _health(name: str, summary: str, answer: type[Struct], *refusals: str) -> Document:
    return {
        "operationId": f"health_{name}",
        "summary": summary,
        "responses": {"200": _answer("Yes.", answer), **_refusals(*refusals)},
    }


def _answer(description: str, schema: type[Struct], **example: Any) -> Document:
    content = {"schema": _reference(schema), **example}
    return {"description": description, "content": {"application/json": content}}


def _refusals(*statuses: str) -> Document:
    content = {"application/problem+json": {"schema": _reference(Problem)}}
    return {status: {"description": _REFUSALS[status], "content": content} for status in sorted(statuses)}


def _reference(schema: type[Struct]) -> Document:
    return {"$ref": f"#/components/schemas/{schema.__name__}"}
