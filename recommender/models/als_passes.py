"""How many passes of alternating least squares are made, and over whom.

Until purchases held back are found no better; in a large shop first over some of the customers.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.models.als_first import sketched
from recommender.models.als_solver import Factors, SolverName, one_pass, solver_of

CHECKED = 2_000
"""Customers of whom a purchase is held back to see when to stop, at most."""

FEWEST = 500
"""With fewer customers the finding of their purchases would say more of chance than of the factors."""

DRAWN = 100_000
"""Customers of a large shop that most passes are made over, at most, and never more than half of all."""

WORTH_DRAWING = 20_000
"""With fewer customers a pass over all of them takes no time."""

GOING_ON = 2
"""Passes over everybody that follow item factors which are nearly right; a third finds no more."""

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
    def of(cls, excess: csr_array, seed: int, most: int = CHECKED) -> "HeldBack | None":
        """Draw customers of at least two items, and one purchase of each; None where they are too few.

        Args:
            excess: shape (n_customers, n_items), of all purchases.
            seed: of the draws.
            most: customers.
        """
        purchases = np.diff(excess.indptr)
        several = np.flatnonzero(purchases > 1)
        if len(several) < FEWEST:
            return None
        rng = np.random.default_rng(seed)
        customers = np.sort(rng.permutation(several)[:most])
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
        least_gain: they end once one makes the finding of purchases held back better by less than this share;
            0 makes all of them, over everybody.
        seed: of who is drawn, and of whose purchases are held back.
    """

    solver: SolverName
    most: int
    least_gain: float
    seed: int

    def from_nothing(self, excess: csr_array, pull: float, n_factors: int) -> tuple[Factors, int]:
        """Factors that further passes would not find more with; the last pass knows all purchases.

        Args:
            excess: shape (n_customers, n_items), what each purchase's confidence has beyond 1.
            pull: of every factor towards 0.
            n_factors: numbers that describe a customer or an item.

        Returns:
            The factors, and how many passes were made.
        """
        some = self._drawn(excess) if self.least_gain > 0 else excess
        last = 1 if some is excess else GOING_ON
        held_back = HeldBack.of(some, self.seed) if self.most > last and self.least_gain > 0 else None
        if held_back is None:
            factors = sketched(excess, pull, n_factors, self.seed)
            return self._made(self.most, excess, pull, factors), self.most
        own_pull = pull * noise(some) / noise(excess)
        factors = sketched(some, own_pull, n_factors, self.seed)
        made = self._until_found(held_back, own_pull, factors, self.most - last)
        if some is not excess:
            return self.going_on(excess, pull, factors.items), made + last
        return self._made(last, excess, pull, factors), made + last

    def going_on(self, excess: csr_array, pull: float, items: NDArray[np.float32]) -> Factors:
        """Factors of everybody, from those of items that are nearly right.

        Args:
            excess: see `from_nothing`.
            pull: see `from_nothing`.
            items: shape (n_items, n_factors), to begin with. Changed in place.
        """
        nobody = np.zeros((excess.shape[0], items.shape[1]), np.float32)
        return self._made(min(GOING_ON, self.most), excess, pull, Factors(nobody, items))

    def _drawn(self, excess: csr_array) -> csr_array:
        """Some of a large shop's customers, all of another's."""
        customers = excess.shape[0]
        if customers < WORTH_DRAWING:
            return excess
        drawn = np.random.default_rng(self.seed).permutation(customers)[: min(DRAWN, customers // 2)]
        return excess[np.sort(drawn)]

    def _made(self, passes: int, excess: csr_array, pull: float, factors: Factors) -> Factors:
        solver = solver_of(self.solver, excess, pull)
        for _ in range(passes):
            one_pass(solver, factors)
        return factors

    def _until_found(self, held_back: HeldBack, pull: float, factors: Factors, most: int) -> int:
        """Change the factors until they find no more; how many passes that took."""
        solver, found = solver_of(self.solver, held_back.excess, pull), 0.0
        for made in range(1, most + 1):
            one_pass(solver, factors)
            before, found = found, held_back.found(factors)
            if found < before * (1 + self.least_gain):
                return made
        return most


def noise(excess: csr_array) -> float:
    """How large the singular values of pure noise grow: √customers + √items, counting those that occur."""
    customers = np.count_nonzero(np.diff(excess.indptr))
    items = np.count_nonzero(np.bincount(excess.indices))
    return float(np.sqrt(customers) + np.sqrt(items))
