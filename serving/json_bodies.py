"""JSON in and out of Flask."""

import msgspec
from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from .answer_headers import JSON, NEVER
from .errors import UnsupportedBody
from .request_parsing import parse_query

MOST_BODY_BYTES = 1 << 20

ANSWER = "cartlift.answer"  # where the WSGI environment keeps what is said, before it is JSON


class NoParameters(msgspec.Struct, frozen=True):
    """The query of a call that takes its arguments in the body, or takes none."""


def read_body() -> bytes:
    """The body of the request being answered.

    Raises:
        InvalidRequest: parameters were sent as well.
        UnsupportedBody: it is declared as something else than JSON.
        RequestEntityTooLarge: it is over `MOST_BODY_BYTES`.
    """
    parse_query(NoParameters, request.environ.get("QUERY_STRING", ""))
    if request.mimetype != JSON:
        raise UnsupportedBody(f"the body is {request.mimetype or 'of no type'}: send Content-Type: {JSON}")
    body = request.get_data(cache=False)
    if len(body) > MOST_BODY_BYTES:
        raise RequestEntityTooLarge
    return body


def json_response(value: msgspec.Struct) -> Response:
    """An answer that no cache may keep."""
    request.environ[ANSWER] = value
    response = Response(msgspec.json.encode(value), content_type=JSON)
    response.headers["Cache-Control"] = NEVER
    return response
