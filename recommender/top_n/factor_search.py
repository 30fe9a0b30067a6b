"""Exactly the best items of every customer by the product of their factors, without scoring them all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.top_n.kernels import products, search, settle
from recommender.top_n.row_kernels import masked_places

_WIDTH = 1_024
"""Items of a block: with those of 256 customers, products that stay in the processor's second cache."""

_FEWEST_SPARE, _MOST_SPARE = 4, 20
"""Items found beyond those wanted, so that what single precision cannot tell apart is among them."""

_ROUNDING = 2.0**-23
"""Twice the largest relative error of one operation in single precision."""

_LONGER = 1.0001
"""What a length is multiplied by, so that no rounding makes a product larger than that of the lengths."""


@dataclass(frozen=True, slots=True)
class Found:
    """The best items of some customers.

    Attributes:
        items: shape (n, wanted) int32, item positions, best first; -1 where there are fewer.
        scores: shape (n, wanted) float64; -inf where there are fewer.
        scored_in_full: customers for whom every item had to be scored.
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float64]
    scored_in_full: int = 0


@dataclass(frozen=True, slots=True)
class FactorSearch:
    """Items in the order of their length, ready to be searched.

    A score is the product of a customer's and an item's factors in double precision, added up in one fixed
    order (`kernels._product`). Single precision only says which items need to be looked at, and
    how far it may be off is known, so the result does not depend on how customers are put together, on the
    number of threads, or on the BLAS in use.

    Items whose length cannot reach the list are passed over, after Bachrach et al., "Speeding up the Xbox
    recommender system using a Euclidean transformation for inner-product spaces", RecSys 2014, and Teflioudi,
    Gemulla & Mykytiuk, "LEMP: fast retrieval of large entries in a matrix product", SIGMOD 2015.

    Attributes:
        position: shape (n,) int32, positions of the items that may be found, longest first.
        place: shape (n_items,) int32, where each item stands in that order; -1 where it may not be found.
        factors: shape (n, n_factors) float32, in that order.
        blocks: shape (n_blocks, n_factors, width) float32, the same in blocks.
        longest: shape (n_blocks,) float64, no less than the length of any item of the block.
        n_not_zero: items with a factor other than 0; they stand first.
    """

    position: NDArray[np.int32]
    place: NDArray[np.int32]
    factors: NDArray[np.float32]
    blocks: NDArray[np.float32]
    longest: NDArray[np.float64]
    n_not_zero: int

    @classmethod
    def over(cls, item_factors: NDArray[np.float32], eligible: NDArray[np.bool_]) -> "FactorSearch":
        """Prepare the search.

        Args:
            item_factors: shape (n_items, n_factors), finite.
            eligible: shape (n_items,), False forbids an item.
        """
        length = _lengths(item_factors)
        allowed = np.flatnonzero(eligible)
        position = allowed[np.argsort(-length[allowed], kind="stable")].astype(np.int32)
        place = np.full(len(item_factors), -1, np.int32)
        place[position] = np.arange(len(position), dtype=np.int32)
        factors = np.ascontiguousarray(item_factors[position], np.float32)
        blocks = np.zeros((-(-len(position) // _WIDTH), factors.shape[1], _WIDTH), np.float32)
        for number, block in enumerate(blocks):
            some = factors[number * _WIDTH : (number + 1) * _WIDTH]
            block[:, : len(some)] = some.T
        longest = length[position[::_WIDTH]] * _LONGER
        return cls(position, place, factors, blocks, longest, int(np.count_nonzero(length[position])))

    def best(
        self, customer_factors: NDArray[np.float32], n: int, *, masked: csr_array, above: float = -np.inf
    ) -> Found:
        """The `n` best items of every customer; of equal scores the lower position comes first.

        It works in one thread, and lets go of the interpreter meanwhile. BLAS may have threads of its own.

        Args:
            customer_factors: shape (n_customers, n_factors), finite.
            n: items wanted, at least 1.
            masked: shape (n_customers, n_items), items that a customer is not to get are stored.
            above: items have to exceed this score.
        """
        customers = np.ascontiguousarray(customer_factors, np.float32)
        # An item without a factor scores 0, and stands behind all others.
        n_items = self.n_not_zero if above >= 0 else len(self.position)
        starts, places = self._masked_places(masked)
        length = _lengths(customers)
        tolerance = customers.shape[1] * _ROUNDING * length * self.longest.max(initial=0)
        # A little lower, in single precision, than what has to be exceeded in double precision.
        least = (above - tolerance).astype(np.float32)
        least = np.where(tolerance > 0, np.nextafter(least, np.float32(-np.inf)), least)
        most = min(n + _MOST_SPARE, max(n_items, 1))
        found, bar = np.empty((len(customers), most), np.int32), least.copy()
        search(
            customers, length * _LONGER, self.blocks, self.longest, n_items, starts, places,
            min(n + _FEWEST_SPARE, most), bar, found,
        )  # fmt: skip
        items, exact = np.empty((len(customers), n), np.int32), np.empty((len(customers), n))
        open_rows = np.empty(len(customers), np.bool_)
        factors = self.factors[:n_items]
        settle(
            customers, factors, self.position, above, tolerance, least, bar, found, exact, items, open_rows
        )  # fmt: skip
        for row in np.flatnonzero(open_rows):
            masked_here = places[starts[row] : starts[row + 1]]
            self._score_all(customers[row], factors, masked_here, above, exact[row], items[row])
        return Found(items, exact, int(open_rows.sum()))

    def _score_all(
        self,
        customer: NDArray[np.float32],
        factors: NDArray[np.float32],
        masked: NDArray[np.int32],
        above: float,
        exact: NDArray[np.float64],
        items: NDArray[np.int32],
    ) -> None:
        """Write one customer's list from the scores of all items."""
        scores = np.empty(len(factors))
        products(customer, factors, scores)
        scores[masked[masked < len(factors)]] = -np.inf
        places = np.flatnonzero(scores > above)
        best = places[np.lexsort((self.position[places], -scores[places]))[: len(items)]]
        exact[:], items[:] = -np.inf, -1
        exact[: len(best)], items[: len(best)] = scores[best], self.position[best]

    def _masked_places(self, masked: csr_array) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Where each row begins, and the places of what it masks, rising."""
        starts = np.empty(masked.shape[0] + 1, np.int64)
        places = np.empty(len(masked.indices), np.int32)
        masked_places(masked.indptr, masked.indices, self.place, starts, places)
        return starts, places


def _lengths(factors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each row, in double precision: the square of a small number may be none in single precision."""
    return np.asarray(np.sqrt(np.einsum("if,if->i", factors, factors, dtype=np.float64)))
