"""Bundles for each customer, built around what they own or are due for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.campaigns.bundle_table import BundleTable
from recommender.campaigns.due import DueTable
from recommender.compiled import compiled
from recommender.ranking.due_list import HORIZONS, USUAL
from recommender.ranking.lists import ListTable


@dataclass(frozen=True, slots=True)
class OwnBundles:
    """For each customer bundles of which they have a part and lack one, the most fitting first.

    Row r stands at starts[r]:starts[r + 1] of the others.

    Attributes:
        starts: shape (n_customers + 1,) int64.
        bundles: shape (n,) int32, numbers in the bundle table; none twice in a row.
        owned: shape (n,) uint8; bit p says that the customer bought the item at place p of the bundle.
        due: shape (n,) uint8; bit p says that it is due to be bought again.
    """

    starts: NDArray[np.int64]
    bundles: NDArray[np.int32]
    owned: NDArray[np.uint8]
    due: NDArray[np.uint8]

    def row_of_place(self) -> NDArray[np.int64]:
        """The row of each place, shape (n,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def keep(self, kept: NDArray[np.bool_]) -> "OwnBundles":
        """The places where `kept` (shape (n,)) is True, in the same rows."""
        counts = np.bincount(self.row_of_place()[kept], minlength=len(self.starts) - 1)
        starts = np.concatenate(([0], np.cumsum(counts)))
        return OwnBundles(starts, self.bundles[kept], self.owned[kept], self.due[kept])


def own_bundles(
    table: BundleTable, recommended: ListTable, bought: csr_array, due: DueTable | None, *, n: int,
    due_from: float,
) -> OwnBundles:  # fmt: skip
    """Bundles for every customer.

    The customer's own list says what they may want next: for each item of it that they never bought, in that
    order, the bundle is chosen that completes what they have, best one around an item that is due again,
    then the one they have the most of, then the one that is completed most often.

    Args:
        table: of the shop.
        recommended: the customers' lists.
        bought: shape (n_customers, n_items), stored where the customer bought the item.
        due: what is due again, in the order of the customers; None where that is not known.
        n: bundles for a customer at most.
        due_from: chance within `USUAL` days from which an item counts as due.
    """
    n_customers, n_items = bought.shape
    of_items = table.of_items(n_items)
    due_starts, due_items = np.zeros(n_customers + 1, np.int64), np.zeros(0, np.int32)
    if due is not None:
        soon = due.keep(due.chance[:, HORIZONS.index(USUAL)] >= due_from)
        due_starts, due_items = soon.starts.astype(np.int64), soon.items
    counts = np.zeros(n_customers, np.int64)
    room = int(np.minimum(np.diff(recommended.starts), n).sum())
    chosen, owned, is_due = np.empty(room, np.int32), np.empty(room, np.uint8), np.empty(room, np.uint8)
    end = _choose(
        table.items, of_items.starts, of_items.bundles,
        recommended.starts, recommended.items, bought.indptr.astype(np.int64), bought.indices,
        due_starts, due_items, n, counts, chosen, owned, is_due, n_items,
    )  # fmt: skip
    starts = np.concatenate(([0], np.cumsum(counts)))
    return OwnBundles(starts, chosen[:end].copy(), owned[:end].copy(), is_due[:end].copy())


@compiled
def _choose(
    items: NDArray[np.int32],
    item_starts: NDArray[np.int64],
    item_bundles: NDArray[np.int32],
    list_starts: NDArray[np.int64],
    list_items: NDArray[np.int32],
    bought_starts: NDArray[np.int64],
    bought_items: NDArray[np.int32],
    due_starts: NDArray[np.int64],
    due_items: NDArray[np.int32],
    n: int,
    counts: NDArray[np.int64],
    chosen: NDArray[np.int32],
    owned: NDArray[np.uint8],
    due: NDArray[np.uint8],
    n_items: int,
) -> int:
    """Fill in the bundles of every customer, and how many each has; comes back with how many there are."""
    has, is_due = np.zeros(n_items, np.bool_), np.zeros(n_items, np.bool_)
    taken, end = np.zeros(len(items), np.bool_), 0
    for customer in range(len(counts)):
        mine = bought_items[bought_starts[customer] : bought_starts[customer + 1]]
        soon = due_items[due_starts[customer] : due_starts[customer + 1]]
        has[mine], is_due[soon] = True, True
        first = end
        for item in list_items[list_starts[customer] : list_starts[customer + 1]]:
            if end - first == n:
                break
            if has[item]:
                continue
            best, best_due, best_owned = -1, 0, 0
            for bundle in item_bundles[item_starts[item] : item_starts[item + 1]]:
                if taken[bundle]:
                    continue
                held, wanted = _bits(items[bundle], has), _bits(items[bundle], is_due)
                n_held, n_wanted = _ones(held), _ones(wanted)
                if n_held and (n_wanted, n_held) > (best_due, best_owned):
                    best, best_due, best_owned = bundle, n_wanted, n_held
                    chosen[end], owned[end], due[end] = bundle, held, wanted
            if best >= 0:
                taken[best] = True
                end += 1
        counts[customer] = end - first
        taken[chosen[first:end]] = False
        has[mine], is_due[soon] = False, False
    return end


@compiled
def _bits(items: NDArray[np.int32], flags: NDArray[np.bool_]) -> int:
    """A bit for each place of a bundle, set where its item has a flag."""
    bits = 0
    for place in range(len(items)):
        if items[place] >= 0 and flags[items[place]]:
            bits |= 1 << place
    return bits


@compiled
def _ones(bits: int) -> int:
    return (bits & 1) + (bits >> 1 & 1) + (bits >> 2 & 1) + (bits >> 3 & 1)
