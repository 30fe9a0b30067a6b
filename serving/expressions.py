"""`filter` and `boost`: expressions over an item, in CEL (https://cel.dev), checked before they are used.

What an expression may name stands in `NAMES`. It is checked when it is compiled, down to the types, and
tried on an item that has everything; what is wrong is said with the character where it is. The time that one
takes is bounded: by its length, because regular expressions are RE2's, and because the macros that go through
lists are refused (an item has no list to go through).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from math import isfinite, nan
from typing import Literal, TypeGuard

from cel_expr_python import cel

from recommender.snapshot.encoding import ItemRecord

MOST_CHARACTERS = 1_000
"""Longest expression."""

MOST_BOOST = 1_000.0
"""A larger factor counts as this one."""

Kind = Literal["filter", "boost"]

NAMES = {
    "item.id": cel.Type.STRING,
    "item.title": cel.Type.STRING,
    "item.category": cel.Type.STRING,
    "item.brand": cel.Type.STRING,
    # Any number may stand beside it: with a type, 20 would have to be written 20.0.
    "item.price": cel.Type.DYN,
    "item.stock": cel.Type.DYN,
}
"""What an expression may say of an item, and its type."""

_SAMPLE = {
    "item.id": "1001",
    "item.title": "A title",
    "item.category": "category",
    "item.brand": "brand",
    "item.price": 9.99,
    "item.stock": 3.0,
}

_NEUTRAL = {"filter": 0.0, "boost": 1.0}
"""What holds of an item of which an expression cannot say anything."""

_WANTED = {"filter": "true or false", "boost": "a number"}

_STRING = re.compile(r"""[rRbB]*("{3}.*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.S)
_MACRO = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")
_FAULT = re.compile(r"<input>:(\d+):(\d+): (.*)")
_UNKNOWN = re.compile(r"undeclared reference to '([^']*)'")

_COMPILED_AT_MOST = 500

_CEL = cel.NewEnv(variables=NAMES)


class ExpressionRefused(ValueError):
    """The expression means nothing; the message says what, where and what to do."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression.

    Attributes:
        text: as it was written.
        kind: what it is for.
    """

    text: str
    kind: Kind
    _program: cel.Expression = field(repr=False, compare=False)

    def of(self, item: ItemRecord) -> float:
        """What it says of an item: 1 or 0 as a filter; as a boost a factor, at least 0.

        What the shop has not said of an item is "" as text and no number at all as price or stock: no
        comparison with that holds. Where nothing can be said a filter does not hold, and a boost is 1.
        """
        return self._read(
            {
                "item.id": item.item_id,
                "item.title": item.title or "",
                "item.category": item.category or "",
                "item.brand": item.brand or "",
                "item.price": nan if item.price is None else item.price,
                "item.stock": nan if item.stock is None else float(item.stock),
            }
        )

    def _read(self, named: Mapping[str, object]) -> float:
        said = self._program.eval(data=dict(named)).value()
        if not _is_for(self.kind, said) or not isfinite(said):
            return _NEUTRAL[self.kind]
        return min(max(0.0, float(said)), MOST_BOOST)


@lru_cache(_COMPILED_AT_MOST)
def expression(text: str, kind: Kind) -> Expression:
    """The text as an expression.

    Raises:
        ExpressionRefused: it is too long, cannot be read, names what an item has not, uses a macro or gives
            something else than a filter or a boost is.
    """
    if len(text) > MOST_CHARACTERS:
        raise ExpressionRefused(f"must be at most {MOST_CHARACTERS} characters, got {len(text)}")
    _refuse_macros(text)
    try:
        program = _CEL.compile(text)
    except Exception as error:  # the library raises RuntimeError, and what pybind makes of bad UTF-8
        raise ExpressionRefused(_fault(text, str(error))) from error
    _try(text, kind, program)
    return Expression(text, kind, program)


def _is_for(kind: Kind, value: object) -> TypeGuard[float]:
    is_bool = isinstance(value, bool)
    return is_bool if kind == "filter" else isinstance(value, (int, float)) and not is_bool


def _refuse_macros(text: str) -> None:
    without_strings = _STRING.sub(lambda found: "_" * len(found[0]), text)
    if macro := _MACRO.search(without_strings):
        raise ExpressionRefused(
            f"at character {macro.start(1) + 1}: {macro[1]}() goes through a list, and an item has none; "
            'to compare with several values write item.brand in ["A", "B"]'
        )


def _try(text: str, kind: Kind, program: cel.Expression) -> None:
    """Refuse what has another type, or what fails even where everything about an item is known."""
    said = program.eval(data=_SAMPLE)
    if said.type() == cel.Type.ERROR:
        raise ExpressionRefused(f"fails on any item ({said.value()}): mind that 2 and 2.0 do not multiply")
    if not _is_for(kind, said.value()):
        raise ExpressionRefused(f"must give {_WANTED[kind]}, and gives {said.type().name().lower()}")


def _fault(text: str, error: str) -> str:
    """What the library says is wrong, with the character it is at, counted from 1 through all lines."""
    found = _FAULT.search(error)
    if found is None:
        return f"cannot be read: {error.partition(' [')[0]}"
    before = sum(len(line) for line in text.splitlines(keepends=True)[: int(found[1]) - 1])
    what = found[3].removesuffix(" (in container '')")
    return f"at character {before + int(found[2])}: {what}{_hint(what)}"


def _hint(what: str) -> str:
    unknown = _UNKNOWN.match(what)
    if unknown is None:
        return ""
    close = get_close_matches(unknown[1], NAMES, n=1)
    return f", did you mean {close[0]}?" if close else f"; known are {', '.join(NAMES)}"
