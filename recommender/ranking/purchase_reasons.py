"""Reasons that follow from what was bought: by the customer, by others, by the whole shop."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.blocks import bounded_blocks
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

_BLOCK_ENTRIES = 1_000_000
"""Cells of customer × item, and purchases × relations, looked at together: some tens of megabytes."""


def purchase_reasons(
    table: ListTable,
    tables: FeatureTables,
    models: Sequence[RelatesItems],
    *,
    popular: NDArray[np.bool_],
    popular_in_category: NDArray[np.bool_],
) -> Reasons:
    """Why each place of the customers' lists is there.

    An item bought before has its own purchases for a reason. Of a new one it is the purchase without which
    its score by the first model that knows of one would fall most. Where there is none, it is what others
    buy.

    Args:
        table: row r is the list of customer r.
        tables: what was known of the pairs of customer and item when the lists were made.
        models: what relates items to each other, the one to be asked first at the beginning.
        popular: shape (n_items,), whether the item is among the shop's best sellers.
        popular_in_category: likewise among those of its category.

    Returns:
        A reason a place; kind `NONE` where nothing can be said.
    """
    kinds = np.full(len(table.items), NONE, np.uint8)
    values = np.zeros(len(table.items), np.int32)
    kinds[popular[table.items]] = POPULAR
    kinds[popular_in_category[table.items]] = POPULAR_IN_CATEGORY
    anchor = _first_known([strongest_purchase(table, model) for model in models], len(table.items))
    because = (anchor >= 0) & ~table.bought
    kinds[because], values[because] = BECAUSE_YOU_BOUGHT, anchor[because]
    again = np.flatnonzero(table.bought)
    kinds[again], values[again] = _of_own_purchases(table, tables, again)
    return Reasons(kinds, values)


def strongest_purchase(table: ListTable, model: RelatesItems) -> NDArray[np.int32]:
    """For each place the customer's purchase that adds most to the item's score by a model.

    Args:
        table: row r is the list of customer r.
        model: scores an item by what it is related to of what the customer bought.

    Returns:
        Shape (n_places,) item positions; -1 for an item bought before, and for one that is related to none
        of the purchases. Of equally strong purchases it is the lower item.
    """
    bought, n_related = model.purchases, np.diff(model.neighbours.relation.indptr)
    before = np.concatenate(([0], np.cumsum(n_related[bought.indices])))
    work = bought.shape[1] + np.diff(before[bought.indptr])
    found = [_strongest_of(table, rows, model) for rows in bounded_blocks(work, _BLOCK_ENTRIES)]
    return np.concatenate([np.zeros(0, np.int32), *found])


def _strongest_of(table: ListTable, rows: slice, model: RelatesItems) -> NDArray[np.int32]:
    places = slice(int(table.starts[rows.start]), int(table.starts[rows.stop]))
    items, new = table.items[places], ~table.bought[places]
    row = np.repeat(np.arange(rows.stop - rows.start), np.diff(table.starts[rows.start : rows.stop + 1]))
    bought, relation = model.purchases[rows], model.neighbours.relation
    place_of = np.full(bought.shape, -1, np.int32)
    place_of[row[new], items[new]] = np.flatnonzero(new)
    purchase, entry = _related(bought, relation)
    buyer = np.repeat(np.arange(bought.shape[0]), np.diff(bought.indptr))
    place = place_of[buyer[purchase], relation.indices[entry]]
    added = bought.data[purchase] * relation.data[entry]
    # What has faded to nothing is still there, as a zero.
    counts = (place >= 0) & (added > 0)
    place, anchor, added = place[counts], bought.indices[purchase[counts]], added[counts]
    order = np.lexsort((anchor, -added, place))
    first = order[np.diff(place[order], prepend=-1) != 0]
    strongest = np.full(len(items), -1, np.int32)
    strongest[place[first]] = anchor[first]
    return strongest


def _related(bought: csr_array, relation: csr_array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every purchase with every relation of its item, as positions in the two matrices' entries."""
    n_related = np.diff(relation.indptr)[bought.indices]
    begins = np.cumsum(n_related) - n_related
    purchase = np.repeat(np.arange(len(n_related)), n_related)
    entry = np.arange(len(purchase)) - begins[purchase] + relation.indptr[bought.indices[purchase]]
    return purchase, entry


def _first_known(anchors: Sequence[NDArray[np.int32]], n: int) -> NDArray[np.int32]:
    first = np.full(n, -1, np.int32)
    for anchor in anchors:
        first = np.where(first >= 0, first, anchor)
    return first


def _of_own_purchases(
    table: ListTable, tables: FeatureTables, again: NDArray[np.intp]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Kind and value for the places, at these positions, of items that the customer bought before."""
    wanted = pair_key(table.row_of_place()[again], table.items[again], tables.n_items)
    at = np.searchsorted(tables.pair_keys, wanted)
    times, gap = tables.pairs["times"][at], tables.pairs["gap"][at]
    # Of several purchases within a day no rhythm can be told.
    rhythm = (times >= FEWEST_PURCHASES) & (gap >= 1)
    kinds = np.where(rhythm, BOUGHT_AGAIN, BOUGHT_BEFORE)
    return kinds.astype(np.uint8), np.where(rhythm, np.rint(gap), times).astype(np.int32)
