"""Events as they go over the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs

from recommender.events.journal import EventType, StoredEvent

from .schemas import MOST_ID_BYTES, Id, must_be

MOST_EVENTS = 500
"""Most events in one request."""

_ID = f"an id of 1 to {MOST_ID_BYTES} bytes of UTF-8 without NUL"
_AMOUNT = "a number, 0 or more"
_Amount = Annotated[float, Meta(ge=0)]


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a customer did."""

    event_id: Annotated[
        Id, must_be(_ID, "Yours, and the same each time that the event is sent: it counts once.")
    ]
    type: Annotated[
        EventType,
        must_be(
            "one of view, cart, purchase, click, dismiss, rating",
            "`view`: looked at the item; `cart`: put it into the cart; `purchase`: bought it; `click`: "
            "followed a recommendation; `dismiss`: does not want to see it; `rating`: judged it by a "
            "`value`.",
        ),
    ]
    item_id: Annotated[Id, must_be(_ID, "Which item.")]
    at: Annotated[
        datetime,
        must_be("an RFC 3339 time with its zone, like 2026-11-21T09:30:00Z", "When it happened.", tz=True),
    ]
    customer_id: Annotated[Id | None, must_be(_ID, "Who; this or `session_id` is needed.")] = None
    session_id: Annotated[Id | None, must_be(_ID, "In which session, of whoever is not known.")] = None
    quantity: Annotated[_Amount | None, must_be(_AMOUNT, "Pieces, of a purchase or a cart.")] = None
    price: Annotated[_Amount | None, must_be(_AMOUNT, "Of one piece.")] = None
    value: Annotated[float | None, must_be("a number", "Of a rating, on the shop's own scale.")] = None
    recommendation_id: Annotated[
        Id | None, must_be(_ID, "Of the answer in which the item was shown, as it came with it.")
    ] = None

    def stored(self, *, received_at: float) -> StoredEvent:
        """The event as it is kept.

        Args:
            received_at: seconds since 1970 UTC.
        """
        said = structs.asdict(self) | {"at": self.at.timestamp()}
        return StoredEvent(**said, received_at=received_at)


class EventsRequest(Struct, frozen=True, kw_only=True):
    """Events to keep."""

    events: Annotated[
        tuple[Any, ...],
        must_be(
            f"1 to {MOST_EVENTS} events",
            "Each is judged by itself: one that is wrong does not keep the others out.",
            min_length=1,
            max_length=MOST_EVENTS,
        ),
    ]


class EventOutcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one event."""

    event_id: Annotated[str | None, Meta(description="As it was sent; null where it had none.")]
    status: Annotated[
        Literal["accepted", "duplicate", "rejected"],
        Meta(
            description="`accepted`: on disk. `duplicate`: an event with this id was there before. "
            "`rejected`: not kept, see `why`; sending it again as it is changes nothing."
        ),
    ]
    why: str = ""


class EventsAnswer(Struct, frozen=True, kw_only=True):
    """What became of each event, in the order sent."""

    events: tuple[EventOutcome, ...]
