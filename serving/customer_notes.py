"""What a customer did since the training, as far as it changes what they are shown."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

NoteKind = Literal["purchase", "dismiss", "opted_out"]

_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError)


class Note(Struct, frozen=True, array_like=True):
    """One thing that a customer did.

    Attributes:
        kind: `purchase`: bought the item; `dismiss`: does not want to see it; `opted_out`: wants nothing
            personal.
        item_id: the shop's id; empty where it is about no item.
        at: seconds since 1970 UTC.
    """

    kind: NoteKind
    item_id: str
    at: int


class CustomerNotes(Struct, frozen=True):
    """All notes on a customer.

    Attributes:
        bought: ids of items bought since a moment.
        dismissed: ids of items that the customer does not want to see.
        opted_out: whether the customer wants nothing personal.
    """

    bought: tuple[str, ...] = ()
    dismissed: tuple[str, ...] = ()
    opted_out: bool = False


NO_NOTES = CustomerNotes()


def encode_note(note: Note) -> bytes:
    """The note as it is stored: a line of JSON."""
    return msgspec.json.encode(note) + b"\n"


def read_notes(stored: bytes | None, *, since: float) -> CustomerNotes:
    """What is stored of a customer; a line that cannot be read is passed over.

    Args:
        stored: lines of JSON, oldest first; None for no notes.
        since: seconds since 1970 UTC; purchases until then are known to the snapshot.
    """
    if not stored:
        return NO_NOTES
    notes = list(_notes(stored))
    return CustomerNotes(
        bought=_ids(note for note in notes if note.kind == "purchase" and note.at > since),
        dismissed=_ids(note for note in notes if note.kind == "dismiss"),
        opted_out=any(note.kind == "opted_out" for note in notes),
    )


def all_notes(stored: bytes) -> tuple[Note, ...]:
    """Every note that is stored; a line that cannot be read is passed over."""
    return tuple(_notes(stored))


def _notes(stored: bytes) -> Iterable[Note]:
    for line in stored.splitlines():
        try:
            yield msgspec.json.decode(line, type=Note)
        except _MALFORMED:
            continue


def _ids(notes: Iterable[Note]) -> tuple[str, ...]:
    return tuple(sorted({note.item_id for note in notes}))
