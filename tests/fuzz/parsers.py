"""Throws bytes at everything that reads what strangers send: `python -m tests.fuzz.parsers -runs=100000`.

Arguments are libFuzzer's. Whatever is not refused in our own words ends it, and the bytes are kept in a file.
"""

import resource
import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["recommender.serving"]):
    from recommender.serving.calls import CALLS
    from recommender.serving.customer_notes import read_notes
    from recommender.serving.errors import InvalidRequest
    from recommender.serving.event_schemas import Event
    from recommender.serving.expressions import ExpressionRefused, expression
    from recommender.serving.request_parsing import check_id, parse_body, parse_query

from recommender.snapshot.encoding import ItemRecord

MOST_MEMORY = 2 << 30
"""Bytes of address space; some 60 MB are used."""

TEA = ItemRecord("tea", title="Green tea", category="food", brand="Leaf", price=3.5, stock=2)


def read_query(given: bytes) -> None:
    for call in CALLS:
        refused_or_done(lambda asked=call.asked: parse_query(asked, given.decode("latin-1")))


def read_body(given: bytes) -> None:
    for asked in (*(call.asked for call in CALLS if call.method != "GET"), Event):
        refused_or_done(lambda asked=asked: parse_body(asked, given))


def read_event(given: bytes) -> None:
    def store() -> None:
        parse_body(Event, given).stored(received_at=0.0)

    refused_or_done(store)


def read_expression(given: bytes) -> None:
    text = given.decode(errors="replace")
    for kind in ("filter", "boost"):
        refused_or_done(lambda kind=kind: expression(text, kind).of(TEA))


def read_id(given: bytes) -> None:
    refused_or_done(lambda: check_id("item_id", given.decode(errors="replace")))


def read_stored_notes(given: bytes) -> None:
    read_notes(given, since=0)


READERS = (read_query, read_body, read_event, read_expression, read_id, read_stored_notes)


def refused_or_done(reading: Callable[[], object]) -> None:
    try:
        reading()
    except (InvalidRequest, ExpressionRefused) as refused:
        assert str(refused)


def read_one(given: bytes) -> None:
    """The first byte says by which reader the others are read."""
    if given:
        READERS[given[0] % len(READERS)](given[1:])


if __name__ == "__main__":
    # libFuzzer's own limit reads the process's peak, and the child of a large one (a test run) begins with
    # its parent's. So that is off, and the address space has a limit: a reader that eats memory ends the run.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    atheris.Setup([*sys.argv, "-rss_limit_mb=0"], read_one)
    atheris.Fuzz()
