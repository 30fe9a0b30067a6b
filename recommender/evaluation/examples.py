"""Customers to look at: what they had bought, what their list said, and what they then bought."""

from dataclasses import dataclass

import numpy as np

from recommender.evaluation.evaluation import OURS, Evaluation
from recommender.evaluation.tasks import TASKS, truth_of
from recommender.evaluation.window import Window
from recommender.ranking.build import of_mode
from recommender.ranking.lists import SOURCES

HISTORY = 15
"""Items of a history that are shown."""


@dataclass(frozen=True, slots=True)
class Bought:
    """An item of a customer's history.

    Attributes:
        name: its title, or its id.
        orders: the customer's orders of it before the cut.
        last: time of the last of them, seconds since 1970 UTC.
    """

    name: str
    orders: int
    last: int


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a list.

    Attributes:
        name: title of the item, or its id.
        source: model that proposed it.
        bought_before: whether the customer had bought it before the cut.
        hit: whether the customer bought it afterwards.
    """

    name: str
    source: str
    bought_before: bool
    hit: bool


@dataclass(frozen=True, slots=True)
class Example:
    """One judged list.

    Attributes:
        customer: the shop's id of the customer.
        cut: seconds since 1970 UTC.
        orders: the customer's orders before the cut.
        ndcg: nDCG@k of the list.
        history: items bought before the cut, the last bought first, at most `HISTORY` of them.
        places: the list, best first.
        truth: names of what was bought after the cut, the most expensive first.
    """

    customer: str
    cut: int
    orders: int
    ndcg: float
    history: tuple[Bought, ...]
    places: tuple[Place, ...]
    truth: tuple[str, ...]


def examples(
    evaluation: Evaluation, n: int = 6, *, task: str = "all", name: str = OURS
) -> tuple[Example, ...]:
    """Judged lists from the worst to the best, at equal steps between; the same ones every time.

    Args:
        evaluation: lists and purchases.
        n: how many.
        task: see `tasks.TASKS`.
        name: of the method.
    """
    ndcg = evaluation.values("ndcg", task, name=name)
    judged = np.flatnonzero(~np.isnan(ndcg))
    ranked = judged[np.argsort(ndcg[judged], kind="stable")]
    steps = np.unique(np.linspace(0, len(ranked) - 1, min(n, len(ranked))).round().astype(int))
    return tuple(_example(evaluation, int(row), float(ndcg[row]), task, name) for row in ranked[steps])


def _example(evaluation: Evaluation, row: int, ndcg: float, task: str, name: str) -> Example:
    number, r = evaluation.row(row)
    window = evaluation.windows[number]
    best = of_mode(evaluation.lists[name][number], TASKS[task], evaluation.k).row(r)
    truth = truth_of(window, task)[[r]].indices
    price_paid = window.spent[[r]].toarray().ravel()[truth]
    named = evaluation.catalog.name
    return Example(
        customer=evaluation.customers.ids[window.customers[r]],
        cut=window.cut,
        orders=int(window.orders_before[r]),
        ndcg=ndcg,
        history=_history(evaluation, window, r),
        places=tuple(
            Place(named(int(item)), SOURCES[source], bool(before), bool(item in truth))
            for item, source, before in zip(best.items, best.sources, best.bought, strict=True)
        ),
        truth=tuple(named(int(item)) for item in truth[np.argsort(-price_paid, kind="stable")]),
    )


def _history(evaluation: Evaluation, window: Window, r: int) -> tuple[Bought, ...]:
    orders, last = window.bought[[r]], window.last_bought[[r]].toarray().ravel()
    newest_first = np.argsort(-last[orders.indices], kind="stable")[:HISTORY]
    return tuple(
        Bought(evaluation.catalog.name(int(item)), int(times), int(last[item]))
        for item, times in zip(orders.indices[newest_first], orders.data[newest_first], strict=True)
    )
