"""The best few columns of each row, exactly."""

import numpy as np
from numpy.typing import NDArray


def top_n(scores: NDArray[np.floating], n: int) -> NDArray[np.intp]:
    """Best n columns of each row, best first, shape (n_rows, min(n, n_columns)).

    Ties go to the lower column. Equal to a stable sort of the negated scores, but in time linear in
    the number of columns.
    """
    n_columns = scores.shape[1]
    n = min(n, n_columns)
    if n == 0 or scores.shape[0] == 0:
        return np.zeros((scores.shape[0], n), np.intp)
    worst_kept = np.partition(scores, n_columns - n, axis=1)[:, n_columns - n, None]
    above = scores > worst_kept
    # Of the columns that tie with the worst one kept, the leftmost fill the places that are left.
    tied = scores == worst_kept
    places_left = n - above.sum(axis=1, keepdims=True)
    chosen = above | (tied & (np.cumsum(tied, axis=1) <= places_left))
    columns = np.nonzero(chosen)[1].reshape(-1, n)
    best_first = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, best_first, axis=1)
