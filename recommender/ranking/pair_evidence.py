"""What stands behind two items of a list: bought in one order, or instead of each other?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import gammaincinv

from recommender.models.counted_rows import counted_rows
from recommender.models.shared_orders import Baskets, shared_by_pairs, shared_products
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import ListTable

_SAME_PEOPLE, _APART = 2.0, 0.7
"""What makes a substitute, see `substitutes`."""

_FEWEST_BUYERS = 2
"""Customers behind a pair, so that it tells of no single one."""

LEVEL = 0.95
"""Share of the cases in which an interval holds the true lift."""

_Floats = NDArray[np.float64]


def evidence_of(baskets: Baskets, table: ListTable) -> Evidence:
    """What speaks for the pairs of lists of related items.

    Chance puts a · b ÷ n of n orders into common, of two items in a and b of them (Brin, Motwani, Ullman &
    Tsur, "Dynamic itemset counting and implication rules for market basket data", SIGMOD 1997, who call the
    ratio interest; lift since). The interval is the exact one of a Poisson count (Garwood, "Fiduciary limits
    for the Poisson distribution", Biometrika 1936).

    Args:
        baskets: of a history, guests' orders included.
        table: row r lists items beside the r-th item of the history.
    """
    rows, anchor = baskets.rows, table.row_of_place()
    shared = shared_by_pairs(rows, baskets.buyer, anchor, table.items)
    per_item = np.bincount(rows.indices, minlength=rows.shape[1]).astype(np.float64)
    orders, by_chance = shared.together, per_item[anchor] * per_item[table.items] / max(1, rows.shape[0])
    return Evidence(
        orders.astype(np.int32),
        shared.buyers,
        _ratio(orders, by_chance).astype(np.float32),
        _ratio(_least(orders), by_chance).astype(np.float32),
    )


def substitutes(baskets: Baskets, table: ListTable) -> NDArray[np.bool_]:
    """Which places hold an item that is bought instead of the anchor rather than with it, shape (n,).

    Two things must hold. The same customers buy both: more than twice as many of them as if the two had
    nothing to do with each other, and at least two. Yet these customers keep them apart: they have both in
    one order less than 0.7 times as often as if what each customer buys were spread over that customer's
    orders by their size alone. Of either count the end of its 95 % interval that is nearer to chance must
    pass, so nothing is called a substitute of which little is known.

    Of the pairs so found in Complete Journey seven in eight are of one category; of any two items it is one
    in a hundred (docs/cross-sell.md).

    Arguments as in `evidence_of`; guests' orders say nothing here.
    """
    known, found = _of_known_customers(baskets), np.zeros(len(table.items), bool)
    spread = _spread(known)
    # By Cauchy and Schwarz no pair can be expected together more often than this: most are out at once.
    squares = _with_entries(spread, spread.data * spread.data)
    alone = np.sqrt(np.asarray(squares.sum(axis=0)).ravel())
    del squares
    pairs = _Pairs.of(table)
    pairs = pairs.keep(_APART * alone[pairs.anchor] * alone[pairs.item] > _most(np.zeros(1)))
    expected = pairs.products(spread)
    pairs, expected = pairs.keep(at := _APART * expected > _most(np.zeros(1))), expected[at]
    pairs = pairs.keep(_most(pairs.products(known.baskets)) < _APART * expected)
    found[pairs.place[_of_the_same_people(pairs, known)]] = True
    return found


def _of_the_same_people(pairs: "_Pairs", known: "_Known") -> NDArray[np.bool_]:
    bought = _with_entries(known.bought, np.ones_like(known.bought.data))
    buyers = np.bincount(bought.indices, minlength=bought.shape[1]).astype(np.float64)
    everybody = int(np.count_nonzero(np.diff(bought.indptr)))
    by_chance = buyers[pairs.anchor] * buyers[pairs.item] / max(1, everybody)
    both = pairs.products(bought)
    return np.asarray((both >= _FEWEST_BUYERS) & (_least(both) > _SAME_PEOPLE * by_chance))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Some places of a table; all of shape (n,)."""

    place: NDArray[np.intp]
    anchor: NDArray[np.int64]
    item: NDArray[np.int32]

    @classmethod
    def of(cls, table: ListTable) -> "_Pairs":
        """All places of a table."""
        return cls(np.arange(len(table.items)), table.row_of_place(), table.items)

    def keep(self, mask: NDArray[np.bool_]) -> "_Pairs":
        """Those where `mask` (shape (n,)) is True."""
        return _Pairs(self.place[mask], self.anchor[mask], self.item[mask])

    def products(self, rows: csr_array) -> _Floats:
        """Product of the two items' columns, summed over the rows."""
        return shared_products(counted_rows(rows), self.anchor, self.item)


@dataclass(frozen=True, slots=True)
class _Known:
    """Orders of known customers.

    Attributes:
        baskets: shape (n_orders, n_items), 1 where the order holds the item.
        bought: shape (n_customers, n_items), a customer's orders of the item.
        customer: shape (n_orders,).
    """

    baskets: csr_array
    bought: csr_array
    customer: NDArray[np.int64]


def _of_known_customers(orders: Baskets) -> _Known:
    known = orders.buyer < orders.n_customers
    # To take all rows is to copy them, so a shop without guests takes them as they are.
    customer, baskets = orders.buyer[known], orders.rows if known.all() else orders.rows[known]
    shape = (orders.n_customers, baskets.shape[1])
    row = np.repeat(customer.astype(np.int32), np.diff(baskets.indptr))
    bought = csr_array((baskets.data, (row, baskets.indices)), shape=shape)
    return _Known(baskets, bought, customer)


def _spread(known: _Known) -> csr_array:
    """Purchases of customers × √(Σ n(n - 1)) ÷ Σ n over the customer's orders of n items each.

    Of two items in x and y orders of a customer, the product of their two entries is in how many orders both
    would stand by chance. Shape (n_customers, n_items).
    """
    size, n_customers = np.diff(known.baskets.indptr).astype(np.float64), known.bought.shape[0]
    pairs = np.bincount(known.customer, weights=size * (size - 1), minlength=n_customers)
    all_of = np.maximum(np.bincount(known.customer, weights=size, minlength=n_customers), 1)
    data = np.repeat(np.sqrt(pairs) / all_of, np.diff(known.bought.indptr))
    data *= known.bought.data
    return _with_entries(known.bought, data.astype(np.float32))


def _with_entries(matrix: csr_array, data: NDArray[np.float32]) -> csr_array:
    """The matrix with other numbers in its stored entries, shape (nnz,)."""
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _least(count: _Floats) -> _Floats:
    """Lower end of the interval of a Poisson mean of which `count` was seen."""
    return _of_each_count(count, lambda n: np.where(n > 0, gammaincinv(np.maximum(n, 1), (1 - LEVEL) / 2), 0))


def _most(count: _Floats) -> _Floats:
    """Upper end of the interval of a Poisson mean of which `count` was seen."""
    return _of_each_count(count, lambda n: gammaincinv(n + 1, (1 + LEVEL) / 2))


def _of_each_count(count: _Floats, end: Callable[[_Floats], _Floats]) -> _Floats:
    """The end of an interval for every count; of millions of counts few are different."""
    whole = count.astype(np.int64)
    different = np.flatnonzero(np.bincount(whole))
    ends = np.zeros(different.max(initial=0) + 1)
    ends[different] = end(different.astype(np.float64))
    return ends[whole]


def _ratio(above: _Floats, below: _Floats) -> _Floats:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
