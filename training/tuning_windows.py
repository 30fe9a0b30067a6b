"""Earlier windows that settings are chosen on, and how far above today's settings others stand there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory
from recommender.data.orders import OrderLog
from recommender.evaluation.accuracy import hits_of, ndcg_at
from recommender.evaluation.judge import K
from recommender.evaluation.past import past_catalog
from recommender.evaluation.split import rolling_cuts
from recommender.evaluation.tasks import TASKS, truth_of
from recommender.evaluation.window import Window
from recommender.ranking import build
from recommender.ranking.blend import Blend
from recommender.ranking.eligibility import eligible_items
from recommender.ranking.lists import ListTable

from .moment import known_split
from .progress import Progress, Silent
from .settings import Settings
from .sources import ReadOrders

TUNED_TASKS = ("all", "discover")
"""Tasks that settings are chosen by."""

MOST_JUDGED = 5_000
"""Customers of a window that settings are judged on; more would cost time and hardly change the choice."""

Ndcg = Mapping[str, NDArray[np.float64]]
"""nDCG@10 of every list by task, shape (n,); NaN where the customer bought nothing that counts."""


@dataclass(frozen=True, slots=True)
class PastWindow:
    """A window as it looked at its cut, and what was bought in it.

    Attributes:
        cut: seconds since 1970 UTC.
        orders: the shop's log until the cut.
        catalog: what could be said of the items then.
        history: purchases of known items, returns taken off.
        bought: shape (n_customers, n_items), positive where bought before.
        eligible: shape (n_items,), False forbids an item.
        customers: shape (n,) int32 positions of the customers judged.
        truth: by task, shape (n, n_items), 1 where bought in the window.
    """

    cut: int
    orders: OrderLog
    catalog: Catalog
    history: PurchaseHistory
    bought: csr_array
    eligible: NDArray[np.bool_]
    customers: NDArray[np.int32]
    truth: Mapping[str, csr_array]

    @classmethod
    def at(cls, read: ReadOrders, settings: Settings, cut: int, *, seed: int) -> "PastWindow":
        """The window after a cut.

        Args:
            read: the whole log; only the window, and what came before it, is looked at.
            settings: of lists and evaluation.
            cut: seconds since 1970 UTC.
            seed: decides who is judged where there are too many customers.
        """
        past = read.orders.until(cut)
        catalog = past_catalog(read.catalog, past, cut)
        split = known_split(read.orders, catalog, settings, cut, Silent())
        window = Window.of(split, split.train.items)
        judged = np.flatnonzero(np.diff(window.truth.indptr))
        if len(judged) > MOST_JUDGED:
            judged = np.sort(np.random.default_rng(seed).permutation(judged)[:MOST_JUDGED])
        history, shown = PurchaseHistory.at(split.train, cut), catalog.align(split.train.items)
        return cls(
            cut=cut,
            orders=past,
            catalog=catalog,
            history=history,
            bought=history.interactions(np.inf),
            eligible=eligible_items(
                history,
                shown,
                retired_after_days=settings.lists.retired_after_days,
                newcomers=settings.new_items.among(shown, split.train, cut),
            ),
            customers=window.customers[judged],
            truth={task: truth_of(window, task)[judged] for task in TUNED_TASKS},
        )

    def ndcg(self, lists: ListTable) -> Ndcg:
        """nDCG@10 of lists whose row r is of the r-th customer judged."""
        return {
            task: ndcg_at(K, hits_of(build.of_mode(lists, TASKS[task], K), truth, K), np.diff(truth.indptr))
            for task, truth in self.truth.items()
        }

    def ndcg_of_model(self, settings: Settings, name: str) -> Ndcg:
        """nDCG@10 of the lists that one model would make alone."""
        weights = {model: float(model == name) for model in Blend.__dataclass_fields__}
        fitted = getattr(settings.models, name).fit(self.history)
        lists = build.recommend(
            {name: fitted},
            Blend(**weights),
            self.customers,
            bought=self.bought,
            eligible=self.eligible,
            length=K,
            per_model=K,
        )
        return self.ndcg(lists)


def past_windows(
    read: ReadOrders, settings: Settings, *, windows: int, seed: int, progress: Progress
) -> tuple[PastWindow, ...]:
    """The windows before the last one, newest first, as far as the history reaches; the last is not there.

    Those in which nobody who had ordered before ordered again are left out.

    Args:
        read: clean orders and catalog.
        settings: of lists and evaluation.
        windows: how many at most.
        seed: decides who is judged where there are too many customers.
        progress: hears of the step.
    """
    cuts = rolling_cuts(read.orders, days=settings.evaluation.days, windows=windows + 1)[1:]
    with progress.step("Look back at earlier windows"):
        found = [PastWindow.at(read, settings, cut, seed=seed) for cut in cuts]
    return tuple(window for window in found if len(window.customers))


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Makes points of nDCG: 1 on average for today's settings, 1.1 where others are a tenth better.

    Tasks count alike, though some are harder; a task where today's settings find nothing is left out.

    Attributes:
        worth: by task, points of a list for an nDCG of 1 on it.
    """

    worth: Mapping[str, float]

    @classmethod
    def of(cls, todays: Sequence[Ndcg]) -> "Yardstick":
        """The yardstick of today's settings on several windows."""
        whole = {task: np.concatenate([ndcg[task] for ndcg in todays]) for task in TUNED_TASKS}
        judged = {task: int((~np.isnan(values)).sum()) for task, values in whole.items()}
        mean = {task: float(np.nanmean(values)) for task, values in whole.items() if judged[task]}
        counted = [task for task in mean if mean[task] > 0] or list(mean)
        # A list that is not judged on a task has no points for it, so those that are weigh more.
        share = {task: judged[task] / len(whole[task]) * len(counted) for task in counted}
        return cls({task: 1 / (share[task] * max(mean[task], _LEAST)) for task in counted})

    def points(self, ndcg: Ndcg) -> NDArray[np.float64]:
        """Points of every list, shape (n,)."""
        points = [np.nan_to_num(ndcg[task]) * worth for task, worth in self.worth.items()]
        return np.asarray(np.sum(points, axis=0))


_LEAST = 0.01
"""nDCG that a task is measured by at least: a few chance hits must not outweigh everything else."""
