"""Lists that need no model: what is bought together with items and what is similar, and past orders."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from recommender.data.places import Places
from recommender.models.cart_trees import CartTreesModel
from recommender.models.local_best_sellers import LocalBestSellersModel
from recommender.models.neighbours import Neighbours
from recommender.models.pair_features import RelatedPairs
from recommender.models.shared_orders import Baskets
from recommender.ranking import build
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import ListTable
from recommender.ranking.newcomer_rows import with_newcomers
from recommender.ranking.pair_evidence import evidence_of, substitutes
from recommender.ranking.past_orders import past_orders

from .carried import Carried
from .learning import Learned
from .moment import Purchases
from .progress import Progress
from .settings import Settings


@dataclass(frozen=True, slots=True)
class PlainLists:
    """Lists that come of purchases alone.

    Attributes:
        past_orders: one row a customer, see `ranking.past_orders`.
        local: what sells where orders went.
        similar: one row an item, what the same customers buy beyond chance.
        together: one row an item, what stands in the same orders; empty for an item that is carried over.
        evidence: what speaks for each place of `together`.
    """

    past_orders: ListTable
    local: LocalBestSellersModel
    similar: ListTable
    together: ListTable
    evidence: Evidence


def plain_lists(
    purchases: Purchases,
    places: Places,
    settings: Settings,
    progress: Progress,
    *,
    trees: CartTreesModel | None,
    carried: Carried,
) -> PlainLists:
    """The lists that need no model, before any is learned: they take much memory while they are made.

    Args:
        purchases: what there is to learn from.
        places: where each order went.
        settings: of relations and lists.
        progress: hears of every step.
        trees: what a relation is worth in a cart, see `cart_trees`.
        carried: items whose lists need not be made.
    """
    with progress.step("Write past orders"):
        past = past_orders(purchases.history, purchases.eligible)
    with progress.step("Learn what sells where"):
        local = settings.models.local_best_sellers.fit(purchases.orders, places, purchases.split.cut)
    with progress.step("Learn what is similar"):
        category = purchases.catalog.categories()[1]
        neighbours = settings.similar.fit(purchases.history, category)
        similar = build.related(neighbours, "item_knn", purchases.eligible, settings.lists.length)
        del neighbours
    baskets = Baskets.of(purchases.history)
    together = bought_together(purchases, baskets, settings, trees, progress, items=carried.new_items)
    with progress.step("Write what speaks for pairs"):
        return PlainLists(past, local, similar, together, evidence_of(baskets, together))


def cart_trees(purchases: Purchases, settings: Settings, progress: Progress) -> CartTreesModel | None:
    """What relations of items were worth in the last days' carts; None where that cannot be told.

    Args:
        purchases: what there is to learn from.
        settings: of relations, trees and days.
        progress: hears of every step.
    """
    days, wanted, history = settings.evaluation.days, settings.bought_together, purchases.history
    carts = history.since(days).baskets()
    if not settings.cart_trees.can_learn(carts):
        return None
    before = history.before(days)
    if not before.n_orders:
        return None
    with progress.step("Learn what fills up carts"):
        baskets = Baskets.of(before)
        relation = wanted.fit_to(before, baskets).relation
        pairs = RelatedPairs.of(relation, before, baskets, purchases.catalog)
        return settings.cart_trees.fit(pairs, carts)


def bought_together(
    purchases: Purchases,
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
        purchases: what there is to learn from.
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
        neighbours = _of_these(wanted.fit_to(purchases.history, baskets), items)
    with progress.step("Write what is bought together"):
        if trees is not None:
            pairs = RelatedPairs.of(neighbours.relation, purchases.history, baskets, purchases.catalog)
            neighbours = trees.weighed(pairs)
        related = build.related(neighbours, "co_purchase", purchases.eligible, wanted.n_neighbours)
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


def similar_items(similar: ListTable, learned: Learned, settings: Settings, progress: Progress) -> ListTable:
    """What is like each item, as it is published; row r is the r-th item's list.

    That is what the same customers buy beyond chance, as `PlainLists` has it, and what new items are like.
    """
    with progress.step("Look what new items are like"):
        return with_newcomers(
            similar,
            learned.models["als"],
            learned.models["content"],
            learned.eligible,
            bought=learned.bought,
            length=settings.lists.length,
            settings=settings.reranking,
        )
