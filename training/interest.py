"""Views and carts, from the events that the service kept."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from recommender.data.interest import CART, VIEW, InterestLog
from recommender.data.vocabulary import Vocabulary
from recommender.errors import ConfigError
from recommender.events.journal import EventType, StoredEvent, journal_path, read_events
from recommender.events.private_customers import Standings

from .progress import Progress
from .sources import ReadOrders

KINDS: dict[EventType, int] = {"view": VIEW, "click": VIEW, "cart": CART}
"""What events say of interest; a click on a recommended item is a look at it."""


def check_events(state: Path, shop: str) -> None:
    """Refuse to learn from events where there are none, before orders are read for minutes.

    Raises:
        ConfigError: says where they were looked for.
    """
    path = journal_path(state, shop)
    if not path.is_file():
        raise ConfigError(
            f"there are no events in {path}: has a service kept some there? See --state, --shop"
        )


def with_interest(
    read: ReadOrders, state: Path, shop: str, private: Standings, progress: Progress
) -> ReadOrders:
    """Orders, with what their customers looked at and put into carts.

    Args:
        read: the orders.
        state: folder of the service that took the events.
        shop: the shop's name there.
        private: whose events are left out, and until when.
        progress: hears of it.

    Raises:
        ConfigError: there are no events.
    """
    with progress.step("Read views and carts"):
        interest = interest_of(read_events(journal_path(state, shop)), private)
    return replace(read, orders=replace(read.orders, interest=interest))


def interest_of(events: Iterable[StoredEvent], private: Standings) -> InterestLog:
    """The views and carts among events; what no customer is known of says nothing here.

    Args:
        events: in any order.
        private: see `with_interest`.
    """
    told = [
        (event.customer_id, event.item_id, KINDS[event.type], event.at)
        for event in events
        if event.type in KINDS and event.customer_id is not None
        if _counts(event.customer_id, event.at, private)
    ]
    customers = Vocabulary(tuple(sorted({one[0] for one in told})))
    items = Vocabulary(tuple(sorted({one[1] for one in told})))
    return InterestLog(
        customers.positions([one[0] for one in told]),
        items.positions([one[1] for one in told]),
        np.array([one[2] for one in told], np.uint8),
        np.array([one[3] for one in told], np.float64),
        customers,
        items,
    )


def _counts(customer_id: str, at: float, private: Standings) -> bool:
    standing = private.of(customer_id)
    return standing is None or not standing.leaves_out(at)
