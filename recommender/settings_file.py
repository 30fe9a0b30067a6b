"""Settings files: TOML as frozen dataclasses, unknown keys and wrong types refused with a hint."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

from recommender.errors import ConfigError


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


Section = TypeVar("Section", bound=_Dataclass)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read settings {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error


def merged(*tables: Mapping[str, Any]) -> dict[str, Any]:
    """TOML tables as one; a later table's key goes before an earlier one's, down to single keys."""
    whole: dict[str, Any] = {}
    for table in tables:
        for key, value in table.items():
            old = whole.get(key)
            whole[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return whole


def parse_section(
    section_type: type[Section], raw: Mapping[str, Any], where: str, default: Section | None = None
) -> Section:
    """A TOML table as a frozen dataclass.

    Fields may be bool, int, float, str, datetime, Literal, tuples of any length of these, one of these or
    None, dataclasses, and mappings of names of the user's own choice to these. A whole number does for a
    float, and a lone value for a tuple.

    Args:
        section_type: the dataclass.
        raw: the table.
        where: file, and section where it is not the whole file: begins every message.
        default: what holds where the table says nothing; by default the type's own defaults.

    Raises:
        ConfigError: an unknown key, a value of the wrong type, a missing key, or what the dataclass refuses.
    """
    hints = get_type_hints(section_type)
    known = [f for f in fields(section_type) if f.init]
    names = [f.name for f in known]
    for key in raw:
        if key not in names:
            raise ConfigError(f"{where}: unknown {_noun(raw[key])} {key!r}{did_you_mean(key, names)}")
    for needed in known:
        if needed.default is MISSING and needed.default_factory is MISSING and needed.name not in raw:
            raise ConfigError(f"{where}: {needed.name} must be set")
    # A section can have other defaults than its type, as the second ALS has.
    sections = {f.name: f.default_factory() for f in known if f.default_factory is not MISSING}
    values = {key: _parse(hints[key], value, where, key, sections.get(key)) for key, value in raw.items()}
    try:
        return section_type(**values) if default is None else replace(default, **values)
    except (ValueError, ConfigError) as error:
        raise ConfigError(f"{where}: {error}") from error


def _noun(value: object) -> str:
    return "section" if isinstance(value, dict) else "setting"


def did_you_mean(word: str, known: list[str]) -> str:
    """The known word nearest to a misspelt one, as the end of a sentence; else all of them."""
    close = get_close_matches(word, known, n=1)
    return f", did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"


def _parse(hint: Any, value: Any, where: str, key: str, default: Any = None) -> Any:
    """`value` as the type that a field declares."""
    origin = get_origin(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return parse_section(hint, _table(value, where, key), _inside(where, key), default)
    if origin is Mapping:
        inside, kind = _inside(where, key), get_args(hint)[1]
        return {name: _parse(kind, one, inside, name) for name, one in _table(value, where, key).items()}
    # What holds a Literal and is written with | is a Union all the same.
    if origin in (Union, UnionType):
        (kind,) = (choice for choice in get_args(hint) if choice is not NoneType)
        return _parse(kind, value, where, key)
    if origin is tuple:
        several = value if isinstance(value, list) else [value]
        return tuple(_parse(get_args(hint)[0], one, where, key) for one in several)
    if origin is Literal:
        if value in get_args(hint):
            return value
        raise ConfigError(
            f"{where}: {key} must be one of {', '.join(map(repr, get_args(hint)))}, got {value!r}"
        )
    return _parse_plain(hint, value, where, key)


def _table(value: Any, where: str, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: {key} must be a section [{key}], got {value!r}")
    return value


def _inside(where: str, key: str) -> str:
    """The file and the section within it: 'cartlift.toml [source.columns]'."""
    return f"{where.removesuffix(']')}.{key}]" if where.endswith("]") else f"{where} [{key}]"


def _parse_plain(hint: type, value: Any, where: str, key: str) -> Any:
    if type(value) is hint:
        return value
    if hint is float and type(value) is int:
        return float(value)
    raise ConfigError(f"{where}: {key} must be {_NAMES[hint]}, got {value!r}")


_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    datetime: "a time like 2026-12-01T00:00:00Z",
}
