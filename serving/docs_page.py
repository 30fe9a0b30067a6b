"""The page at /docs: the OpenAPI document for people, in one file that fetches nothing."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from flask import render_template
from markupsafe import Markup, escape

from .call import EXAMPLE_ANSWER, Call
from .calls import CALLS
from .openapi import EXAMPLE_IDS, Document
from .problems import KINDS

_ANSWERS = (
    "Recommendations",
    "RecommendedItem",
    "Reason",
    "Explanation",
    "RungTried",
    "PlaceExplanation",
    "Event",
    "EventsAnswer",
    "EventOutcome",
    "ItemAnswer",
    "ConsentAnswer",
    "CustomerData",
    "StoredRow",
    "StoredPlace",
    "StoredNote",
    "StoredEvent",
    "ErasureReceipt",
    "Removed",
    "Ready",
    "Problem",
    "FieldError",
)
_BACKTICKED = re.compile("`([^`]+)`")


@dataclass(frozen=True, slots=True)
class ShownField:
    """One row of a table of parameters or fields.

    Attributes:
        name: on the wire.
        kind: its type and bounds, for people.
        default: what it is when left out; None where that is nothing.
        description: what it means.
        required: whether it must be given.
    """

    name: str
    kind: str
    default: str | None
    description: str
    required: bool


@dataclass(frozen=True, slots=True)
class ShownCall:
    """One call as the page shows it.

    Attributes:
        anchor: its place on the page.
        method: HTTP method.
        path: its path, ids in braces.
        summary: one line.
        description: what to know before using it; None where the summary says it all.
        fields: parameters or body fields.
        curl: a command to try it with.
    """

    anchor: str
    method: str
    path: str
    summary: str
    description: str | None
    fields: tuple[ShownField, ...]
    curl: str


def code(text: str) -> Markup:
    """Text with its `backticked` words set as code."""
    return Markup(_BACKTICKED.sub(r"<code>\1</code>", str(escape(text))))


def docs_page(document: Document, *, base_url: str) -> str:
    """The page, with commands that work against `base_url`."""
    schemas = document["components"]["schemas"]
    return render_template(
        "docs.html",
        info=document["info"],
        calls=tuple(_shown_calls(document, base_url)),
        answers=[(name, schemas[name]["description"], _fields(schemas[name])) for name in _ANSWERS],
        example=msgspec.json.format(msgspec.json.encode(EXAMPLE_ANSWER), indent=2).decode(),
        problems=KINDS,
        base_url=base_url,
    )


def _shown_calls(document: Document, base_url: str) -> Iterator[ShownCall]:
    examples = {call.name: call for call in CALLS}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            call = examples.get(operation["operationId"])
            yield ShownCall(
                anchor=operation["operationId"],
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                description=operation.get("description"),
                fields=_operation_fields(operation, document["components"]["schemas"]),
                curl=_curl(call, base_url) if call else f"curl {shlex.quote(base_url + path)}",
            )


def _operation_fields(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[ShownField, ...]:
    parameters = tuple(
        ShownField(
            name=parameter["name"],
            kind=_kind(parameter["schema"]),
            default=_default(parameter["schema"]),
            description=parameter["description"],
            required=parameter.get("required", False),
        )
        for parameter in operation.get("parameters", ())
    )
    if "requestBody" not in operation:
        return parameters
    (content,) = operation["requestBody"]["content"].values()
    return parameters + _fields(schemas[content["schema"]["$ref"].rpartition("/")[2]])


def _fields(schema: Mapping[str, Any]) -> tuple[ShownField, ...]:
    fields = (
        ShownField(
            name=name,
            kind=_kind(described),
            default=_default(described),
            description=described.get("description", ""),
            required=name in schema["required"],
        )
        for name, described in schema["properties"].items()
    )
    return tuple(sorted(fields, key=lambda field: not field.required))


def _kind(schema: Mapping[str, Any]) -> str:
    """A JSON schema in a few words."""
    match schema:
        case {"$ref": reference}:
            return str(reference).rpartition("/")[2]
        case {"anyOf": choices}:
            return " or ".join(_kind(choice) for choice in choices)
        case {"enum": values}:
            return " | ".join(map(str, values))
        case {"type": "array", "prefixItems": [first, *others]}:
            return f"{1 + len(others)} of {_kind(first)}"
        case {"type": "array", "items": items}:
            return f"list of {_kind(items)}"
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"{least}–{most}"
        case _:
            return str(schema.get("type", "anything"))


def _default(schema: Mapping[str, Any]) -> str | None:
    default = schema.get("default")
    if default is None or default == ():
        return None
    return msgspec.json.encode(default).decode()


def _curl(call: Call, base_url: str) -> str:
    url = base_url + call.path.format_map(EXAMPLE_IDS)
    key = "" if call.scope == "read" else ' \\\n  -H "X-API-Key: $CARTLIFT_KEY"'
    if call.method == "DELETE":
        return f"curl -X DELETE {shlex.quote(url)}{key}"
    if call.method != "GET":
        body = msgspec.json.encode(call.example).decode()
        method = "" if call.method == "POST" else f" -X {call.method}"
        return (
            f"curl{method} {shlex.quote(url)}{key} \\\n  -H 'Content-Type: application/json' \\\n"
            f"  -d {shlex.quote(body)}"
        )
    given = {
        name: ",".join(value) if isinstance(value, list) else value for name, value in call.example.items()
    }
    query = urlencode(given, safe=",")
    return f"curl {shlex.quote(f'{url}?{query}' if query else url)}{key}"
