"""Finds bundles: two to four items proposed as one offer, with what speaks for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.campaigns.bundle_table import LARGEST, NO_ITEM, WITHIN_DAYS, BundleTable
from recommender.campaigns.completions import Owners, completions
from recommender.campaigns.discounts import Discounts
from recommender.campaigns.discoveries import chance_of_so_many, discovered, least_likely_mean
from recommender.campaigns.larger_sets import best_of_items, has_all_parts, joined
from recommender.campaigns.sets_in_orders import OrdersOfSets, SetCounts
from recommender.data.catalog import Catalog
from recommender.data.orders import OrderLog
from recommender.models.shared_orders import Baskets
from recommender.ranges import require_at_least, require_positive, require_share
from recommender.ranking.lists import ListTable
from recommender.ranking.pair_evidence import LEVEL

SMALLEST = 2
"""Items of a bundle at least."""

_PRIOR = 1.0
"""Completions at the rate of all bundles of a size that are added to those of each."""

_GROWN = 8
"""Sets that are tried with a further item, for each item: a line of twenty matching things has thousands."""


@dataclass(frozen=True, slots=True)
class Bundles:
    """How bundles are found.

    A set of items is proposed where more customers than chance bought it in one order: its orders are
    compared with those in which, of the orders that hold all but one of its items, the last would stand
    anyway, in orders of their sizes. However often a customer ordered it, they count once as evidence. Of all
    sets that are proposed, few are by mistake (`discovered`). Candidates are the strongest of what is bought
    together, where substitutes are left out, and larger sets all parts of which are proposed (Agrawal &
    Srikant, "Fast algorithms for mining association rules", VLDB 1994).

    Attributes:
        per_item: bundles of each size that are kept for an item; 0 makes none at all.
        largest: items of a bundle at most, 2 to 4.
        fewest_customers: different buyers behind a bundle.
        false_discovery: share of the bundles that may be chance.
        least_lift: a bundle is kept where the lower end of its lift's interval is above this.
        partners: items beside an item that are tested.
        half_life_days: of completions; a day so long ago counts half.
        per_customer: bundles that are kept for a customer.
        due_from: chance of being bought again within 14 days from which an item counts as due.
    """

    per_item: int = 5
    largest: int = LARGEST
    fewest_customers: int = 5
    false_discovery: float = 0.05
    least_lift: float = 1.0
    partners: int = 30
    half_life_days: float = 60.0
    per_customer: int = 5
    due_from: float = 0.3

    def __post_init__(self) -> None:
        require_at_least(0, per_item=self.per_item, least_lift=self.least_lift)
        require_at_least(1, partners=self.partners, per_customer=self.per_customer)
        require_at_least(2, fewest_customers=self.fewest_customers)
        require_positive(half_life_days=self.half_life_days)
        require_share(false_discovery=self.false_discovery, due_from=self.due_from)
        if not SMALLEST <= self.largest <= LARGEST:
            raise ValueError(f"largest must be from {SMALLEST} to {LARGEST}, got {self.largest}")

    def fit(self, known: "KnownOrders", together: ListTable, discounts: Discounts) -> BundleTable:
        """The bundles of a shop, at most `per_item` of each size for any item beside others'.

        Args:
            known: what was ordered.
            together: row r lists what is bought together with the r-th item, without substitutes.
            discounts: what is taken off the sum of the prices.
        """
        found = self._proposed(known, together)
        table = BundleTable(
            items=found.sets,
            orders=found.counts.orders,
            customers=found.counts.customers,
            lift=found.lift().astype(np.float32),
            lift_low=found.lift_low().astype(np.float32),
            chance=self._completed(known, found.sets),
            discount=discounts.suggested(
                found.sets, found.counts.orders, known.catalog, known.orders_of_items()
            ),
        )
        # Equal chances go to the set of lower positions.
        table = table.take(np.lexsort((*table.items.T[::-1], -table.chance)))
        return table.take(_kept(table, self.per_item))

    def _proposed(self, known: "KnownOrders", together: ListTable) -> "_Tested":
        counted, often = OrdersOfSets.of(known.baskets), known.orders_of_items() >= self.fewest_customers
        n_testable = int(np.count_nonzero(known.eligible & often))
        # Every pair of items might have been a candidate, so every pair counts as tested.
        n_tests = n_testable * (n_testable - 1) / 2
        newest = _Tested.of(counted, _pairs(together.first(self.partners), known.eligible))
        tested = newest
        for size in range(SMALLEST, self.largest):
            grown = newest.take(self._stands_out(newest, n_tests)).strongest(_GROWN)
            newest = _Tested.of(counted, joined(grown.sets, size))
            tested = tested.beside(newest)
            n_tests += len(newest.sets)
        return _whole(tested.take(self._stands_out(tested, n_tests)))

    def _stands_out(self, tested: "_Tested", n_tests: float) -> NDArray[np.bool_]:
        counts = tested.counts
        enough = (counts.customers >= self.fewest_customers) & (tested.lift_low() > self.least_lift)
        chance = np.where(enough, chance_of_so_many(counts.customers, tested.expected_customers()), 1.0)
        return enough & discovered(chance, n_tests, self.false_discovery)

    def _completed(self, known: "KnownOrders", sets: NDArray[np.int32]) -> NDArray[np.float32]:
        """Share of the customers with a part of each set that buy the rest in `WITHIN_DAYS`."""
        owners, size = Owners.at(known.orders, known.now), np.count_nonzero(sets != NO_ITEM, axis=1)
        per_day = np.zeros(len(sets))
        # Three items are completed less often than two: each size has a rate of its own.
        for same in (size == n for n in np.unique(size)):
            per_day[same] = completions(owners, sets[same], self.half_life_days).per_day(_PRIOR)
        return (1 - np.exp(-per_day * WITHIN_DAYS)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class KnownOrders:
    """What bundles are found in.

    Attributes:
        orders: purchases, returns already taken off.
        now: the moment of looking, seconds since 1970 UTC.
        baskets: of the same purchases.
        catalog: prices, in the order of the items.
        eligible: shape (n_items,), False leaves an item out.
    """

    orders: OrderLog
    now: int
    baskets: Baskets
    catalog: Catalog
    eligible: NDArray[np.bool_]

    def orders_of_items(self) -> NDArray[np.int64]:
        """Orders that hold each item, shape (n_items,)."""
        return np.bincount(self.baskets.rows.indices, minlength=len(self.eligible))


@dataclass(frozen=True, slots=True)
class _Tested:
    """Sets of items, shape (n, LARGEST), and what orders say of them."""

    sets: NDArray[np.int32]
    counts: SetCounts

    @classmethod
    def of(cls, counted: OrdersOfSets, sets: NDArray[np.int32]) -> "_Tested":
        return cls(sets, counted.counts(sets))

    def take(self, which: NDArray[np.bool_]) -> "_Tested":
        counts = self.counts
        return _Tested(
            self.sets[which],
            SetCounts(counts.orders[which], counts.customers[which], counts.expected[which]),
        )

    def beside(self, other: "_Tested") -> "_Tested":
        one, two = self.counts, other.counts
        return _Tested(
            np.concatenate((self.sets, other.sets)),
            SetCounts(
                np.concatenate((one.orders, two.orders)),
                np.concatenate((one.customers, two.customers)),
                np.concatenate((one.expected, two.expected)),
            ),
        )

    def lift(self) -> NDArray[np.float64]:
        return self.counts.orders / np.maximum(self.counts.expected, 1e-9)

    def lift_low(self) -> NDArray[np.float64]:
        """Lower end of the lift's interval, each customer being seen once."""
        customers = self.counts.customers
        return self.lift() * least_likely_mean(customers, LEVEL) / np.maximum(customers, 1)

    def expected_customers(self) -> NDArray[np.float64]:
        """Customers that chance would give, if each ordered it as often as those did."""
        return self.counts.expected * self.counts.customers / np.maximum(self.counts.orders, 1)

    def strongest(self, n: int) -> "_Tested":
        """The sets that are among the n most surprising ones of one of their items."""
        expected = np.maximum(self.counts.expected, 1e-9)
        surprise = (self.counts.orders - expected) / np.sqrt(expected)
        order = np.lexsort((*self.sets.T[::-1], -surprise))
        return self.take(np.sort(order[best_of_items(self.sets[order], n)]))


def _pairs(together: ListTable, eligible: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The pairs of a table of related items, each once."""
    anchor, item = together.row_of_place(), together.items
    allowed = eligible[anchor] & eligible[item]
    low, high = np.minimum(anchor, item)[allowed], np.maximum(anchor, item)[allowed]
    pair = np.unique(low * len(eligible) + high)
    sets = np.full((len(pair), LARGEST), NO_ITEM, np.int32)
    sets[:, 0], sets[:, 1] = np.divmod(pair, max(len(eligible), 1))
    return sets


def _whole(found: _Tested) -> _Tested:
    """Those of which all parts were found, too."""
    size = np.count_nonzero(found.sets != NO_ITEM, axis=1)
    whole = size == SMALLEST
    for n in range(SMALLEST + 1, LARGEST + 1):
        these = np.flatnonzero(size == n)
        whole[these] = has_all_parts(found.sets[these], found.sets[whole & (size == n - 1)], n)
    return found.take(whole)


def _kept(table: BundleTable, per_item: int) -> NDArray[np.bool_]:
    """Which bundles are among the best of their size for one of their items, shape (n,)."""
    kept, size = np.zeros(len(table), bool), table.sizes()
    for n in np.unique(size):
        same = np.flatnonzero(size == n)
        kept[same] = best_of_items(table.items[same], per_item)
    return kept
