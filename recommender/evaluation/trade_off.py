"""What longer lists gain in purchases found, and in items shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recommender.evaluation.evaluation import OURS, Evaluation
from recommender.evaluation.tasks import TASKS
from recommender.ranking.build import of_mode

LENGTHS = (1, 2, 5, 10, 20, 50)
"""Lengths of list to look at."""


@dataclass(frozen=True, slots=True)
class TradeOff:
    """What lists of one length reach.

    Attributes:
        length: places of a list.
        recall: mean share of all of a customer's purchases that the list names; it never falls with length.
        ndcg: mean nDCG@length.
        coverage: share of the items that may be shown that stand in at least one list; of several windows
            the mean.
    """

    length: int
    recall: float
    ndcg: float
    coverage: float


def trade_off(
    evaluation: Evaluation, *, lengths: Sequence[int] = LENGTHS, task: str = "all", name: str = OURS
) -> tuple[TradeOff, ...]:
    """Recall beside coverage, one entry a length of list.

    Args:
        evaluation: lists and purchases.
        lengths: lengths of list, at least 1.
        task: see `tasks.TASKS`.
        name: of the method.
    """
    marked = evaluation.marked(task, name, max(lengths))
    bought = np.where(marked.n_relevant > 0, marked.n_relevant, np.nan)
    return tuple(
        TradeOff(
            length=length,
            recall=float(np.nanmean(marked.hits[:, :length].sum(axis=1) / bought)),
            ndcg=float(np.nanmean(marked.values("ndcg", length))),
            coverage=_coverage(evaluation, length, task, name),
        )
        for length in lengths
    )


def _coverage(evaluation: Evaluation, length: int, task: str, name: str) -> float:
    shares = []
    for table, eligible in zip(evaluation.lists[name], evaluation.eligible, strict=True):
        shown = np.zeros(len(eligible), bool)
        shown[of_mode(table, TASKS[task], length).items] = True
        shares.append((shown & eligible).sum() / max(int(eligible.sum()), 1))
    return float(np.mean(shares))
