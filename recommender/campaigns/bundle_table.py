"""Bundles of a shop as a table: read by the service, so numpy alone."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 4
"""Items of a bundle at most."""

NO_ITEM = -1
"""Fills the places of a bundle with fewer items."""

WITHIN_DAYS = 28
"""Days of which the chance of a completion is told."""


@dataclass(frozen=True, slots=True)
class BundleTable:
    """Bundles, those first whose parts most often lead to the rest; all of shape (n, ...).

    Attributes:
        items: shape (n, LARGEST) int32 positions, rising, then `NO_ITEM`.
        orders: int32, orders that held the whole bundle (its support).
        customers: int32, different buyers of it in one order.
        lift: float32, `orders` ÷ what chance would give, see `SetCounts.expected`.
        lift_low: float32, lower end of its 95 % interval, each customer counting once.
        chance: float32, share of the customers with a part, and not all, that buy the rest in `WITHIN_DAYS`.
        discount: uint8, suggested per cent off the sum of the prices.
    """

    items: NDArray[np.int32]
    orders: NDArray[np.int32]
    customers: NDArray[np.int32]
    lift: NDArray[np.float32]
    lift_low: NDArray[np.float32]
    chance: NDArray[np.float32]
    discount: NDArray[np.uint8]

    def __post_init__(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) != 1 or self.items.shape[1:] != (LARGEST,):
            raise ValueError(f"the columns of a bundle table must be equally long, got {lengths}")

    def __len__(self) -> int:
        return len(self.items)

    def take(self, bundles: NDArray[Any]) -> "BundleTable":
        """Some of the bundles, by number or by mask."""
        return BundleTable(**{field.name: getattr(self, field.name)[bundles] for field in fields(self)})

    def sizes(self) -> NDArray[np.int64]:
        """Items of each bundle, shape (n,)."""
        return np.asarray(np.count_nonzero(self.items != NO_ITEM, axis=1), np.int64)

    def of_items(self, n_items: int) -> "BundlesOfItems":
        """Which bundles hold each item."""
        bundle, place = np.nonzero(self.items != NO_ITEM)
        item = self.items[bundle, place]
        order = np.argsort(item, kind="stable")
        counts = np.bincount(item, minlength=n_items)
        return BundlesOfItems(np.concatenate(([0], np.cumsum(counts))), bundle[order].astype(np.int32))

    def different(self, most_with_an_item: int) -> NDArray[np.int64]:
        """Numbers of the best bundles, no item in more of them than so many: what a whole shop is offered."""
        seen: dict[int, int] = {}
        chosen = []
        for number, items in enumerate(self.items.tolist()):
            parts = [item for item in items if item != NO_ITEM]
            if all(seen.get(item, 0) < most_with_an_item for item in parts):
                chosen.append(number)
                seen.update((item, seen.get(item, 0) + 1) for item in parts)
        return np.array(chosen, np.int64)


@dataclass(frozen=True, slots=True)
class BundlesOfItems:
    """For each item the bundles that hold it, the best first.

    Attributes:
        starts: shape (n_items + 1,) int64, where each item's begin.
        bundles: shape (n,) int32, numbers of bundles.
    """

    starts: NDArray[np.int64]
    bundles: NDArray[np.int32]

    def of(self, item: int) -> NDArray[np.int32]:
        """The bundles that hold an item."""
        return self.bundles[self.starts[item] : self.starts[item + 1]]
