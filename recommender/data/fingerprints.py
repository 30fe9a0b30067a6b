"""One number for what is known of each customer and item: told apart from before, or the same."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.data.orders import GUEST, OrderLog

_Marks = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What the lists of each customer and item go by, as a number that changes when it does.

    They depend on neither positions nor the order of lines, so those of two logs can be compared: a customer
    or an item that has the same one in both stands in the same orders, beside the same items. Two that
    differ have the same one once in 10^19.

    Attributes:
        customers: shape (n_customers,) uint64; 0 for who stands in no order.
        items: shape (n_items,) uint64; 0 for what stands in none.
    """

    customers: NDArray[np.uint64]
    items: NDArray[np.uint64]

    @classmethod
    def of(cls, orders: OrderLog) -> "Fingerprints":
        """Those of an order log: who bought how much of what, when, and what else the order held.

        What an order is called and what it cost have no say.
        """
        buyers = np.where(orders.customer == GUEST, 0, _of_ids(orders.customers.ids, orders.customer))
        lines = _mixed(buyers, _of_ids(orders.items.ids, orders.item))
        lines = _mixed(lines, orders.quantity.view(np.uint32).astype(np.uint64))
        lines = _mixed(lines, orders.ordered_at.astype(np.uint64))
        # By the sum of its lines an order is known, whatever its id: a line says what stood beside it, too.
        whole = _summed(lines, orders.order, len(orders.orders))
        lines = _mixed(lines, whole[orders.order])
        known = orders.customer != GUEST
        return cls(
            customers=_summed(lines[known], orders.customer[known], len(orders.customers)),
            items=_summed(lines, orders.item, len(orders.items)),
        )


def _of_ids(ids: Sequence[str], at: NDArray[np.int32]) -> _Marks:
    """Digest of the id at each position, shape (n,); of position -1 something."""
    digests = (
        int.from_bytes(hashlib.blake2b(id_.encode(), digest_size=8).digest(), "little") for id_ in (*ids, "")
    )
    return np.fromiter(digests, np.uint64)[at]


def _mixed(one: _Marks, other: _Marks) -> _Marks:
    """Two numbers as one that depends on every bit of both, in this order (splitmix64's finisher)."""
    mixed = one * np.uint64(0x9E3779B97F4A7C15)
    mixed += other
    mixed += np.uint64(0x632BE59BD9B4E019)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.asarray(mixed, np.uint64)


def _summed(marks: _Marks, group: NDArray[np.int32], n_groups: int) -> _Marks:
    """Sums of groups, shape (n_groups,), as far as 64 bits go: in any order the same."""
    total = np.zeros(n_groups, np.uint64)
    np.add.at(total, group, marks)
    return total
