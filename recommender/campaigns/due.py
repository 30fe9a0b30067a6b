"""What each customer will soon buy again, as a table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.campaigns.purchase_days import PurchaseDays
from recommender.campaigns.replenishment import Due, Replenishment
from recommender.campaigns.rhythms import ItemRhythms, Rhythms
from recommender.data.groups import run_starts, sorted_by
from recommender.data.orders import OrderLog
from recommender.ranking.due_list import HORIZONS, USUAL

_ORDERED_BY = HORIZONS.index(USUAL)

_CUSTOMERS_AT_ONCE = 100_000
"""So that a large shop's purchases need not be taken apart all at once."""


@dataclass(frozen=True, slots=True)
class DueTable:
    """Items that customers are likely to buy again, the likeliest within 14 days first.

    Row r stands at starts[r]:starts[r + 1] of the others. Days are counted from the newest order line.

    Attributes:
        starts: shape (n_customers + 1,) int64.
        items: shape (n,) int32 positions.
        chance: shape (n, len(HORIZONS)) float32, see `Due`.
        day: shape (n,) int16, likewise.
        first: shape (n,) int16, likewise.
        last: shape (n,) int16, likewise.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    chance: NDArray[np.float32]
    day: NDArray[np.int16]
    first: NDArray[np.int16]
    last: NDArray[np.int16]

    def row_of_place(self) -> NDArray[np.int64]:
        """The row of each place, shape (n,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def keep(self, kept: NDArray[np.bool_]) -> "DueTable":
        """The places where `kept` (shape (n,)) is True, in the same rows."""
        counts = np.bincount(self.row_of_place()[kept], minlength=len(self.starts) - 1)
        return DueTable(
            np.concatenate(([0], np.cumsum(counts))),
            self.items[kept],
            self.chance[kept],
            self.day[kept],
            self.first[kept],
            self.last[kept],
        )

    def first_of_each(self, n: int) -> "DueTable":
        """At most n places of each row."""
        rows = self.row_of_place()
        return self.keep(np.arange(len(rows)) - self.starts[rows] < n)


def due_again(
    orders: OrderLog,
    now: int,
    category: NDArray[np.int32],
    spec: Replenishment,
    eligible: NDArray[np.bool_],
) -> DueTable | None:
    """What everybody will soon buy again.

    Args:
        orders: purchases, returns already taken off.
        now: the moment from which days are counted, seconds since 1970 UTC.
        category: see `Rhythms.of`.
        spec: how it is learned, and what is kept.
        eligible: shape (n_items,), False leaves an item out.

    Returns:
        None where it is switched off, or too little was bought again and again to learn from.
    """
    n_customers = len(orders.customers)
    learned_from = spec.learned_from(n_customers)
    days = PurchaseDays.at(_of_customers(orders, learned_from), now)
    model = spec.fit(days, category)
    if model is None:
        return None
    # Trees know items as those customers buy them; of all others they are told the same.
    items, parts = ItemRhythms.of(days), []
    for first in range(0, n_customers, _CUSTOMERS_AT_ONCE):
        block = np.zeros(n_customers, bool)
        block[first : first + _CUSTOMERS_AT_ONCE] = True
        own = PurchaseDays.at(_of_customers(orders, block), now)
        rhythms = Rhythms.of(own, category, fewest_days=spec.fewest_days, items=items)
        parts.append(_kept(rhythms, model.due(rhythms), spec, eligible))
    customer = np.concatenate([part.customer for part in parts])
    return DueTable(
        np.concatenate(([0], np.cumsum(np.bincount(customer, minlength=n_customers)))),
        np.concatenate([part.items for part in parts]),
        np.concatenate([part.due.chance for part in parts]),
        np.concatenate([part.due.day for part in parts]),
        np.concatenate([part.due.first for part in parts]),
        np.concatenate([part.due.last for part in parts]),
    )


def _of_customers(orders: OrderLog, chosen: NDArray[np.bool_]) -> OrderLog:
    return orders.lines(np.append(chosen, False)[orders.customer])  # the last entry is where GUEST, -1, looks


@dataclass(frozen=True, slots=True)
class _Kept:
    """Places of the table: whose they are, of which items, and what is said of them."""

    customer: NDArray[np.int32]
    items: NDArray[np.int32]
    due: Due


def _kept(rhythms: Rhythms, due: Due, spec: Replenishment, eligible: NDArray[np.bool_]) -> _Kept:
    kept = np.flatnonzero(eligible[rhythms.item] & (due.chance[:, -1] >= spec.least_chance))
    likeliest = due.chance[kept, _ORDERED_BY]
    # Bits of numbers that are not below 0 sort as the numbers do.
    kept = kept[sorted_by(rhythms.customer[kept], -likeliest.view(np.int32), rhythms.item[kept])]
    starts = run_starts(rhythms.customer[kept])
    lengths = np.diff(starts, append=len(kept))
    place = np.arange(len(kept)) - np.repeat(starts, lengths)
    kept = kept[place < spec.length]
    return _Kept(
        rhythms.customer[kept],
        rhythms.item[kept],
        Due(due.chance[kept], due.day[kept], due.first[kept], due.last[kept]),
    )
