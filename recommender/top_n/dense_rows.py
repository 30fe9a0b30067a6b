"""The best few columns of each row, exactly."""

import numpy as np
from numpy.typing import NDArray


def among_top_n(scores: NDArray[np.floating], n: int) -> NDArray[np.bool_]:
    """Which columns are among the best `n` of their row, shape (n_rows, n_columns).

    Ties go to the lower column. Equal to the first n of a stable sort of the negated scores, but in time
    linear in the number of columns.
    """
    n_rows, n_columns = scores.shape
    if n >= n_columns:
        return np.ones(scores.shape, bool)
    if n == 0 or n_rows == 0:
        return np.zeros(scores.shape, bool)
    worst_kept = np.partition(scores, n_columns - n, axis=1)[:, n_columns - n, None]
    chosen = scores >= worst_kept
    # Where more columns tie with the worst one kept than there are places, the leftmost fill them.
    crowded = np.flatnonzero(chosen.sum(axis=1) > n)
    if len(crowded):
        above = scores[crowded] > worst_kept[crowded]
        tied = chosen[crowded] & ~above
        places_left = n - above.sum(axis=1, keepdims=True)
        chosen[crowded] = above | (tied & (np.cumsum(tied, axis=1) <= places_left))
    return chosen
