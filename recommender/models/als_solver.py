"""Alternating least squares, pass by pass: the library `implicit`, and compiled loops of our own."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from recommender.blocks import bounded_blocks
from recommender.errors import ConfigError
from recommender.models.als_kernels import solve_rows

SolverName = Literal["batched", "implicit"]

STEPS = 2
"""Steps of the conjugate gradients in a pass of ours, each from where the last pass ended.

Takács, Pilászy & Tikk, "Applications of the conjugate gradient method for implicit feedback collaborative
filtering", RecSys 2011. Two lead further than three of `implicit`, since ours are preconditioned.
"""

_WORK = 65_536
"""Purchases that a thread works on at a time, a row itself counting as `_ROW` of them."""

_ROW = 32

_ROWS = 8_192
"""Rows that a product of matrices takes at a time."""

_LEAST_PULL = 1e-6
"""Pull in units of the mean squared length of a factor: less than single precision would notice."""


@dataclass(frozen=True, slots=True)
class Factors:
    """How far the solution has come; a pass changes the arrays in place.

    Attributes:
        customers: shape (n_customers, n_factors) float32.
        items: shape (n_items, n_factors) float32.
    """

    customers: NDArray[np.float32]
    items: NDArray[np.float32]

    def copy(self) -> "Factors":
        """The same in arrays of its own."""
        return Factors(self.customers.copy(), self.items.copy())


class Solver(Protocol):
    """Knows the purchases and the pull; the factors are given to it."""

    def place_customers(self, factors: Factors) -> None:
        """Solve every customer's equations with the items as they are."""
        ...

    def place_items(self, factors: Factors) -> None:
        """Solve every item's equations with the customers as they are."""
        ...


def solver_of(name: SolverName, excess: csr_array, pull: float) -> Solver:
    """A solver of the objective that `objective` works out.

    Args:
        name: which.
        excess: shape (n_customers, n_items) float32, what each purchase's confidence has beyond 1.
        pull: of every factor towards 0.
    """
    return BatchedSolver.of(excess, pull) if name == "batched" else ImplicitSolver.of(excess, pull)


def one_pass(solver: Solver, factors: Factors) -> None:
    """Solve every customer's equations, then every item's; the factors are changed in place."""
    solver.place_customers(factors)
    solver.place_items(factors)


def objective(excess: csr_array, pull: float, factors: Factors) -> float:
    """What alternating least squares makes small (equation 3 of Hu, Koren & Volinsky, ICDM 2008).

    Σ c (p - xᵀy)² over all customers and items, p being 1 and c above 1 where something was bought and both
    0 and 1 elsewhere, and the pull times the squared length of all factors.
    """
    items = factors.items.astype(np.float64)
    everywhere, bought = 0.0, 0.0
    gram = items.T @ items
    for rows in bounded_blocks(np.diff(excess.indptr) + 1, _WORK):
        some, customers = excess[rows], factors.customers[rows].astype(np.float64)
        row = np.repeat(np.arange(len(customers)), np.diff(some.indptr))
        product = np.einsum("pf,pf->p", customers[row], items[some.indices])
        bought += float((1 + some.data) @ np.square(1 - product) - product @ product)
        everywhere += float(np.einsum("cf,fg,cg->", customers, gram, customers, optimize=True))
    lengths = sum(float(np.square(side, dtype=np.float64).sum()) for side in (factors.customers, items))
    return bought + everywhere + pull * lengths


@dataclass(frozen=True, slots=True)
class ImplicitSolver:
    """The reference: the passes of `implicit`.

    Attributes:
        als: has the settings, and no factors.
        customers: shape (n_customers, n_items), the whole confidence of each purchase.
        items: the same by items.
    """

    als: AlternatingLeastSquares
    customers: csr_matrix
    items: csr_matrix

    @classmethod
    def of(cls, excess: csr_array, pull: float) -> "ImplicitSolver":
        """See `solver_of`."""
        # implicit takes the older sparse matrix class only, and the whole confidence, not what exceeds 1.
        confidence = csr_matrix((1 + excess.data, excess.indices, excess.indptr), shape=excess.shape)
        # It looks for BLAS threads as soon as it is made, and warns of them.
        with threadpool_limits(1, "blas"):
            als = AlternatingLeastSquares(regularization=pull)
        return cls(als, confidence, confidence.T.tocsr())

    def place_customers(self, factors: Factors) -> None:
        """See `Solver.place_customers`."""
        self._solve(self.customers, factors.customers, factors.items)

    def place_items(self, factors: Factors) -> None:
        """See `Solver.place_items`."""
        self._solve(self.items, factors.items, factors.customers)

    def _solve(self, purchases: csr_matrix, own: NDArray[np.float32], others: NDArray[np.float32]) -> None:
        # implicit runs its own threads over rows; BLAS threads beside them only get in their way.
        with threadpool_limits(1, "blas"):
            self.als.solver(purchases, own, others, self.als.regularization, num_threads=0)


@dataclass(frozen=True, slots=True)
class BatchedSolver:
    """Compiled loops, in coordinates in which the part that all equations share is 1.

    To and from those coordinates all factors go together, in products of matrices, so the loops see nothing
    but the purchases. It also is the best preconditioner that is the same for all rows. Every row is solved
    by itself, and products are taken in blocks that depend on the shop alone, so the result is the same
    whatever the number of threads.

    Attributes:
        customers: each customer's equations.
        items: each item's.
        pull: of every factor towards 0.
        threads: that share the rows.
    """

    customers: "Side"
    items: "Side"
    pull: float
    threads: int

    @classmethod
    def of(cls, excess: csr_array, pull: float, *, threads: int | None = None) -> "BatchedSolver":
        """See `solver_of`; by default there are as many threads as processors."""
        by_item = excess.T.tocsr()
        return cls(Side.of(excess), Side.of(by_item), pull, threads or os.cpu_count() or 1)

    def place_customers(self, factors: Factors) -> None:
        """See `Solver.place_customers`."""
        self._solve(self.customers, factors.customers, factors.items)

    def place_items(self, factors: Factors) -> None:
        """See `Solver.place_items`."""
        self._solve(self.items, factors.items, factors.customers)

    def _solve(self, side: "Side", own: NDArray[np.float32], others: NDArray[np.float32]) -> None:
        # Who bought nothing, or what nobody bought, has nothing to say.
        own[side.silent] = 0
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(self.threads) as pool:
            there, back = _coordinates(_gram(others, pool), self.pull)
            seen = np.empty_like(others)
            _multiply(others, back, seen, pool)
            _multiply(own, there, own, pool)

            def part(rows: NDArray[np.int32]) -> None:
                solve_rows(rows, side.starts, side.partners, side.excess, seen, STEPS, own)

            for _ in pool.map(part, side.parts()):
                pass
            _multiply(own, back.T.copy(), own, pool)


@dataclass(frozen=True, slots=True)
class Side:
    """Customers or items with what they bought, or by whom they were bought.

    Attributes:
        rows: shape (n,) int32, positions of those with purchases, those with most first.
        silent: positions of the others.
        starts: shape (n_rows + 1,) int64, where each row's purchases begin.
        partners: positions on the other side.
        excess: what the confidence of each purchase has beyond 1, or another weight of it.
    """

    rows: NDArray[np.int32]
    silent: NDArray[np.int32]
    starts: NDArray[np.int64]
    partners: NDArray[np.int32]
    excess: NDArray[np.float32]

    @classmethod
    def of(cls, excess: csr_array) -> "Side":
        """The rows of a matrix."""
        purchases = np.diff(excess.indptr)
        rows = np.argsort(-purchases, kind="stable").astype(np.int32)
        n = np.count_nonzero(purchases)
        return cls(
            rows[:n],
            rows[n:],
            excess.indptr.astype(np.int64),
            excess.indices.astype(np.int32, copy=False),
            excess.data.astype(np.float32, copy=False),
        )

    def parts(self) -> Iterator[NDArray[np.int32]]:
        """The rows in parts of about equal work."""
        work = self.starts[self.rows + 1] - self.starts[self.rows] + _ROW
        return (self.rows[some] for some in bounded_blocks(work, _WORK))


def _gram(factors: NDArray[np.float32], pool: ThreadPoolExecutor) -> NDArray[np.float64]:
    """The products of all factors with each other, added up in one order whatever the number of threads."""

    def part(start: int) -> NDArray[np.float32]:
        some = factors[start : start + _ROWS]
        return some.T @ some

    total = np.zeros((factors.shape[1], factors.shape[1]))
    for product in pool.map(part, range(0, len(factors), _ROWS)):
        total += product
    return total


def _coordinates(gram: NDArray[np.float64], pull: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What own factors are multiplied by, and others', so that the part of the equations all share becomes 1.

    With A = LLᵀ that part, the own are multiplied by L and the others by L⁻ᵀ: products of the two stay.

    Raises:
        ConfigError: factors have grown beyond what can be told apart.
    """
    n_factors = len(gram)
    # Without a pull the factors may not tell all directions apart.
    pull = max(pull, _LEAST_PULL * float(np.trace(gram)) / n_factors)
    try:
        lower = np.linalg.cholesky(gram + pull * np.eye(n_factors))
        back = np.linalg.inv(lower).T
    except np.linalg.LinAlgError as error:
        raise ConfigError(
            f"als found no factors ({error}): lower regularization or alpha in [models.als]"
        ) from error
    return lower.astype(np.float32), back.astype(np.float32)


def _multiply(
    factors: NDArray[np.float32],
    matrix: NDArray[np.float32],
    into: NDArray[np.float32],
    pool: ThreadPoolExecutor,
) -> None:
    """Every row times a matrix; `into` may be the rows themselves."""

    def part(start: int) -> None:
        some = slice(start, start + _ROWS)
        into[some] = factors[some] @ matrix

    for _ in pool.map(part, range(0, len(factors), _ROWS)):
        pass
