"""Train before a moment, judge after it."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from recommender.data.history import DAY
from recommender.data.orders import GUEST, OrderLog
from recommender.data.returns import net_of_returns


@dataclass(frozen=True, slots=True)
class TemporalSplit:
    """What was known at the cut, and what was ordered in the time after it.

    Both sides share one item vocabulary: the items known at the cut.

    Attributes:
        cut: seconds since 1970 UTC.
        train: purchases until the cut, net of the returns known by then.
        holdout: purchases after the cut, of known items only; nothing is taken off them.
    """

    cut: int
    train: OrderLog
    holdout: OrderLog

    @classmethod
    def at(cls, orders: OrderLog, cut: int, *, days: float, min_item_lines: int) -> "TemporalSplit":
        """Split at a moment.

        Args:
            orders: the whole history, returns as lines of negative quantity.
            cut: last second that may be learned from.
            days: how long after the cut orders are held out.
            min_item_lines: order lines that an item needs before the cut to be known.
        """
        known = known_items(orders.until(cut), min_item_lines)
        kept = orders.keep_items(known)
        after = kept.after(cut).until(cut + int(days * DAY))
        return cls(cut, net_of_returns(kept.until(cut)).orders, after.purchases())

    def truth(self) -> csr_array:
        """Distinct items that each judged customer ordered after the cut.

        Returns:
            Shape (n_customers, n_items) float32, 1 where ordered; rows are empty for customers
            without an order before the cut, so they are not judged.
        """
        had_order = np.zeros(len(self.train.customers), bool)
        had_order[self.train.customer[self.train.customer != GUEST]] = True
        known = self.holdout.lines(self.holdout.customer != GUEST)
        judged = known.lines(had_order[known.customer])
        shape = (len(judged.customers), len(judged.items))
        ordered = csr_array((np.ones(len(judged), np.float32), (judged.customer, judged.item)), shape=shape)
        ordered.sum_duplicates()
        ordered.data[:] = 1
        return ordered


def known_items(orders: OrderLog, min_lines: int) -> np.ndarray:
    """Items with at least `min_lines` purchase lines, shape (n_items,) bool.

    In a shop too small for that, where fewer than half of the lines would be left, the bar is lowered
    to the highest that leaves half of them.
    """
    bought = orders.purchases()
    lines = np.bincount(bought.item, minlength=len(orders.items))
    for bar in range(min_lines, 1, -1):
        if 2 * lines[lines >= bar].sum() >= len(bought):
            return lines >= bar
    return lines >= 1
