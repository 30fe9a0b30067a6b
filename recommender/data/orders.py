"""The clean order history of a shop, as columns."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from recommender.data.interest import InterestLog
from recommender.data.vocabulary import Vocabulary

GUEST = -1
"""Customer position of an order whose customer is not known."""


@dataclass(frozen=True, slots=True)
class OrderLog:
    """Clean order lines, oldest first, ids as positions.

    All columns have shape (n_lines,). A line of negative quantity is a return or cancellation; it
    stays in the log so that what was known at any earlier time can be told (`returns.net_of_returns`).

    Attributes:
        order: int32 position of the order in `orders`.
        customer: int32 position in `customers`, `GUEST` where unknown.
        item: int32 position in `items`.
        quantity: float32 units; negative for returns, never zero.
        unit_price: float32 in the shop's currency; NaN where unknown.
        ordered_at: int64 seconds since 1970-01-01 UTC, non-decreasing.
        orders: ids of the orders.
        customers: ids of the customers, sorted.
        items: ids of the items, sorted.
        interest: what customers looked at and put into carts meanwhile, all that is known of it; None where
            nobody kept it.
    """

    order: NDArray[np.int32]
    customer: NDArray[np.int32]
    item: NDArray[np.int32]
    quantity: NDArray[np.float32]
    unit_price: NDArray[np.float32]
    ordered_at: NDArray[np.int64]
    orders: Vocabulary
    customers: Vocabulary
    items: Vocabulary
    interest: InterestLog | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"columns of an order log must be equally long, got {lengths}")
        if len(self) and np.any(self.ordered_at[1:] < self.ordered_at[:-1]):
            raise ValueError("an order log must be sorted by time, oldest line first")

    def __len__(self) -> int:
        return len(self.item)

    @property
    def first_time(self) -> int:
        """Time of the oldest line, seconds since 1970 UTC; 0 for an empty log."""
        return int(self.ordered_at[0]) if len(self) else 0

    @property
    def last_time(self) -> int:
        """Time of the newest line, seconds since 1970 UTC; 0 for an empty log."""
        return int(self.ordered_at[-1]) if len(self) else 0

    def lines(self, mask: NDArray[np.bool_]) -> "OrderLog":
        """The lines where `mask` (shape (n_lines,)) is True; vocabularies unchanged."""
        # Most often nothing is left out: millions of lines need not be copied.
        return self if mask.all() else self._only(mask)

    def _only(self, chosen: NDArray[np.bool_] | slice) -> "OrderLog":
        return replace(self, **{name: getattr(self, name)[chosen] for name in COLUMNS})

    def until(self, time: int) -> "OrderLog":
        """What was known at `time` (seconds since 1970 UTC), that second included; of the same memory."""
        return self._only(slice(self._known_by(time)))

    def after(self, time: int) -> "OrderLog":
        """What happened later than `time` (seconds since 1970 UTC); of the same memory."""
        return self._only(slice(self._known_by(time), None))

    def _known_by(self, time: int) -> int:
        return int(np.searchsorted(self.ordered_at, time, side="right"))

    def purchases(self) -> "OrderLog":
        """Only what was bought; returns left out."""
        return self.lines(self.quantity > 0)

    def keep_items(self, keep: NDArray[np.bool_]) -> "OrderLog":
        """Only lines of the items where `keep` (shape (n_items,)) is True, in a smaller vocabulary."""
        if keep.all():
            return self
        items, moved = self.items.subset(keep)
        kept = self.lines(keep[self.item])
        return replace(kept, item=moved[kept.item], items=items)

    def with_items(self, ids: Iterable[str]) -> "OrderLog":
        """The same lines in a vocabulary that also holds these items, whether or not anybody bought them."""
        items = Vocabulary(tuple(sorted({*self.items.ids, *ids})))
        return replace(self, item=items.positions(self.items.ids)[self.item], items=items)


COLUMNS = tuple(field.name for field in fields(OrderLog))[:6]
