"""Everybody's lists, a task a block of customers, each block written as a part of the snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyspark import Broadcast

from recommender.data.vocabulary import Vocabulary
from recommender.models.archive import save_arrays, save_model
from recommender.models.content import OwnTaste
from recommender.ranking import build
from recommender.ranking.item_traits import ItemTraits
from recommender.ranking.lists import ListTable
from recommender.ranking.past_orders import past_orders
from recommender.ranking.ranker import TreeRanker
from recommender.ranking.reranking import rerank
from recommender.ranking.reserved import Reserved

from ..list_making import reasons_of
from .frames import Schema, by_block_with, collected
from .orders import CUSTOMERS_A_BLOCK, ShopOrders, log_of
from .shared import PartOfShop, Shared, SharedWithFactors, factors_in

_WRITTEN: Schema = {"block": "int", "customers": "int"}

CUSTOMERS_SIDE: Mapping[str, str] = {
    "als": "customer_factors",
    "als_long_term": "customer_factors",
    "content": "customer_factors",
    "item_knn": "taste",
    "co_purchase": "bought",
    "co_purchase_recent": "bought",
    "buy_again": "bought",
    "linear": "bought",
}
"""Model → what of it has a row a customer."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What it takes to make anybody's lists.

    Attributes:
        shared: the models.
        ranker: orders the candidates; None where the blend has to.
        traits: of the items, for re-ranking.
        common_taste: what all customers' tastes have in common, see `OwnTaste`.
        best_sellers: row 0 is the whole shop's.
        n_customers: of the shop.
        items: of the whole shop, as order lines count them.
    """

    shared: Shared
    ranker: TreeRanker | None
    traits: ItemTraits
    common_taste: NDArray[np.float64]
    best_sellers: ListTable
    n_customers: int
    items: Vocabulary


def write_parts(orders: ShopOrders, learned: SharedWithFactors, recipe: Recipe, folder: Path) -> int:
    """Make every customer's lists; each block's are written below `folder`, in a folder by its number.

    Args:
        orders: of the shop.
        learned: where the factors are.
        recipe: what lists are made by.
        folder: on a file system that every executor and the driver see.

    Returns:
        How many blocks there are.
    """
    session = orders.session
    lines = orders.until(recipe.shared.cut).where("block >= 0")
    work = partial(_write_block, recipe=session.sparkContext.broadcast(recipe), folder=folder)
    n_blocks = -(-recipe.n_customers // CUSTOMERS_A_BLOCK)
    # A task a block: left to itself, Spark would put small blocks into one task and leave cores idle.
    lines, factors = (each.repartition(max(1, n_blocks), "block") for each in (lines, learned.factors))
    written = collected(by_block_with(lines, factors, "block", work, _WRITTEN))
    if len(written) != n_blocks:
        raise RuntimeError(f"{len(written)} of {n_blocks} blocks of customers were written")
    return n_blocks


def _write_block(
    lines: pl.DataFrame, factors: pl.DataFrame, *, recipe: "Broadcast[Recipe]", folder: Path
) -> pl.DataFrame:
    wanted = recipe.value
    block = int(lines["block"][0])
    first = block * CUSTOMERS_A_BLOCK
    n = min(CUSTOMERS_A_BLOCK, wanted.n_customers - first)
    customers = Vocabulary(tuple(map(str, range(first, first + n))))
    own = log_of(lines.with_columns(pl.col("customer") - first), customers, wanted.items)
    part = wanted.shared.part(own, factors_in(factors, first, n, wanted.shared))
    _save(part, wanted, folder / str(block))
    return pl.DataFrame({"block": [block], "customers": [n]})


def _save(part: PartOfShop, recipe: Recipe, folder: Path) -> None:
    lists = lists_of(part, recipe)
    settings, everyone = recipe.shared.settings, np.arange(len(lists), dtype=np.int32)
    save_model(lists, folder / "lists" / "recommended")
    reasons = reasons_of(part, settings, lists, everyone, recipe.best_sellers)
    save_model(reasons, folder / "lists" / "reasons")
    save_model(past_orders(part.purchases.history, part.eligible), folder / "lists" / "past_orders")
    for name, field in CUSTOMERS_SIDE.items():
        save_arrays({field: getattr(part.models[name], field)}, folder / "models" / name)


def lists_of(part: PartOfShop, recipe: Recipe) -> ListTable:
    """The lists of some customers, as `learning.recommended` makes everybody's."""
    settings, ranker = recipe.shared.settings, recipe.ranker
    everyone = np.arange(len(part.customers), dtype=np.int32)
    lists = build.recommend(
        part.models,
        settings.blend,
        everyone,
        rank=None if ranker is None else partial(ranker.scores, part.tables),
        bought=part.bought,
        eligible=part.eligible,
        length=settings.lists.length,
        per_model=settings.lists.candidates_per_model,
        reserved=Reserved(
            part.unproven,
            settings.reranking.new_item_share,
            OwnTaste(part.models["content"], recipe.common_taste),
        ),
        # Spark gives each core a task of its own.
        threads=1,
    )
    reranked = rerank(lists, settings.reranking, recipe.traits)
    known = np.diff(part.bought.indptr) > 0
    return reranked.keep(known[reranked.row_of_place()])
