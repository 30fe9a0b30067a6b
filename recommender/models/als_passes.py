"""How many passes of alternating least squares are made: until purchases held back are found no better."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.models.als_solver import Factors, SolverName, one_pass, solver_of

CHECKED = 2_000
"""Customers of whom a purchase is held back, at most."""

FEWEST = 500
"""With fewer customers the finding of their purchases would say more of chance than of the factors."""

_BLOCK = 64
"""Customers whose scores are held dense at a time."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """One purchase of each of some customers, to see how well it is found by the others.

    Attributes:
        customers: shape (n,), rising.
        items: shape (n,), what was held back of each.
        excess: shape (n_customers, n_items), what each purchase's confidence has beyond 1, without those.
    """

    customers: NDArray[np.intp]
    items: NDArray[np.int32]
    excess: csr_array

    @classmethod
    def of(cls, excess: csr_array, seed: int) -> "HeldBack | None":
        """Draw customers of at least two items, and one purchase of each; None where they are too few.

        Args:
            excess: shape (n_customers, n_items), of all purchases.
            seed: of the draws.
        """
        purchases = np.diff(excess.indptr)
        several = np.flatnonzero(purchases > 1)
        if len(several) < FEWEST:
            return None
        rng = np.random.default_rng(seed)
        customers = np.sort(rng.permutation(several)[:CHECKED])
        drawn = excess.indptr[customers] + rng.integers(purchases[customers])
        kept = np.ones(excess.nnz, bool)
        kept[drawn] = False
        starts = np.concatenate(
            ([0], np.cumsum(purchases - np.bincount(customers, minlength=len(purchases))))
        )
        rest = csr_array((excess.data[kept], excess.indices[kept], starts), shape=excess.shape)
        return cls(customers, excess.indices[drawn], rest)

    def found(self, factors: Factors) -> float:
        """How near the top the purchases stand among what their customers have not bought otherwise.

        The mean of 1 / log₂(1 + place): nDCG of whole lists with one item to be found. It moves a little with
        every place that a purchase rises, where a share found among so many places would jump.
        """

        def part(start: int) -> NDArray[np.float64]:
            some = slice(start, start + _BLOCK)
            customers, own = self.customers[some], self.items[some]
            scores = factors.customers[customers] @ factors.items.T
            to_exceed = scores[np.arange(len(own)), own]
            above = np.count_nonzero(scores > to_exceed[:, None], axis=1)
            bought = self.excess[customers]
            row = np.repeat(np.arange(len(own)), np.diff(bought.indptr))
            better = scores[row, bought.indices] > to_exceed[row]
            above -= np.bincount(row[better], minlength=len(own))
            return np.asarray(1 / np.log2(2 + above))

        with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
            parts = list(pool.map(part, range(0, len(self.customers), _BLOCK)))
        return float(np.concatenate(parts).mean())


@dataclass(frozen=True, slots=True)
class Passes:
    """How many are made.

    Attributes:
        solver: that makes them.
        most: passes, at least 1.
        least_gain: they end once one makes the finding of purchases held back better by less than this share.
        seed: of whose purchases are held back.
    """

    solver: SolverName
    most: int
    least_gain: float
    seed: int

    def make(self, excess: csr_array, pull: float, factors: Factors, *, going_on: bool) -> int:
        """Bring the factors to where further passes would not find more; the last pass knows all purchases.

        Args:
            excess: shape (n_customers, n_items), what each purchase's confidence has beyond 1.
            pull: of every factor towards 0.
            factors: to begin with. Changed in place.
            going_on: they are an earlier model's, and may be good enough as they are.

        Returns:
            Passes made.
        """
        made = 0
        if self.most > 1 and self.least_gain > 0 and (held_back := HeldBack.of(excess, self.seed)):
            made = self._until_found(held_back, pull, factors, going_on)
        solver = solver_of(self.solver, excess, pull)
        for _ in range(1 if made else self.most):
            one_pass(solver, factors)
            made += 1
        return made

    def _until_found(self, held_back: HeldBack, pull: float, factors: Factors, going_on: bool) -> int:
        found = self._found_before(held_back, pull, factors) if going_on else 0.0
        solver = solver_of(self.solver, held_back.excess, pull)
        for made in range(1, self.most):
            one_pass(solver, factors)
            before, found = found, held_back.found(factors)
            if found < before * (1 + self.least_gain):
                return made
        return self.most - 1

    def _found_before(self, held_back: HeldBack, pull: float, factors: Factors) -> float:
        # The earlier factors of these customers may know what is held back.
        placed = Factors(np.zeros_like(factors.customers[held_back.customers]), factors.items)
        solver_of(self.solver, held_back.excess[held_back.customers], pull).place_customers(placed)
        factors.customers[held_back.customers] = placed.customers
        return held_back.found(factors)
