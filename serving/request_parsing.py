"""From text to a request: query strings and JSON bodies, every wrong field named at once."""

import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec.inspect import Metadata, StructType, VarTupleType, type_info

from .errors import InvalidRequest
from .schemas import MOST_ID_BYTES, FieldError

Request = TypeVar("Request", bound=msgspec.Struct)

_MOST_PARAMETERS = 1_000
_MOST_PLAIN = 2_000
"""Bytes of a body in which no text can be longer than its field allows, but for what its type says."""

_MOST_UNKNOWN = 10  # reported in one refusal
_BARE_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What one field of a request may hold.

    Attributes:
        name: its name on the wire.
        type: the annotated type that it is converted to.
        must_be: the requirement, as a refusal quotes it.
        repeated: whether it holds several values.
        required: whether it must be given.
        most_bytes: longest text that it may hold, or each of its texts.
    """

    name: str
    type: Any
    must_be: str
    repeated: bool
    required: bool
    most_bytes: int


@cache
def field_rules(request: type[msgspec.Struct]) -> Mapping[str, FieldRule]:
    """The rules of a request's fields, by name."""
    described = type_info(request)
    assert isinstance(described, StructType)
    declared = {field.name: field for field in msgspec.structs.fields(request)}
    rules = {}
    for field in described.fields:
        assert isinstance(field.type, Metadata) and field.type.extra is not None
        rules[field.name] = FieldRule(
            name=field.encode_name,
            type=declared[field.name].type,
            must_be=field.type.extra["must_be"],
            repeated=isinstance(field.type.type, VarTupleType),
            required=field.required,
            most_bytes=field.type.extra["most_bytes"],
        )
    return rules


def is_id(text: str) -> bool:
    """Whether this can be an id."""
    return len(text) > 0 and _is_storable(text, MOST_ID_BYTES)


def check_id(name: str, id_: str) -> str:
    """An id from a path, if it can be one.

    Raises:
        InvalidRequest: it is too long, or holds NUL.
    """
    if is_id(id_):
        return id_
    wrong = f"must be 1 to {MOST_ID_BYTES} bytes of UTF-8 without NUL, got {reprlib.repr(id_)}"
    raise InvalidRequest(f"{name} in the path {wrong}", (FieldError(field=name, detail=wrong),))


Defaults = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""What holds where a request says nothing, by field, given what it does say."""


def no_defaults(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Only the request type's own defaults."""
    return {}


def parse_query(request: type[Request], query: str, defaults: Defaults = no_defaults) -> Request:
    """A request from the query string of a URL, still percent-encoded.

    Raises:
        InvalidRequest: it cannot be read, or a parameter is unknown, repeated or out of range.
    """
    given: dict[str, list[str]] = {}
    for name, value in _pairs(query):
        given.setdefault(name, []).append(value)
    return _build(request, given, defaults, read=_from_texts, what="parameter")


def parse_body(request: type[Request], body: bytes, defaults: Defaults = no_defaults) -> Request:
    """A request from a JSON body.

    Raises:
        InvalidRequest: it is not a JSON object, or a field is unknown or out of range.
    """
    if (plain := _plain(request, body, defaults)) is not None:
        return plain
    try:
        given = msgspec.json.decode(body)
    # Beside its own errors msgspec lets two others through: bytes that are no UTF-8, and nesting too deep.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(
            f"the body cannot be read as JSON: {error}; send one JSON object in UTF-8"
        ) from error
    return parse_object(request, given, defaults, what="the body")


def _plain(request: type[Request], body: bytes, defaults: Defaults) -> Request | None:
    """A request of plain ASCII in which nothing is wrong, in a third of the time; else None."""
    if len(body) > _MOST_PLAIN or not body.isascii() or b"\\" in body or b"\0" in body:
        return None
    if not request.__struct_config__.forbid_unknown_fields:
        return None
    try:
        asked = _decoder(request).decode(body)
        said = {"placement": getattr(asked, "placement", None)}
        return None if defaults(said) else asked
    # Said field by field, and with what to do about it, by those who look again.
    except (msgspec.DecodeError, InvalidRequest):
        return None


@cache
def _decoder(request: type[Request]) -> msgspec.json.Decoder[Request]:
    return msgspec.json.Decoder(request)


def parse_object(
    request: type[Request], given: Any, defaults: Defaults = no_defaults, *, what: str = "it"
) -> Request:
    """A request from what JSON says.

    Raises:
        InvalidRequest: it is not a JSON object, or a field is unknown or out of range.
    """
    if not isinstance(given, dict):
        raise InvalidRequest(f"{what} must be one JSON object, got {reprlib.repr(given)}")
    return _build(request, given, defaults, read=_from_json, what="field")


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        # WSGI hands bytes over as Latin-1; what a client did not percent-encode is UTF-8 like the rest.
        text = query.encode("latin-1").decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise InvalidRequest(
            f"the query string cannot be read ({error}): percent-encode UTF-8, "
            f"and send at most {_MOST_PARAMETERS} parameters"
        ) from error


def _build(
    request: type[Request],
    given: Mapping[str, Any],
    defaults: Defaults,
    *,
    read: Callable[[FieldRule, Any], object],
    what: str,
) -> Request:
    rules = field_rules(request)
    unknown = [name for name in given if name not in rules]
    errors = [_unknown(name, rules, what) for name in unknown[:_MOST_UNKNOWN]]
    values = {}
    for rule in rules.values():
        if rule.name not in given:
            errors += (
                [FieldError(field=rule.name, detail=f"is required: {rule.must_be}")] if rule.required else []
            )
            continue
        try:
            values[rule.name] = read(rule, given[rule.name])
        except ValueError as error:
            errors.append(FieldError(field=rule.name, detail=str(error)))
    if errors:
        raise InvalidRequest(_summary(errors), tuple(errors))
    set_otherwise = {name: value for name, value in defaults(values).items() if name in rules}
    return request(**{**set_otherwise, **values})


def _unknown(name: str, rules: Mapping[str, FieldRule], what: str) -> FieldError:
    close = get_close_matches(name, rules, n=1)
    known = f"known are {', '.join(rules)}" if rules else "it has none; a body says what is asked"
    hint = f"did you mean {close[0]!r}?" if close else known
    return FieldError(field=name[:MOST_ID_BYTES], detail=f"is no {what} of this call: {hint}")


def _summary(errors: list[FieldError]) -> str:
    """All that is wrong in one sentence a human can act on."""
    return "; ".join(f"{reprlib.repr(error.field)} {error.detail}" for error in errors[:5])


def _from_texts(rule: FieldRule, texts: list[str]) -> object:
    if rule.repeated:
        return _convert(rule, _split(texts), strict=False)
    if len(texts) > 1:
        raise ValueError(f"must be given once, got it {len(texts)} times")
    value = _convert(rule, texts[0], strict=False)
    # msgspec reads 1e1 and 10.0 as the whole number 10; a URL that says so is more likely a mistake.
    if type(value) is int and str(value) != texts[0]:
        raise ValueError(_mismatch(rule, texts[0]))
    return value


def _split(texts: list[str]) -> list[str]:
    r"""The values of a parameter that may be repeated or hold commas; `\,` is a comma inside a value."""
    parts = [part.replace("\\,", ",") for text in texts for part in _BARE_COMMA.split(text)]
    return [part for part in parts if part]


def _from_json(rule: FieldRule, value: object) -> object:
    if rule.repeated and not isinstance(value, list):
        raise ValueError(f"must be a JSON array: {rule.must_be}, got {reprlib.repr(value)}")
    return _convert(rule, value, strict=True)


def _convert(rule: FieldRule, value: object, *, strict: bool) -> object:
    try:
        converted = msgspec.convert(value, rule.type, strict=strict)
    except msgspec.ValidationError as error:
        raise ValueError(_mismatch(rule, value)) from error
    texts = converted if isinstance(converted, tuple) else (converted,)
    if not all(_is_storable(text, rule.most_bytes) for text in texts if isinstance(text, str)):
        raise ValueError(_mismatch(rule, value))
    return converted


def _is_storable(text: str, most_bytes: int) -> bool:
    return len(text.encode()) <= most_bytes and "\0" not in text


def _mismatch(rule: FieldRule, value: object) -> str:
    return f"must be {rule.must_be}, got {reprlib.repr(value)}"
