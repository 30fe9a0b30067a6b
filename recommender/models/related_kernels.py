"""The inner loop of opinions that are added up from what customers bought."""

import numpy as np
from numpy.typing import NDArray

from recommender.compiled import compiled, prefetch

_SUM = np.dtype([("row", np.int32), ("sum", np.float32)])
"""Of an item: the last row that met it, and what was added up there; side by side, to be fetched at once."""

_LINE = 16
"""Numbers that the processor fetches together."""


@compiled
def added_up(
    starts: NDArray[np.int32],
    items: NDArray[np.int32],
    weights: NDArray[np.float32],
    relation_starts: NDArray[np.int32],
    related: NDArray[np.int32],
    relations: NDArray[np.float32],
    n_items: int,
    sum_starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    sums: NDArray[np.float32],
) -> None:
    """The product of two sparse matrices, row by row, in one pass: there is room for more than there can be.

    Args:
        starts: shape (n_rows + 1,), where each row's purchases begin.
        items: what was bought.
        weights: how much each purchase counts.
        relation_starts: shape (n_items + 1,), where each item's relations begin.
        related: the other items.
        relations: how strongly.
        n_items: all there are.
        sum_starts: shape (n_rows + 1,), where each row's sums begin. Written.
        columns: each item once a row, in the order that they are met. Written as far as the last start.
        sums: likewise; added up in the order of the purchases.
    """
    sum_of, end, n_purchases = np.zeros(n_items, _SUM), 0, starts[len(starts) - 1]
    sum_starts[0] = 0
    for row in range(len(starts) - 1):
        first, this = end, row + 1
        for purchase in range(starts[row], starts[row + 1]):
            item, weight = items[purchase], weights[purchase]
            if purchase + 1 < n_purchases:
                following = items[purchase + 1]
                for entry in range(relation_starts[following], relation_starts[following + 1], _LINE):
                    prefetch(related, entry)
                    prefetch(relations, entry)
            for entry in range(relation_starts[item], relation_starts[item + 1]):
                column = related[entry]
                # Without a branch, for nobody can guess whether an item is met anew. One that is not is
                # written all the same, and overwritten by the next that is.
                new = sum_of[column].row != this
                columns[end] = column
                end += new
                before = np.float32(0) if new else sum_of[column].sum
                sum_of[column].row, sum_of[column].sum = this, before + weight * relations[entry]
        for at in range(first, end):
            sums[at] = sum_of[columns[at]].sum
        sum_starts[row + 1] = end
