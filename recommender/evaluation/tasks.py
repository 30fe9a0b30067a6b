"""The questions that lists are asked: which purchases count, and which list answers."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.evaluation.window import Window
from recommender.ranking.build import Mode

TASKS: Mapping[str, Mode] = {
    "all": "mixed",
    "repeat": "repeat",
    "discover": "discover",
    "next_basket": "mixed",
    "cold_customers": "mixed",
    "cold_items": "discover",
}
"""Task → mode of list that is judged on it."""

COLD_ORDERS = 2
"""A customer with at most so many orders before the cut is cold: little is known of them."""


def truth_of(window: Window, task: str) -> csr_array:
    """What counts in a task, shape (n, n_items), 1 where bought; empty rows are not judged.

    - `all`: every known item ordered after the cut.
    - `repeat`: of these, what the customer had bought before; `discover`: what not.
    - `next_basket`: known items of the first order after the cut only.
    - `cold_customers`: `all` of customers with one or two orders before the cut.
    - `cold_items`: items ordered after the cut that were too new or too rare to be known at it.
    """
    match task:
        case "all":
            return window.truth
        case "repeat":
            return repeats_of(window.truth, window.bought)
        case "discover":
            return _without_zeros(csr_array(window.truth - repeats_of(window.truth, window.bought)))
        case "next_basket":
            return window.next_basket
        case "cold_customers":
            return _only_rows(window.truth, window.orders_before <= COLD_ORDERS)
        case "cold_items":
            return window.new_items
    raise ValueError(f"there is no task {task!r}; known are {', '.join(TASKS)}")


def repeats_of(truth: csr_array, bought: csr_array) -> csr_array:
    """What of `truth` the customer had bought before."""
    return _without_zeros(csr_array(truth.multiply(bought > 0)))


def _only_rows(matrix: csr_array, rows: NDArray[np.bool_]) -> csr_array:
    kept = matrix.copy()
    kept.data = kept.data * np.repeat(rows, np.diff(matrix.indptr))
    return _without_zeros(kept)


def _without_zeros(matrix: csr_array) -> csr_array:
    matrix.eliminate_zeros()
    return matrix
