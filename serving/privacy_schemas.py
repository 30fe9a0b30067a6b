"""What customers may ask about themselves, as it goes over the wire."""

from typing import Annotated

from msgspec import Meta, Struct

from recommender.events.journal import StoredEvent
from recommender.events.private_customers import StandingKind

from .schemas import MOST_ID_BYTES, Id, must_be

MOST_EVENTS_TOLD = 1_000
"""Events in one answer; `cursor` leads to the rest."""


class ConsentRequest(Struct, frozen=True, kw_only=True):
    """What a customer agrees to."""

    personalisation: Annotated[
        bool,
        must_be(
            "true or false",
            "Whether what is known of the customer may be used to choose what they are shown.",
        ),
    ]


class ConsentAnswer(Struct, frozen=True, kw_only=True):
    """What the customer agrees to now."""

    customer_id: str
    personalisation: bool
    standing: Annotated[
        StandingKind | None,
        Meta(
            description="`opted_out`; `erased`; `returned`: was erased and agreed to a new history since; "
            "null where the customer never said anything."
        ),
    ]
    since: Annotated[str | None, Meta(description="Since when, RFC 3339; null where `standing` is.")]
    shared: Annotated[
        bool,
        Meta(
            description="Whether Redis knows, and with it workers without this state folder; those with it "
            "know from the next request on in any case."
        ),
    ]


class DataQuery(Struct, frozen=True, kw_only=True):
    """Which part of what is kept of a customer."""

    cursor: Annotated[
        Id | None,
        must_be(f"an id of 1 to {MOST_ID_BYTES} bytes", "`next_cursor` of the answer before; none at first."),
    ] = None


class StoredPlace(Struct, frozen=True):
    """A place of a stored list."""

    item_id: str
    score: float
    source: str
    bought_before: bool


class StoredRow(Struct, frozen=True, kw_only=True):
    """What a published snapshot holds of the customer."""

    snapshot: str
    kind: Annotated[
        str,
        Meta(
            description="`customer`: the own list; `orders`: past purchases; `reasons`: why each place of "
            "the list is there, in bytes; `due`: what is likely bought again, the score being its chance "
            "within 14 days; `bundles`: the items of the bundles chosen, one bundle after the other, the "
            "score being the share of customers who complete it."
        ),
    ]
    places: tuple[StoredPlace, ...] = ()
    raw: Annotated[str, Meta(description="Base64; where there are no places.")] = ""


class StoredNote(Struct, frozen=True):
    """Something that the customer just did, as it changes their lists."""

    kind: Annotated[str, Meta(description="`purchase`, `dismiss` or `opted_out`.")]
    item_id: str
    at: Annotated[int, Meta(description="Seconds since 1970 UTC.")]


class CustomerData(Struct, frozen=True, kw_only=True):
    """All that the service keeps of a customer."""

    customer_id: str
    consent: ConsentAnswer
    lists: Annotated[tuple[StoredRow, ...], Meta(description="With the first part only.")]
    notes: Annotated[tuple[StoredNote, ...], Meta(description="Kept in Redis; with the first part only.")]
    events: Annotated[
        tuple[StoredEvent, ...],
        Meta(description=f"Up to {MOST_EVENTS_TOLD}, by `event_id`; times in seconds since 1970 UTC."),
    ]
    next_cursor: Annotated[str | None, Meta(description="Ask with it for more; null where this is all.")]


class ErasureQuery(Struct, frozen=True, kw_only=True):
    """An erasure takes no parameters."""


class Removed(Struct, frozen=True):
    """What was removed from one store."""

    store: Annotated[
        str,
        Meta(description="`redis:SNAPSHOT`, `redis:notes`, `events`, or what another part calls its own."),
    ]
    count: Annotated[int, Meta(ge=0, description="Rows, notes or events.")]


class ErasureReceipt(Struct, frozen=True, kw_only=True):
    """What was removed where."""

    receipt_id: str
    at: Annotated[str, Meta(description="RFC 3339.")]
    removed: tuple[Removed, ...]
    remaining: Annotated[
        tuple[str, ...], Meta(description="Where the customer may stand that this service does not reach.")
    ]
