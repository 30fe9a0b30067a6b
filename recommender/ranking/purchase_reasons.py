"""Reasons that follow from what was bought: by the customer, by others, by the whole shop."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from recommender.blocks import bounded_blocks
from recommender.compiled import compiled
from recommender.models.protocol import RelatesItems
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

_BLOCK_PLACES = 2_000_000
"""Places of lists whose reasons are looked for together."""
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

    def of_rows(rows: slice) -> Reasons:
        return _of_rows(table.rows(rows), tables, models, customers[rows], popular, popular_in_category)

    # Some rows at a time: what is looked up meanwhile takes several times the memory of the lists.
    parts = [of_rows(rows) for rows in bounded_blocks(np.diff(table.starts), _BLOCK_PLACES)]
    return Reasons(
        np.concatenate([np.zeros(0, np.uint8), *(part.kinds for part in parts)]),
        np.concatenate([np.zeros(0, np.int32), *(part.values for part in parts)]),
    )


def _of_rows(
    table: ListTable,
    tables: FeatureTables,
    models: Sequence[RelatesItems],
    customers: NDArray[np.int32],
    popular: NDArray[np.bool_],
    popular_in_category: NDArray[np.bool_],
) -> Reasons:
    kinds = np.full(len(table.items), NONE, np.uint8)
    values = np.zeros(len(table.items), np.int32)
    kinds[popular[table.items]] = POPULAR
    kinds[popular_in_category[table.items]] = POPULAR_IN_CATEGORY
    anchor = np.full(len(table.items), -1, np.int32)
    for model in models:
        unknown = (anchor < 0) & ~table.bought
        anchor[unknown] = strongest_purchase(table, model, customers, unknown)[unknown]
    because = anchor >= 0
    kinds[because], values[because] = BECAUSE_YOU_BOUGHT, anchor[because]
    again = np.flatnonzero(table.bought)
    kinds[again], values[again] = _of_own_purchases(table, tables, customers, again)
    return Reasons(kinds, values)


def strongest_purchase(
    table: ListTable, model: RelatesItems, customers: NDArray[np.int32], asked: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """For each place the customer's purchase that adds most to the item's score by a model.

    Args:
        table: lists.
        model: scores an item by what it is related to of what the customer bought.
        customers: shape (n_rows,), whose list each row of the table is.
        asked: shape (n_places,), places that the purchase is looked for of.

    Returns:
        Shape (n_places,) item positions; -1 for a place not asked for, and for an item that is related to
        none of the purchases. Of equally strong purchases it is the lower item.
    """
    bought, relation = model.purchases, model.neighbours.relation
    theirs = bought[customers]
    before = np.concatenate(([0], np.cumsum(np.diff(relation.indptr)[theirs.indices])))
    work = np.diff(before[theirs.indptr])
    found = np.full(len(table.items), -1, np.int32)

    def block(rows: slice) -> None:
        _strongest_of(
            table.starts[rows.start : rows.stop + 1], table.items, asked, customers[rows],
            bought.indptr, bought.indices, bought.data, relation.indptr, relation.indices, relation.data,
            found,
        )  # fmt: skip

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(block, bounded_blocks(work, _BLOCK_ENTRIES)))
    return found


@compiled
def _strongest_of(
    starts: NDArray[np.int64],
    items: NDArray[np.int32],
    asked: NDArray[np.bool_],
    customers: NDArray[np.int32],
    purchase_starts: NDArray[np.int32],
    purchases: NDArray[np.int32],
    weights: NDArray[np.float32],
    relation_starts: NDArray[np.int32],
    related: NDArray[np.int32],
    relations: NDArray[np.float32],
    found: NDArray[np.int32],
) -> None:
    """Fill in the strongest purchase of the items asked for in some lists.

    Args:
        starts: shape (n_rows + 1,), where the lists begin in the places.
        items: shape (n_places,), as the following.
        asked: whether the place is asked for.
        customers: shape (n_rows,), whose lists they are.
        purchase_starts: where each customer's purchases begin.
        purchases: items bought.
        weights: how much each purchase counts.
        relation_starts: shape (n_items + 1,), where each item's relations begin.
        related: the other items.
        relations: how strongly.
        found: shape (n_places,), -1. Written.
    """
    n_items, longest, widest = len(relation_starts) - 1, 0, 0
    for item in range(n_items):
        longest = max(longest, relation_starts[item + 1] - relation_starts[item])
    for row in range(len(customers)):
        widest = max(widest, starts[row + 1] - starts[row])
    # Of each item its place in the list, counted from 1; small enough for the processor to keep at hand.
    place_of, most = np.zeros(n_items, np.int32), np.zeros(widest + 1, np.float32)
    hits = np.empty(max(longest, 1), np.uint32)
    for row in range(len(customers)):
        before, n_asked = starts[row] - 1, 0
        for place in range(starts[row], starts[row + 1]):
            if asked[place]:
                place_of[items[place]], most[place - before] = place - before, 0
                n_asked += 1
        if n_asked == 0:
            continue
        for purchase in range(purchase_starts[customers[row]], purchase_starts[customers[row] + 1]):
            anchor, weight, n = purchases[purchase], weights[purchase], np.uint64(0)
            # Few relations are of an item in the list, and which ones no processor guesses: no branch asks.
            for entry in range(np.uint64(relation_starts[anchor]), np.uint64(relation_starts[anchor + 1])):
                hits[n] = entry
                n += np.uint64(place_of[related[entry]] > 0)
            for turn in range(n):
                entry = hits[turn]
                at = place_of[related[entry]]
                added, place = weight * relations[entry], before + at
                # What has faded to nothing is still there, and adds 0.
                lower = added == most[at] and anchor < found[place]
                if added > 0 and (added > most[at] or lower):
                    most[at], found[place] = added, anchor
        for place in range(starts[row], starts[row + 1]):
            place_of[items[place]] = 0


def _of_own_purchases(
    table: ListTable, tables: FeatureTables, customers: NDArray[np.int32], again: NDArray[np.intp]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Kind and value for the places, at these positions, of items that the customer bought before."""
    times, gap = tables.rhythms(customers, table.row_of_place()[again], table.items[again])
    # Of several purchases within a day no rhythm can be told.
    rhythm = (times >= FEWEST_PURCHASES) & (gap >= 1)
    kinds = np.where(rhythm, BOUGHT_AGAIN, BOUGHT_BEFORE)
    return kinds.astype(np.uint8), np.where(rhythm, np.rint(gap), times).astype(np.int32)
