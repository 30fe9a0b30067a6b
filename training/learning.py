"""What is learned from all orders, and the customers' lists that come of it."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.orders import OrderLog
from recommender.models.content import OwnTaste
from recommender.ranking import build
from recommender.ranking.examples import Examples
from recommender.ranking.item_traits import ItemTraits
from recommender.ranking.lists import ListTable
from recommender.ranking.ranker import TreeRanker
from recommender.ranking.reranking import rerank
from recommender.ranking.reserved import Reserved

from .moment import Known, Moment, Purchases, fitted_moment, purchases_at
from .progress import Progress
from .ranker_learning import learned_ranker
from .settings import Settings
from .windows import EarlierWindows, examples_before


@dataclass(frozen=True, slots=True)
class Learned(Moment):
    """Everything learned at one moment, ready to make lists.

    Attributes:
        ranker: orders the candidates; None where the blend has to.
        ranked_by: in words, what orders the candidates and why.
    """

    ranker: TreeRanker | None
    ranked_by: str


def learn(
    orders: OrderLog,
    catalog: Catalog,
    settings: Settings,
    *,
    now: int,
    progress: Progress,
    earlier: EarlierWindows | None = None,
) -> Learned:
    """Fit every model on what was known at a moment, and the ranker on the windows before it.

    Args:
        orders: the shop's whole clean log; what came after `now` is not looked at.
        catalog: what the shop says about its items, in any order.
        settings: of models, ranker and lists.
        now: seconds since 1970 UTC.
        progress: hears of every step.
        earlier: windows that were learned from before, with the same orders and settings.

    Raises:
        DataError: there is no purchase to learn from.
    """
    earlier = earlier or EarlierWindows()
    examples = examples_before(orders, catalog, settings, now=now, earlier=earlier, progress=progress)
    purchases = purchases_at(orders.until(now), catalog, settings, now, progress)
    learned = learn_from(purchases, examples, settings, progress)
    earlier.newest = learned
    return learned


@dataclass(frozen=True, slots=True)
class Learner:
    """Whoever learns from orders until a moment: this machine, or many.

    Attributes:
        purchases: what there is to learn from, called as `purchases_at` is.
        learn: called as `learn` is.
    """

    purchases: Callable[..., Purchases]
    learn: Callable[..., Learned]


THIS_MACHINE = Learner(purchases_at, learn)


def learn_from(
    purchases: Purchases, examples: list[Examples], settings: Settings, progress: Progress
) -> Learned:
    """Fit every model on purchases, and the ranker on examples of windows before them.

    Args:
        purchases: what there is to learn from.
        examples: see `examples_before`.
        settings: of models, ranker and lists.
        progress: hears of every step.
    """
    ranker, ranked_by = learned_ranker(examples, settings, progress)
    return _learned(fitted_moment(purchases, settings, progress), ranker, ranked_by)


def relearn(purchases: Purchases, settings: Settings, *, known: Known, progress: Progress) -> Learned:
    """Fit every model on what is known now; ALS goes on from what it knew, and the ranker stays as it was.

    Args:
        purchases: what there is to learn from.
        settings: of models and lists.
        known: what was learned some days ago, with the same settings.
        progress: hears of every step.
    """
    return _learned(fitted_moment(purchases, settings, progress, known), known.ranker, known.ranked_by)


def _learned(moment: Moment, ranker: TreeRanker | None, ranked_by: str) -> Learned:
    own = {each.name: getattr(moment, each.name) for each in fields(moment)}
    return Learned(**own, ranker=ranker, ranked_by=ranked_by)


def recommended(
    learned: Learned, settings: Settings, customers: NDArray[np.int32], progress: Progress
) -> ListTable:
    """The lists of these customers, as they are published."""
    lists = ranked(learned, settings, customers, progress)
    with progress.step("Look at each list as a whole"):
        return rerank(lists, settings.reranking, item_traits(learned, settings))


def ranked(
    learned: Learned, settings: Settings, customers: NDArray[np.int32], progress: Progress
) -> ListTable:
    """The lists of these customers before they are looked at as a whole."""
    with progress.step("Write customer lists", total=len(customers)) as advance:
        return build.recommend(
            learned.models,
            settings.blend,
            customers,
            rank=None if learned.ranker is None else partial(learned.ranker.scores, learned.tables),
            bought=learned.bought,
            eligible=learned.eligible,
            length=settings.lists.length,
            per_model=settings.lists.candidates_per_model,
            reserved=Reserved(
                learned.unproven,
                settings.reranking.new_item_share,
                OwnTaste.of(learned.models["content"]),
            ),
            progress=advance,
        )


def item_traits(learned: Learned, settings: Settings) -> ItemTraits:
    """What re-ranking needs to know of the items."""
    return ItemTraits.of(
        learned.catalog,
        learned.bought,
        newcomers=learned.unproven,
        variant_column=settings.reranking.variant_column,
        factors=learned.models["als"].item_factors,
    )
