"""Reasons that follow from what was bought: by the customer, by others, by the whole shop."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from recommender.blocks import bounded_blocks
from recommender.compiled import compiled
from recommender.models.protocol import RelatesItems
from recommender.ranking.feature_columns import pair_key
from recommender.ranking.features import FeatureTables
from recommender.ranking.lists import ListTable
from recommender.ranking.reasons import (
    BECAUSE_YOU_BOUGHT,
    BOUGHT_AGAIN,
    BOUGHT_BEFORE,
    NONE,
    POPULAR,
    POPULAR_IN_CATEGORY,
    Reasons,
)

FEWEST_PURCHASES = 3
"""Purchases of an item from which on its gaps, two at least, are called a rhythm."""

_BLOCK_ENTRIES = 10_000_000
"""Purchases × relations that a thread looks at a time: some tens of milliseconds."""


def purchase_reasons(
    table: ListTable,
    tables: FeatureTables,
    models: Sequence[RelatesItems],
    *,
    customers: NDArray[np.int32],
    popular: NDArray[np.bool_],
    popular_in_category: NDArray[np.bool_],
) -> Reasons:
    """Why each place of the customers' lists is there.

    An item bought before has its own purchases for a reason. Of a new one it is the purchase without which
    its score by the first model that knows of one would fall most. Where there is none, it is what others
    buy.

    Args:
        table: lists.
        tables: what was known of the pairs of customer and item when the lists were made.
        models: what relates items to each other, the one to be asked first at the beginning.
        customers: shape (n_rows,), whose list each row of the table is.
        popular: shape (n_items,), whether the item is among the shop's best sellers.
        popular_in_category: likewise among those of its category.

    Returns:
        A reason a place; kind `NONE` where nothing can be said.
    """
    kinds = np.full(len(table.items), NONE, np.uint8)
    values = np.zeros(len(table.items), np.int32)
    kinds[popular[table.items]] = POPULAR
    kinds[popular_in_category[table.items]] = POPULAR_IN_CATEGORY
    anchors = [strongest_purchase(table, model, customers) for model in models]
    anchor = _first_known(anchors, len(table.items))
    because = (anchor >= 0) & ~table.bought
    kinds[because], values[because] = BECAUSE_YOU_BOUGHT, anchor[because]
    again = np.flatnonzero(table.bought)
    kinds[again], values[again] = _of_own_purchases(table, tables, customers, again)
    return Reasons(kinds, values)


def strongest_purchase(
    table: ListTable, model: RelatesItems, customers: NDArray[np.int32]
) -> NDArray[np.int32]:
    """For each place the customer's purchase that adds most to the item's score by a model.

    Args:
        table: lists.
        model: scores an item by what it is related to of what the customer bought.
        customers: shape (n_rows,), whose list each row of the table is.

    Returns:
        Shape (n_places,) item positions; -1 for an item bought before, and for one that is related to none
        of the purchases. Of equally strong purchases it is the lower item.
    """
    bought, relation = model.purchases, model.neighbours.relation
    before = np.concatenate(([0], np.cumsum(np.diff(relation.indptr)[bought.indices])))
    work = np.diff(before[bought.indptr])[customers]
    found = np.full(len(table.items), -1, np.int32)

    def block(rows: slice) -> None:
        _strongest_of(
            table.starts[rows.start : rows.stop + 1], table.items, table.bought, customers[rows],
            bought.indptr, bought.indices, bought.data, relation.indptr, relation.indices, relation.data,
            relation.shape[1], found,
        )  # fmt: skip

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(block, bounded_blocks(work, _BLOCK_ENTRIES)))
    return found


@compiled
def _strongest_of(
    starts: NDArray[np.int64],
    items: NDArray[np.int32],
    bought_before: NDArray[np.bool_],
    customers: NDArray[np.int32],
    purchase_starts: NDArray[np.int32],
    purchases: NDArray[np.int32],
    weights: NDArray[np.float32],
    relation_starts: NDArray[np.int32],
    related: NDArray[np.int32],
    relations: NDArray[np.float32],
    n_items: int,
    found: NDArray[np.int32],
) -> None:
    """Fill in the strongest purchase of the new items in some lists.

    Args:
        starts: shape (n_rows + 1,), where the lists begin in the places.
        items: shape (n_places,), as the following.
        bought_before: what is not new.
        customers: shape (n_rows,), whose lists they are.
        purchase_starts: where each customer's purchases begin.
        purchases: items bought.
        weights: how much each purchase counts.
        relation_starts: where each item's relations begin.
        related: the other items.
        relations: how strongly.
        n_items: all there are.
        found: shape (n_places,), -1. Written.
    """
    place_of, most = np.full(n_items, -1, np.int64), np.zeros(starts[-1] - starts[0], np.float32)
    first = starts[0]
    for row in range(len(customers)):
        for place in range(starts[row], starts[row + 1]):
            if not bought_before[place]:
                place_of[items[place]] = place
        for purchase in range(purchase_starts[customers[row]], purchase_starts[customers[row] + 1]):
            anchor, weight = purchases[purchase], weights[purchase]
            for entry in range(relation_starts[anchor], relation_starts[anchor + 1]):
                place = place_of[related[entry]]
                if place >= 0:
                    added, at = weight * relations[entry], place - first
                    # What has faded to nothing is still there, and adds 0.
                    lower = added == most[at] and anchor < found[place]
                    if added > 0 and (added > most[at] or lower):
                        most[at], found[place] = added, anchor
        for place in range(starts[row], starts[row + 1]):
            place_of[items[place]] = -1


def _first_known(anchors: Sequence[NDArray[np.int32]], n: int) -> NDArray[np.int32]:
    first = np.full(n, -1, np.int32)
    for anchor in anchors:
        first = np.where(first >= 0, first, anchor)
    return first


def _of_own_purchases(
    table: ListTable, tables: FeatureTables, customers: NDArray[np.int32], again: NDArray[np.intp]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Kind and value for the places, at these positions, of items that the customer bought before."""
    wanted = pair_key(customers[table.row_of_place()[again]], table.items[again], tables.n_items)
    at = np.searchsorted(tables.pair_keys, wanted)
    times, gap = tables.pairs["times"][at], tables.pairs["gap"][at]
    # Of several purchases within a day no rhythm can be told.
    rhythm = (times >= FEWEST_PURCHASES) & (gap >= 1)
    kinds = np.where(rhythm, BOUGHT_AGAIN, BOUGHT_BEFORE)
    return kinds.astype(np.uint8), np.where(rhythm, np.rint(gap), times).astype(np.int32)
