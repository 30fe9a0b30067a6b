"""The inner loops of alternating least squares; all in one file, as `top_n/kernels.py` says why."""

import numpy as np
from numpy.typing import NDArray

from recommender.compiled import compiled_freely, no_literal

_SOLVED = np.float32(1e-20)
"""A squared residual this small is none: another step would only divide rounding by rounding."""

_WANTED, _THERE = no_literal(True), no_literal(False)
"""What purchases add, see `_add_purchases`."""


@compiled_freely
def solve_rows(
    rows: NDArray[np.int32],
    starts: NDArray[np.int64],
    partners: NDArray[np.int32],
    excess: NDArray[np.float32],
    others: NDArray[np.float32],
    steps: int,
    factors: NDArray[np.float32],
) -> None:
    """Bring the factors of some rows nearer to the solution of (1 + YᵀWY) x = Yᵀ(1 + w).

    Y are the factors of those bought, and w what the purchases' confidence has beyond 1. A row is solved by
    itself from its first step to its last, while what it gathers is near the processor.

    Args:
        rows: positions of the rows to be solved.
        starts: shape (n + 1,), where each row's purchases begin.
        partners: positions in `others`, the purchases of the rows one after the other.
        excess: of each purchase, w.
        others: shape (n_others, n_factors), the other side's factors.
        steps: of the conjugate gradients.
        factors: shape (n, n_factors), where the rows stand so far. Written.
    """
    n_factors = others.shape[1]
    x, residual = np.empty(n_factors, np.float32), np.empty(n_factors, np.float32)
    direction, image = np.empty(n_factors, np.float32), np.empty(n_factors, np.float32)
    for row in rows:
        for factor in range(n_factors):
            x[factor] = factors[row, factor]
            residual[factor] = -x[factor]
        _add_purchases(x, residual, partners, excess, starts[row], starts[row + 1], others, _WANTED)
        for factor in range(n_factors):
            direction[factor] = residual[factor]
        length = _product(residual, residual)
        for _ in range(steps):
            if length < _SOLVED:
                break
            for factor in range(n_factors):
                image[factor] = direction[factor]
            _add_purchases(direction, image, partners, excess, starts[row], starts[row + 1], others, _THERE)
            length = _step(x, residual, direction, image, length)
        for factor in range(n_factors):
            factors[row, factor] = x[factor]


@compiled_freely
def _add_purchases(
    vector: NDArray[np.float32],
    gained: NDArray[np.float32],
    partners: NDArray[np.int32],
    excess: NDArray[np.float32],
    start: int,
    end: int,
    others: NDArray[np.float32],
    wanted: bool,
) -> None:
    """`gained` gains YᵀWY times the vector, or what is `wanted` less that: Yᵀ(1 + w - WY x).

    Four purchases at a time, so that no sum waits for another. The arrays come whole: a part of an array that
    threads share would have them wait for each other's count of who uses it.
    """
    n_factors, one = others.shape[1], np.float32(1)
    whole = end - (end - start) % 4
    for at in range(start, whole, 4):
        first, second = others[partners[at]], others[partners[at + 1]]
        third, fourth = others[partners[at + 2]], others[partners[at + 3]]
        a = b = c = d = np.float32(0)
        for factor in range(n_factors):
            a += vector[factor] * first[factor]
            b += vector[factor] * second[factor]
            c += vector[factor] * third[factor]
            d += vector[factor] * fourth[factor]
        if wanted:
            a = one + excess[at] * (one - a)
            b = one + excess[at + 1] * (one - b)
            c = one + excess[at + 2] * (one - c)
            d = one + excess[at + 3] * (one - d)
        else:
            a *= excess[at]
            b *= excess[at + 1]
            c *= excess[at + 2]
            d *= excess[at + 3]
        for factor in range(n_factors):
            gained[factor] += a * first[factor] + b * second[factor] + c * third[factor] + d * fourth[factor]
    for at in range(whole, end):
        first = others[partners[at]]
        a = np.float32(0)
        for factor in range(n_factors):
            a += vector[factor] * first[factor]
        a = one + excess[at] * (one - a) if wanted else excess[at] * a
        for factor in range(n_factors):
            gained[factor] += a * first[factor]


@compiled_freely
def _step(
    x: NDArray[np.float32],
    residual: NDArray[np.float32],
    direction: NDArray[np.float32],
    image: NDArray[np.float32],
    length: np.float32,
) -> np.float32:
    """One step of the conjugate gradients; the new squared length of the residual."""
    curvature = _product(direction, image)
    if not curvature > 0:
        return np.float32(0)
    far = length / curvature
    for factor in range(len(x)):
        x[factor] += far * direction[factor]
        residual[factor] -= far * image[factor]
    left = _product(residual, residual)
    again = left / length
    for factor in range(len(x)):
        direction[factor] = residual[factor] + again * direction[factor]
    return left


@compiled_freely
def _product(left: NDArray[np.float32], right: NDArray[np.float32]) -> np.float32:
    """In a loop that stores nothing.

    Where a loop stores, the compiler takes vectors only if the arrays lie far enough apart in memory, and
    numbers one by one otherwise: a sum would depend on where arrays happen to lie.
    """
    total = np.float32(0)
    for at in range(len(left)):
        total += left[at] * right[at]
    return total


@compiled_freely
def add_up(
    rows: NDArray[np.int32],
    starts: NDArray[np.int64],
    partners: NDArray[np.int32],
    weights: NDArray[np.float32],
    others: NDArray[np.float32],
    sums: NDArray[np.float32],
) -> None:
    """The product of a sparse matrix with a dense one, row by row.

    Args:
        rows: positions of the rows that are wanted.
        starts: shape (n + 1,), where each row begins.
        partners: positions in `others`.
        weights: of each partner.
        others: shape (n_others, n_columns).
        sums: shape (n, n_columns). Written.
    """
    n_columns = others.shape[1]
    total = np.empty(n_columns, np.float32)
    for row in rows:
        total[:] = 0
        for at in range(starts[row], starts[row + 1]):
            partner, weight = partners[at], weights[at]
            for column in range(n_columns):
                total[column] += weight * others[partner, column]
        for column in range(n_columns):
            sums[row, column] = total[column]
