"""Would the lists have been any good? Judged on the last days, which nothing was learned from."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.data.history import DAY
from recommender.evaluation.judge import K, Verdict, judge
from recommender.evaluation.split import TemporalSplit
from recommender.ranking import build
from recommender.ranking.blend import Blend
from recommender.ranking.lists import ListTable

from .learning import Learned, learn, recommended
from .progress import Progress
from .settings import Settings
from .sources import ReadOrders


def evaluate(read: ReadOrders, settings: Settings, *, progress: Progress) -> Verdict | None:
    """Judge the lists that would have been published before the last days, on those days.

    Returns:
        None where the history is not at least three times as long as the days to predict, or nobody
        who ordered before ordered again.
    """
    days, orders = settings.evaluation.days, read.orders
    if orders.last_time - orders.first_time < 3 * days * DAY:
        return None
    cut = orders.last_time - int(days * DAY)
    with progress.step(f"Hold out the last {days:g} days"):
        split = TemporalSplit.at(orders, cut, days=days, min_item_lines=settings.lists.min_item_lines)
    truth = split.truth()
    judged = np.flatnonzero(np.diff(truth.indptr)).astype(np.int32)
    if len(judged) == 0:
        return None
    # What the shop has taken off sale by today was on sale then: nothing of that may be known here.
    catalog = replace(read.catalog, available=np.ones(len(read.catalog.items), bool))
    learned = learn(orders, catalog, settings, now=cut, progress=progress)
    lists = recommended(learned, settings, judged, progress)
    with progress.step("Judge against best sellers"):
        baseline = _best_seller_lists(learned, judged, settings.lists.length)
        tasks = judge(lists, baseline, truth[judged], learned.bought[judged])
    return Verdict(cut, days, K, tasks)


def _best_seller_lists(learned: Learned, customers: NDArray[np.int32], length: int) -> ListTable:
    """Best sellers under the same rules as the lists: the customer's own purchases are flagged."""
    only = {"best_sellers": learned.models["best_sellers"]}
    return build.recommend(
        only, Blend(), customers, bought=learned.bought, eligible=learned.eligible, length=length
    )  # fmt: skip
