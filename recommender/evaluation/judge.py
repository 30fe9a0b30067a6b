"""The verdict on lists: how well they did on orders they had not seen, beside a baseline."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.evaluation.accuracy import hit_at, hits_of, ndcg_at, recall_at
from recommender.evaluation.intervals import Interval, bootstrap
from recommender.ranking.build import Mode, of_mode
from recommender.ranking.lists import ListTable

K = 10
"""Places of a list that count."""

TASKS: dict[str, Mode] = {"all": "mixed", "repeat": "repeat", "discover": "discover"}
"""Task → mode of list that is judged on it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How lists did on one task, over the customers who bought something that it counts.

    Attributes:
        task: `all` purchases count, only `repeat` ones, or only `discover`ed ones.
        customers: customers judged.
        ndcg: nDCG@k with its 95 % interval.
        recall: mean recall@k, divided by min(k, purchases).
        hit: share of customers who bought something of the first k places.
        baseline_ndcg: nDCG@k of best sellers under the same rules.
        gain: paired difference of the two nDCG.
    """

    task: str
    customers: int
    ndcg: Interval
    recall: float
    hit: float
    baseline_ndcg: Interval
    gain: Interval


@dataclass(frozen=True, slots=True)
class Verdict:
    """Figures of one temporal split.

    Attributes:
        cut: seconds since 1970 UTC; nothing later was learned from.
        days: length of the time that was predicted.
        k: places that count.
        tasks: figures by task, those without a single customer to judge left out.
    """

    cut: int
    days: float
    k: int
    tasks: tuple[Figures, ...]


def judge(
    lists: ListTable, baseline: ListTable, truth: csr_array, bought: csr_array, *, k: int = K
) -> tuple[Figures, ...]:
    """Judge lists and a baseline against what was bought afterwards.

    Args:
        lists: row r belongs to row r of `truth`.
        baseline: likewise, with places flagged as bought before.
        truth: shape (n, n_items), 1 where the customer bought the item after the cut.
        bought: shape (n, n_items), positive where the customer had bought it before.
        k: places that count.

    Returns:
        One entry a task that at least one customer can be judged on.
    """
    counted = {"all": truth, **_repeats_and_discoveries(truth, bought)}
    figures = (_figures(task, lists, baseline, counted[task], k) for task in TASKS)
    return tuple(f for f in figures if f.customers)


def _repeats_and_discoveries(truth: csr_array, bought: csr_array) -> dict[str, csr_array]:
    repeats = csr_array(truth.multiply(bought > 0))
    discoveries = csr_array(truth - repeats)
    repeats.eliminate_zeros()
    discoveries.eliminate_zeros()
    return {"repeat": repeats, "discover": discoveries}


def _figures(task: str, lists: ListTable, baseline: ListTable, truth: csr_array, k: int) -> Figures:
    n_relevant = np.diff(truth.indptr)
    hits = hits_of(of_mode(lists, TASKS[task], k), truth, k)
    ndcg = ndcg_at(k, hits, n_relevant)
    of_baseline = ndcg_at(k, hits_of(of_mode(baseline, TASKS[task], k), truth, k), n_relevant)
    return Figures(
        task=task,
        customers=int((n_relevant > 0).sum()),
        ndcg=bootstrap(ndcg),
        recall=_mean(recall_at(k, hits, n_relevant)),
        hit=_mean(hit_at(k, hits, n_relevant)),
        baseline_ndcg=bootstrap(of_baseline),
        gain=bootstrap(ndcg - of_baseline),
    )


def _mean(values: NDArray[np.float64]) -> float:
    judged = values[~np.isnan(values)]
    return float(judged.mean()) if len(judged) else float("nan")
