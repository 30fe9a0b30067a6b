"""Train before a moment, judge after it."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.history import DAY
from recommender.data.orders import GUEST, OrderLog
from recommender.data.returns import net_of_returns


@dataclass(frozen=True, slots=True)
class TemporalSplit:
    """What was known at the cut, and what was ordered in the time after it.

    `train` and `holdout` share one item vocabulary: the items known at the cut, and newcomers if asked for.

    Attributes:
        cut: seconds since 1970 UTC.
        days: length of the time after the cut.
        train: purchases until the cut, net of the returns known by then.
        holdout: purchases of that time, of known items only; nothing is taken off them.
        later: purchases of that time, of any item, in the vocabulary of the whole log.
    """

    cut: int
    days: float
    train: OrderLog
    holdout: OrderLog
    later: OrderLog

    def __post_init__(self) -> None:
        require_known_by(self.cut, self.train.last_time)
        if len(self.later) and self.later.first_time <= self.cut:
            raise ValueError("the judged side of a split holds orders from before the cut")

    @classmethod
    def at(
        cls,
        orders: OrderLog,
        cut: int,
        *,
        days: float,
        min_item_lines: int,
        newcomers: Collection[str] = (),
    ) -> "TemporalSplit":
        """Split at a moment.

        Args:
            orders: the whole history, returns as lines of negative quantity.
            cut: last second that may be learned from.
            days: how long after the cut orders are held out.
            min_item_lines: order lines that an item needs before the cut to be known.
            newcomers: ids of items that count as known however few lines they have.
        """
        if newcomers:
            orders = orders.with_items(newcomers)
        past = orders.until(cut)
        known = known_items(past, min_item_lines)
        known[orders.items.positions(newcomers)] = True
        later = orders.after(cut).until(cut + int(days * DAY)).purchases()
        train = net_of_returns(past.keep_items(known)).orders
        return cls(cut, days, train, later.keep_items(known), later)

    def had_order(self) -> NDArray[np.bool_]:
        """Customers with an order before the cut, shape (n_customers,)."""
        had = np.zeros(len(self.train.customers), bool)
        had[self.train.customer[self.train.customer != GUEST]] = True
        return had

    def truth(self) -> csr_array:
        """Distinct known items that each judged customer ordered after the cut.

        Returns:
            Shape (n_customers, n_items) float32, 1 where ordered; rows are empty for customers
            without an order before the cut, so they are not judged.
        """
        known = self.holdout.lines(self.holdout.customer != GUEST)
        judged = known.lines(self.had_order()[known.customer])
        shape = (len(judged.customers), len(judged.items))
        ordered = csr_array((np.ones(len(judged), np.float32), (judged.customer, judged.item)), shape=shape)
        ordered.sum_duplicates()
        ordered.data[:] = 1
        return ordered


def require_known_by(cut: int, newest: int) -> None:
    """Refuse what a model learned from if its newest line is from after the cut.

    Raises:
        ValueError: it is; figures of such a model would be too good to be true.
    """
    if newest > cut:
        raise ValueError("what was learned from holds orders from after the cut")


def known_items(orders: OrderLog, min_lines: int) -> NDArray[np.bool_]:
    """Items with at least `min_lines` purchase lines, shape (n_items,).

    In a shop too small for that, where fewer than half of the lines would be left, the bar is lowered
    to the highest that leaves half of them.
    """
    return often_bought(np.bincount(orders.item[orders.quantity > 0], minlength=len(orders.items)), min_lines)


def often_bought(lines: NDArray[np.integer], min_lines: int) -> NDArray[np.bool_]:
    """The same of the number of each item's purchase lines, shape (n_items,)."""
    for bar in range(min_lines, 1, -1):
        if 2 * lines[lines >= bar].sum() >= lines.sum():
            return np.asarray(lines >= bar)
    return np.asarray(lines >= 1)


def rolling_cuts(orders: OrderLog, *, days: float, windows: int) -> tuple[int, ...]:
    """Cuts of several windows that do not overlap, newest first: each `days` before the next.

    Only those that leave twice `days` of history to learn from: none in a history of less than three
    times `days`.
    """
    length = int(days * DAY)
    cuts = (orders.last_time - (number + 1) * length for number in range(windows))
    return tuple(cut for cut in cuts if cut - orders.first_time >= 2 * days * DAY)
