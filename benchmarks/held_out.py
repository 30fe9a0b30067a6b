"""A shop's history up to a cut, to learn from, and the 28 days after it, to be judged by."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.protocol import FittedPeer
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.orders import OrderLog
from recommender.evaluation.accuracy import mark
from recommender.evaluation.split import TemporalSplit
from recommender.evaluation.tasks import TASKS as MODES
from recommender.evaluation.tasks import truth_of
from recommender.evaluation.window import Window
from recommender.ranking.build import of_mode
from recommender.ranking.lists import ListTable
from recommender.top_n.dense_rows import among_top_n

DAYS = 28
MIN_ITEM_LINES = 5
K = 10
"""Places of a list that count."""

TASKS = ("all", "discover")
METRICS = ("ndcg", "recall", "hit")

_BLOCK = 256
"""Customers whose scores are held dense at a time."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One cut of one shop, the same for everybody who is judged on it.

    Attributes:
        orders: everything ordered by customers with a purchase before the cut, later orders included.
        history: their purchases until the cut, of items with enough lines by then: what peers learn from.
        window: whom the days after the cut judge, and by what; in the history's vocabularies.
    """

    orders: OrderLog
    history: PurchaseHistory
    window: Window

    @classmethod
    def of(cls, orders: OrderLog, back: int) -> "HeldOut":
        """The window that is `back` windows before the last one, which is 0.

        Args:
            orders: purchases of known customers.
            back: windows between it and the end of the history.
        """
        cut = orders.last_time - (back + 1) * DAYS * DAY
        # Who comes later must not even be a row of the matrix that a peer learns from.
        orders = _customers_of(orders, _split(orders, cut).train)
        split = _split(orders, cut)
        return cls(orders, PurchaseHistory.at(split.train, cut), Window.of(split, split.train.items))

    def lists_of(self, fitted: FittedPeer, done: Callable[[int], None] = lambda _: None) -> ListTable:
        """The best ten repeats and ten discoveries of each judged customer, exactly, in one order.

        Args:
            fitted: has learned from `history`.
            done: hears how many customers have their list.
        """
        customers, tables = self.window.customers, []
        for start in range(0, len(customers), _BLOCK):
            some = slice(start, start + _BLOCK)
            had = self.window.bought[some].toarray() > 0
            tables.append(_best_of_both_kinds(fitted.scores(customers[some]), had))
            done(min(start + _BLOCK, len(customers)))
        return ListTable.stack(tables, most=sum(len(table.items) for table in tables))

    def figures(self, lists: ListTable, task: str) -> dict[str, NDArray[np.float64]]:
        """Each metric's value for every judged customer, shape (n,); NaN where there is nothing to find."""
        shown, truth = of_mode(lists, MODES[task], K), truth_of(self.window, task)
        marked = mark(shown, truth, self.window.spent, K)
        return {metric: marked.values(metric, K) for metric in METRICS}


def _split(orders: OrderLog, cut: int) -> TemporalSplit:
    return TemporalSplit.at(orders, cut, days=DAYS, min_item_lines=MIN_ITEM_LINES)


def _customers_of(orders: OrderLog, some: OrderLog) -> OrderLog:
    """The orders, early and late, of the customers who occur in `some`, in a smaller vocabulary."""
    known = np.zeros(len(orders.customers), bool)
    known[some.customer] = True
    customers, moved = orders.customers.subset(known)
    theirs = orders.lines(known[orders.customer])
    return replace(theirs, customer=moved[theirs.customer], customers=customers)


def _best_of_both_kinds(scores: NDArray[np.floating], had: NDArray[np.bool_]) -> ListTable:
    if np.isnan(scores).any():
        raise ValueError("a peer scored an item NaN: no opinion is -inf")
    # Not as single precision yet: a sharp similarity gives scores that would all become 0 there.
    repeats, discoveries = np.where(had, scores, -np.inf), np.where(had, -np.inf, scores)
    best = among_top_n(repeats, K) | among_top_n(discoveries, K)
    row, item = np.nonzero(best & (scores > -np.inf))
    score = scores[row, item]
    # lexsort sorts by its last key first: customer, then best score, then the lower item.
    order = np.lexsort((item, -score, row))
    return ListTable(
        starts=np.concatenate(([0], np.cumsum(np.bincount(row, minlength=len(scores))))).astype(np.int64),
        items=item[order].astype(np.int32),
        scores=score[order].astype(np.float32),
        sources=np.zeros(len(order), np.uint8),
        bought=had[row, item][order],
    )
