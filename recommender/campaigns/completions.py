"""Who had a part of a set and bought the rest later."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.compiled import compiled
from recommender.data.groups import run_starts, sorted_by
from recommender.data.history import DAY
from recommender.data.orders import GUEST, OrderLog


@dataclass(frozen=True, slots=True)
class Owners:
    """Who bought each item, and how many days ago for the first time; those of an item together.

    Attributes:
        starts: shape (n_items + 1,) int64, where each item's owners begin.
        customer: shape (n,) int32 positions, rising within an item.
        ago: shape (n,) int32, days from the first purchase to the moment of looking.
    """

    starts: NDArray[np.int64]
    customer: NDArray[np.int32]
    ago: NDArray[np.int32]

    @classmethod
    def at(cls, orders: OrderLog, now: int) -> "Owners":
        """The owners at a moment, guests left out.

        Args:
            orders: returns already taken off; what came later is ignored.
            now: seconds since 1970 UTC.
        """
        bought = (orders.customer != GUEST) & (orders.quantity > 0) & (orders.ordered_at <= now)
        customer, item = orders.customer[bought], orders.item[bought]
        ago = ((now - orders.ordered_at[bought]) // DAY).astype(np.int32)
        line = sorted_by(item, customer, -ago)
        pair = item[line].astype(np.int64) * max(len(orders.customers), 1) + customer[line]
        first = line[run_starts(pair)]
        counts = np.bincount(item[first], minlength=len(orders.items))
        return cls(np.concatenate(([0], np.cumsum(counts))).astype(np.int64), customer[first], ago[first])


@dataclass(frozen=True, slots=True)
class Completions:
    """How often sets were completed; both of shape (n_sets,), recent days counting more.

    Attributes:
        completed: customers who had a part of the set and later all of it.
        exposed: days of customers on which they had a part and not all.
    """

    completed: NDArray[np.float64]
    exposed: NDArray[np.float64]

    def per_day(self, prior: float) -> NDArray[np.float64]:
        """Completions a day of a customer who has a part, shape (n_sets,), drawn towards all sets' rate.

        Args:
            prior: completions at the rate of all sets that are added to what was seen of each, above 0. This
                is the mean of a gamma distribution, given a Poisson count.
        """
        rate = self.completed.sum() / max(self.exposed.sum(), 1e-9)
        if rate <= 0:
            return np.zeros(len(self.completed))
        return np.asarray((self.completed + prior) / (self.exposed + prior / rate))


def completions(owners: Owners, sets: NDArray[np.int32], half_life_days: float) -> Completions:
    """How often sets were completed.

    Args:
        owners: who has what.
        sets: shape (n_sets, n), item positions, -1 where a set has fewer.
        half_life_days: a day so long ago counts half.
    """
    weight = np.exp2(-np.arange(int(owners.ago.max(initial=0)) + 2) / half_life_days)
    # The weight of all days since one so long ago.
    since = np.concatenate(([0.0], np.cumsum(weight)))
    found = Completions(np.zeros(len(sets)), np.zeros(len(sets)))
    _complete(owners.starts, owners.customer, owners.ago, np.ascontiguousarray(sets, np.int32), weight, since,
              found.completed, found.exposed)  # fmt: skip
    return found


@compiled
def _complete(
    starts: NDArray[np.int64],
    customer: NDArray[np.int32],
    ago: NDArray[np.int32],
    sets: NDArray[np.int32],
    weight: NDArray[np.float64],
    since: NDArray[np.float64],
    completed: NDArray[np.float64],
    exposed: NDArray[np.float64],
) -> None:
    """Fill in completions: the owners of a set's parts are gone through side by side."""
    at = np.zeros(sets.shape[1], np.int64)
    for number in range(len(sets)):
        parts = 0
        for place in range(sets.shape[1]):
            if sets[number, place] >= 0:
                at[place] = starts[sets[number, place]]
                parts += 1
        while True:
            who, found = np.int32(0), False
            for place in range(parts):
                if at[place] < starts[sets[number, place] + 1] and (not found or customer[at[place]] < who):
                    who, found = customer[at[place]], True
            if not found:
                break
            owned, first, last = 0, np.int32(0), np.int32(2**31 - 1)
            for place in range(parts):
                if at[place] < starts[sets[number, place] + 1] and customer[at[place]] == who:
                    owned += 1
                    first, last = max(first, ago[at[place]]), min(last, ago[at[place]])
                    at[place] += 1
            if owned < parts:
                exposed[number] += since[first]
            elif last < first:  # not all of it on one day
                completed[number] += weight[last]
                exposed[number] += since[first] - since[last]
