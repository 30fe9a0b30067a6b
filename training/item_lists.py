"""Lists beside items: what is bought together with each, and what is similar to it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory
from recommender.data.orders import OrderLog
from recommender.models.cart_trees import CartTreesModel
from recommender.models.neighbours import Neighbours
from recommender.models.pair_features import RelatedPairs
from recommender.models.shared_orders import Baskets
from recommender.ranking import build
from recommender.ranking.lists import ListTable
from recommender.ranking.newcomer_rows import with_newcomers
from recommender.ranking.pair_evidence import substitutes

from .learning import Learned, known_split, load_loops
from .progress import Progress
from .settings import Settings


def cart_trees(
    history: PurchaseHistory, catalog: Catalog, settings: Settings, progress: Progress
) -> CartTreesModel | None:
    """What relations of items were worth in the last days' carts; None where that cannot be told.

    Args:
        history: what there is to learn from.
        catalog: of its items.
        settings: of relations, trees and days.
        progress: hears of every step.
    """
    days, wanted = settings.evaluation.days, settings.bought_together
    carts = history.since(days).baskets()
    if not settings.cart_trees.can_learn(carts):
        return None
    before = history.before(days)
    if not before.n_orders:
        return None
    with progress.step("Learn what fills up carts"):
        baskets = Baskets.of(before)
        relation = wanted.fit_to(before, baskets).relation
        return settings.cart_trees.fit(RelatedPairs.of(relation, before, baskets, catalog), carts)


def cart_trees_at(
    orders: OrderLog, catalog: Catalog, settings: Settings, cut: int, progress: Progress
) -> CartTreesModel | None:
    """`cart_trees` of what was known at a cut.

    For before anything else is learned: it takes much memory while it is at work, and leaves little.

    Args:
        orders: the shop's clean log until the cut.
        catalog: what the shop says about its items, in any order.
        settings: as in `cart_trees`.
        cut: seconds since 1970 UTC.
        progress: hears of every step.
    """
    load_loops(progress)
    split = known_split(orders, catalog, settings, cut, progress)
    history = PurchaseHistory.at(split.train, split.cut)
    return cart_trees(history, catalog.align(split.train.items), settings, progress)


def bought_together(
    learned: Learned,
    baskets: Baskets,
    settings: Settings,
    trees: CartTreesModel | None,
    progress: Progress,
    *,
    items: NDArray[np.int32] | None = None,
) -> ListTable:
    """What is bought together with items, as it is published.

    Substitutes of the item are left out before the lists are cut to length.

    Args:
        learned: what there is to learn from.
        baskets: those of its history.
        settings: of relations and lists.
        trees: what a relation is worth in a cart, see `cart_trees`; None leaves relations as they are.
        progress: hears of every step.
        items: those that lists are wanted of, rising; all others have empty ones. Without it, all.

    Returns:
        Row r is the list of the r-th item.
    """
    wanted = settings.bought_together
    with progress.step("Learn what is bought together"):
        neighbours = _of_these(wanted.fit_to(learned.history, baskets), items)
    with progress.step("Write what is bought together"):
        if trees is not None:
            pairs = RelatedPairs.of(neighbours.relation, learned.history, baskets, learned.catalog)
            neighbours = trees.weighed(pairs)
        related = build.related(neighbours, "co_purchase", learned.eligible, wanted.n_neighbours)
        together = related.keep(~substitutes(baskets, related))
        return together.first(settings.lists.length)


def _of_these(neighbours: Neighbours, items: NDArray[np.int32] | None) -> Neighbours:
    if items is None:
        return neighbours
    chosen = np.zeros(neighbours.relation.shape[0], np.float32)
    chosen[items] = 1
    relation = csr_array(diags_array(chosen) @ neighbours.relation)
    relation.eliminate_zeros()
    return replace(neighbours, relation=relation)


def similar_items(learned: Learned, settings: Settings, progress: Progress) -> ListTable:
    """What is like each item, as it is published; row r is the r-th item's list.

    That is what the same customers buy beyond chance, and what new items are like.
    """
    length = settings.lists.length
    with progress.step("Learn what is similar"):
        neighbours = settings.similar.fit(learned.history, learned.catalog.categories()[1])
        return with_newcomers(
            build.related(neighbours, "item_knn", learned.eligible, length),
            learned.models["als"],
            learned.models["content"],
            learned.eligible,
            bought=learned.bought,
            length=length,
            settings=settings.reranking,
        )
