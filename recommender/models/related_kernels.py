"""The inner loop of opinions that are added up from what customers bought."""

import numpy as np
from numpy.typing import NDArray

from recommender.compiled import compiled


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
    seen, place = np.full(n_items, -1, np.int32), np.empty(n_items, np.int32)
    end = 0
    sum_starts[0] = 0
    for row in range(len(starts) - 1):
        for purchase in range(starts[row], starts[row + 1]):
            item, weight = items[purchase], weights[purchase]
            for entry in range(relation_starts[item], relation_starts[item + 1]):
                column = related[entry]
                if seen[column] != row:
                    seen[column], place[column] = row, end
                    columns[end], sums[end] = column, np.float32(0)
                    end += 1
                sums[place[column]] += weight * relations[entry]
        sum_starts[row + 1] = end
