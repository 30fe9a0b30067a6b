"""A shop of three customers whose every figure can be worked out on paper, cut on day 10."""

import numpy as np

from recommender.data.catalog import Catalog
from recommender.data.history import DAY
from recommender.data.orders import OrderLog
from recommender.evaluation.evaluation import BEST_SELLERS, OURS, Evaluation
from recommender.evaluation.split import TemporalSplit
from recommender.evaluation.window import Window
from recommender.ranking.lists import ListTable
from tests.ranking.tables import table_of
from tests.shops import Line, log_of

CUT = 10.0

LINES: list[Line] = [
    ("01", "ann", "tea", 1.0, 1.0),
    ("01", "ann", "milk", 1.0, 1.0),
    ("02", "ann", "tea", 2.0, 6.0),
    ("03", "bob", "jam", 1.0, 8.0),
    ("04", "cid", "tea", 1.0, 9.0),
    ("05", None, "jam", 1.0, 9.0),
    # After the cut: ann's first order repeats tea, her second tries jam and something new.
    ("11", "ann", "tea", 3.0, 11.0),
    ("12", "ann", "jam", 1.0, 15.0),
    ("12", "ann", "new", 5.0, 15.0),
    ("13", "bob", "milk", 1.0, 12.0),
    ("14", "dan", "tea", 1.0, 12.0),
    ("15", None, "tea", 1.0, 12.0),
    ("16", "cid", "new", 1.0, 13.0),
]
JAM, MILK, NEW, TEA = range(4)


def split_of(lines: list[Line] = LINES, *, cut: float = CUT, days: float = 10.0) -> TemporalSplit:
    """The split of a few lines; one purchase makes an item known."""
    return TemporalSplit.at(log_of(lines), int(cut * DAY), days=days, min_item_lines=1)


def window_of(lines: list[Line] = LINES, *, cut: float = CUT, days: float = 10.0) -> Window:
    """The window of a few lines, in the vocabulary of the whole log."""
    return Window.of(split_of(lines, cut=cut, days=days), log_of(lines).items)


def lists_of(window: Window, rows: list[list[int]]) -> ListTable:
    """A table of these items, flagged by what the window's customers had bought."""
    had = window.bought.toarray() > 0
    return table_of(rows, [[bool(had[r, item]) for item in row] for r, row in enumerate(rows)])


def evaluation_of(
    lists: list[list[int]],
    best_sellers: list[list[int]],
    *,
    orders: OrderLog | None = None,
    **others: list[list[int]],
) -> Evaluation:
    """Lists of ann, bob and cid judged in the one window of `LINES`."""
    orders, window = orders or log_of(LINES), window_of()
    tables = {OURS: lists, BEST_SELLERS: best_sellers, **others}
    return Evaluation(
        catalog=Catalog.unknown(orders.items),
        customers=orders.customers,
        windows=(window,),
        lists={name: (lists_of(window, rows),) for name, rows in tables.items()},
        eligible=(np.array([True, True, False, True]),),
        k=2,
        ks=(1, 2),
    )
