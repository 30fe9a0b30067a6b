"""The verdict on lists: how well they did on orders they had not seen, beside a baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.accuracy import METRICS, Marked, mark
from recommender.evaluation.health import Health
from recommender.evaluation.intervals import Interval, bootstrap_ratios
from recommender.evaluation.repeats import RepeatSplit
from recommender.evaluation.slices import Slice
from recommender.evaluation.tasks import TASKS, truth_of
from recommender.evaluation.window import Window
from recommender.ranking.build import of_mode
from recommender.ranking.lists import ListTable

K = 10
"""Places of a list that count where one figure must do."""

KS = (5, 10, 20)
"""Lengths of list that are judged."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Every metric of the first k places, with its 95 % interval; what they mean stands in `accuracy`.

    Attributes:
        k: places that count.
        ndcg: nDCG@k.
        recall: recall@k, divided by min(k, purchases).
        precision: share of k places that were bought.
        hit: share of lists with a purchase.
        map: mean average precision, divided by min(k, purchases).
        mrr: mean of 1 ÷ place of the first hit.
        revenue: share of the money spent on all that counts that went to items of the list; None where no
            price is known.
    """

    k: int
    ndcg: Interval
    recall: Interval
    precision: Interval
    hit: Interval
    map: Interval
    mrr: Interval
    revenue: Interval | None


@dataclass(frozen=True, slots=True)
class Figures:
    """How lists did on one task, over the customers who bought something that it counts.

    Attributes:
        task: which purchases count, see `tasks.TASKS`.
        customers: customers judged.
        lists: lists judged; more than customers where some are judged in several windows.
        ndcg: nDCG@k with its 95 % interval; k is that of the verdict.
        recall: mean recall@k, divided by min(k, purchases).
        hit: share of lists with a purchase among the first k places.
        baseline_ndcg: nDCG@k of best sellers under the same rules.
        gain: paired difference of the two nDCG.
        at: every metric, one entry a length of list.
    """

    task: str
    customers: int
    lists: int
    ndcg: Interval
    recall: float
    hit: float
    baseline_ndcg: Interval
    gain: Interval
    at: tuple[Accuracy, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Figures of one or more temporal splits, as a snapshot's manifest keeps them.

    Attributes:
        cut: of the newest window, seconds since 1970 UTC; nothing later was learned from.
        days: length of the time that was predicted, of each window.
        k: places that count where there is one figure only.
        cuts: of every window, newest first.
        tasks: figures by task, those without a single customer to judge left out.
        health: of the lists as a whole.
        baseline_health: of best sellers.
        repeats: how much of purchases, places and hits is repeats.
        slices: figures of groups of customers.
        findings: what is odd about the judging, in sentences.
    """

    cut: int
    days: float
    k: int
    cuts: tuple[int, ...]
    tasks: tuple[Figures, ...]
    health: Health
    baseline_health: Health
    repeats: RepeatSplit
    slices: tuple[Slice, ...]
    findings: tuple[str, ...]


def judge(
    windows: Sequence[Window],
    lists: Sequence[ListTable],
    baseline: Sequence[ListTable],
    *,
    k: int = K,
    ks: Sequence[int] = KS,
) -> tuple[Figures, ...]:
    """Judge lists and a baseline against what was bought afterwards.

    Args:
        windows: what is judged; a customer of several windows is resampled as one.
        lists: one table a window, its row r for row r of the window.
        baseline: likewise.
        k: places that count in the figures of a task.
        ks: lengths of list of `Figures.at`.

    Returns:
        One entry a task that at least one customer can be judged on.
    """
    customer = np.concatenate([window.customers for window in windows])
    longest = max(k, *ks)
    figures = []
    for task in TASKS:
        ours, theirs = (marked_on(task, windows, tables, longest) for tables in (lists, baseline))
        if ours.n_relevant.any():
            figures.append(figures_of(task, ours, theirs, customer, k=k, ks=ks))
    return tuple(figures)


def marked_on(task: str, windows: Sequence[Window], lists: Sequence[ListTable], n_places: int) -> Marked:
    """Lists of the task's mode, marked against what it counts; all windows' rows, one after the other."""
    return Marked.stack(
        [
            mark(of_mode(table, TASKS[task], n_places), truth_of(window, task), window.spent, n_places)
            for window, table in zip(windows, lists, strict=True)
        ]
    )


def figures_of(
    task: str,
    ours: Marked,
    baseline: Marked,
    customer: NDArray[np.integer],
    *,
    k: int = K,
    ks: Sequence[int] = KS,
) -> Figures:
    """Figures of marked lists.

    Args:
        task: name of what was counted.
        ours: lists with at least as many places marked as the largest of `k` and `ks`.
        baseline: the same rows of the baseline.
        customer: shape (n,), whose each list is.
        k: places that count in the figures.
        ks: lengths of list that are judged.
    """
    ndcg, of_baseline = ours.values("ndcg", k), baseline.values("ndcg", k)
    at_length = [ours.values(metric, length) for length in ks for metric in METRICS]
    judged = ours.n_relevant > 0
    # All means of a task on one draw of its customers: 2,000 draws cost more than what is summed in them.
    values = np.nan_to_num(np.stack([ndcg, of_baseline, ndcg - of_baseline, *at_length], axis=1))
    own, baseline_ndcg, gain, *means = bootstrap_ratios(
        values, judged[:, None].astype(np.float64), customer=customer
    )
    return Figures(
        task=task,
        customers=len(np.unique(customer[judged])),
        lists=int(judged.sum()),
        ndcg=own,
        recall=float(np.nanmean(ours.values("recall", k))),
        hit=float(np.nanmean(ours.values("hit", k))),
        baseline_ndcg=baseline_ndcg,
        gain=gain,
        at=_accuracies(ks, means, _revenue(ours, customer, ks)),
    )


def _accuracies(
    ks: Sequence[int], means: Sequence[Interval], revenue: Sequence[Interval | None]
) -> tuple[Accuracy, ...]:
    n = len(METRICS)
    by_length = [means[start : start + n] for start in range(0, len(means), n)]
    return tuple(
        Accuracy(k, **dict(zip(METRICS, of_metric, strict=True)), revenue=share)
        for k, of_metric, share in zip(ks, by_length, revenue, strict=True)
    )


def _revenue(marked: Marked, customer: NDArray[np.integer], ks: Sequence[int]) -> Sequence[Interval | None]:
    if not marked.spent.any():
        return [None] * len(ks)
    named = np.stack([marked.paid[:, :k].sum(axis=1) for k in ks], axis=1)
    return bootstrap_ratios(named, marked.spent[:, None], customer=customer)
