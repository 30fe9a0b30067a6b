"""On which days each customer bought each item: what rhythms are told from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.data.groups import run_starts, sorted_by
from recommender.data.history import DAY
from recommender.data.orders import GUEST, OrderLog


@dataclass(frozen=True, slots=True)
class PurchaseDays:
    """Days of purchases, those of one customer and item together, the oldest first.

    A day is one of 24 hours, counted back from a moment: day 0 is the last one before it. What was bought
    twice on one day was bought once.

    Attributes:
        customer: shape (n,) int32 positions.
        item: shape (n,) int32 positions.
        ago: shape (n,) int32, the day.
        units: shape (n,) float32, bought on that day, above 0.
        n_customers: customers that there are.
        n_items: items that there are.
    """

    customer: NDArray[np.int32]
    item: NDArray[np.int32]
    ago: NDArray[np.int32]
    units: NDArray[np.float32]
    n_customers: int
    n_items: int

    @classmethod
    def at(cls, orders: OrderLog, now: int) -> "PurchaseDays":
        """The days of purchases (returns already taken off) until a moment; guests are left out.

        Args:
            orders: lines that are not purchases are ignored, and so is what came later.
            now: seconds since 1970 UTC.
        """
        bought = (orders.customer != GUEST) & (orders.quantity > 0) & (orders.ordered_at <= now)
        customer, item = orders.customer[bought], orders.item[bought]
        ago = ((now - orders.ordered_at[bought]) // DAY).astype(np.int32)
        units = orders.quantity[bought].astype(np.float64)
        line = sorted_by(customer, item, -ago)
        customer, item, ago = customer[line], item[line], ago[line]
        starts = run_starts(_places(customer, item, ago))
        together = np.add.reduceat(units[line], starts) if len(starts) else units
        return cls(
            customer[starts], item[starts], ago[starts], together.astype(np.float32),
            len(orders.customers), len(orders.items),
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.ago)

    def before(self, days: int) -> "PurchaseDays":
        """What was known so many days ago, seen from then."""
        known = self.ago >= days
        return self._only(known, self.ago[known] - np.int32(days))

    def bought_within(self, days: int) -> "PurchaseDays":
        """What was bought in the last so many days."""
        new = self.ago < days
        return self._only(new, self.ago[new])

    def pair_starts(self) -> NDArray[np.intp]:
        """Where each pair of customer and item begins, shape (n_pairs,)."""
        return run_starts(self.pairs())

    def pairs(self) -> NDArray[np.int64]:
        """One number for the customer and item of each day, shape (n,), not falling."""
        return self.customer.astype(np.int64) * self.n_items + self.item

    def _only(self, chosen: NDArray[np.bool_], ago: NDArray[np.int32]) -> "PurchaseDays":
        return PurchaseDays(
            self.customer[chosen],
            self.item[chosen],
            ago,
            self.units[chosen],
            self.n_customers,
            self.n_items,
        )


def _places(*columns: NDArray[np.int32]) -> NDArray[np.int64]:
    """The same number for neighbours that are equal in all columns, another for others."""
    changes = np.zeros(len(columns[0]), bool)
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.cumsum(changes)
