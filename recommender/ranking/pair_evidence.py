"""What stands behind two items of a list: bought in one order, or instead of each other?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import gammaincinv

from recommender.data.history import PurchaseHistory
from recommender.models.shared_orders import buyers_of_orders, shared_by_pairs
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import ListTable

_SAME_PEOPLE, _APART = 2.0, 0.7
"""What makes a substitute, see `substitutes`."""

_FEWEST_BUYERS = 2
"""Customers behind a pair, so that it tells of no single one."""

LEVEL = 0.95
"""Share of the cases in which an interval holds the true lift."""

_Floats = NDArray[np.float64]


def evidence_of(history: PurchaseHistory, table: ListTable) -> Evidence:
    """What speaks for the pairs of lists of related items.

    Chance puts a · b ÷ n of n orders into common, of two items in a and b of them (Brin, Motwani, Ullman &
    Tsur, "Dynamic itemset counting and implication rules for market basket data", SIGMOD 1997, who call the
    ratio interest; lift since). The interval is the exact one of a Poisson count (Garwood, "Fiduciary limits
    for the Poisson distribution", Biometrika 1936).

    Args:
        history: purchases, guests' included.
        table: row r lists items beside the r-th item of the history.
    """
    baskets, anchor = history.baskets(), table.row_of_place()
    shared = shared_by_pairs(baskets, buyers_of_orders(history), anchor, table.items)
    per_item = np.bincount(baskets.indices, minlength=len(history.items)).astype(np.float64)
    orders, by_chance = shared.together, per_item[anchor] * per_item[table.items] / max(1, history.n_orders)
    return Evidence(
        orders.astype(np.int32),
        shared.buyers,
        _ratio(orders, by_chance).astype(np.float32),
        _ratio(_least(orders), by_chance).astype(np.float32),
    )


def substitutes(history: PurchaseHistory, table: ListTable) -> NDArray[np.bool_]:
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
    known, found = _of_known_customers(history), np.zeros(len(table.items), bool)
    spread = _spread(known)
    # By Cauchy and Schwarz no pair can be expected together more often than this: most are out at once.
    alone = np.sqrt(np.asarray(spread.multiply(spread).sum(axis=0)).ravel())
    pairs = _Pairs.of(table)
    pairs = pairs.keep(_APART * alone[pairs.anchor] * alone[pairs.item] > _most(np.zeros(1)))
    expected = pairs.products(spread)
    pairs, expected = pairs.keep(at := _APART * expected > _most(np.zeros(1))), expected[at]
    pairs = pairs.keep(_most(pairs.products(known.baskets)) < _APART * expected)
    found[pairs.place[_of_the_same_people(pairs, known)]] = True
    return found


def _of_the_same_people(pairs: "_Pairs", known: "_Known") -> NDArray[np.bool_]:
    bought = known.bought.astype(bool).astype(np.float32)
    buyers = np.diff(bought.tocsc().indptr).astype(np.float64)
    by_chance = buyers[pairs.anchor] * buyers[pairs.item] / max(1, np.count_nonzero(np.diff(bought.indptr)))
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
        return shared_by_pairs(rows, np.arange(rows.shape[0]), self.anchor, self.item).together


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


def _of_known_customers(history: PurchaseHistory) -> _Known:
    buyer = buyers_of_orders(history)
    known = buyer < len(history.customers)
    customer, baskets = buyer[known], history.baskets()[known]
    shape = (len(history.customers), len(customer))
    of_customer = csr_array((np.ones(len(customer), np.float32), (customer, np.arange(len(customer)))), shape)
    return _Known(baskets, csr_array(of_customer @ baskets), customer)


def _spread(known: _Known) -> csr_array:
    """Purchases of customers × √(Σ n(n - 1)) ÷ Σ n over the customer's orders of n items each.

    Of two items in x and y orders of a customer, the product of their two entries is in how many orders both
    would stand by chance. Shape (n_customers, n_items).
    """
    size, n_customers = np.diff(known.baskets.indptr).astype(np.float64), known.bought.shape[0]
    pairs = np.bincount(known.customer, weights=size * (size - 1), minlength=n_customers)
    all_of = np.maximum(np.bincount(known.customer, weights=size, minlength=n_customers), 1)
    return csr_array(known.bought.multiply((np.sqrt(pairs) / all_of)[:, None]), dtype=np.float32)


def _least(count: _Floats) -> _Floats:
    """Lower end of the interval of a Poisson mean of which `count` was seen."""
    return np.where(count > 0, gammaincinv(np.maximum(count, 1), (1 - LEVEL) / 2), 0.0)


def _most(count: _Floats) -> _Floats:
    """Upper end of the interval of a Poisson mean of which `count` was seen."""
    return np.asarray(gammaincinv(count + 1, (1 + LEVEL) / 2), np.float64)


def _ratio(above: _Floats, below: _Floats) -> _Floats:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
