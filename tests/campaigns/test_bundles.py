"""Bundles that a shop can offer, and those of a customer."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.campaigns.bundle_table import LARGEST, NO_ITEM, BundleTable
from recommender.campaigns.bundles import Bundles, KnownOrders
from recommender.campaigns.discounts import Discounts
from recommender.campaigns.due import DueTable
from recommender.campaigns.own_bundles import own_bundles
from recommender.data.catalog import Catalog
from recommender.data.history import DAY, PurchaseHistory
from recommender.errors import ConfigError
from recommender.models.bought_together import BoughtTogether
from recommender.models.shared_orders import Baskets
from recommender.ranking import build
from recommender.ranking.lists import ListTable
from tests.ranking.tables import table_of
from tests.shops import log_of

NOW = 200
TEA_TIME, TOOLS = ("cup", "pot", "tea"), ("drill", "screws")
NO_DISCOUNTS = Discounts(least=0.0, most=0.0)


def shop_lines(*, seed: int = 0, together: float = 0.5, orders: int = 1_500) -> list[tuple]:
    """Orders of twenty odd things; into some of them go the tea things or the tools as well."""
    rng, lines = np.random.default_rng(seed), []
    for order in range(orders):
        items = {f"thing {item:02}" for item in rng.choice(20, rng.integers(1, 4), replace=False)}
        for line in (TEA_TIME, TOOLS):
            if rng.random() < 0.2:
                items |= set(line) if rng.random() < together else {line[rng.integers(len(line))]}
        day = order * (NOW - 1) / orders
        lines += [(f"{order:05}", f"customer {rng.integers(300):03}", item, 1, day) for item in sorted(items)]
    return lines


def known_of(lines, *, forbidden: tuple[str, ...] = (), prices: float = 2.0) -> tuple[KnownOrders, ListTable]:
    log = log_of(lines)
    history = PurchaseHistory.at(log, NOW * DAY)
    baskets = Baskets.of(history)
    eligible = ~np.isin(log.items.ids, forbidden)
    related = BoughtTogether(fewest_customers=2, linear_weight=0).fit_to(history, baskets)
    together = build.related(related, "co_purchase", eligible, 50)
    return KnownOrders(log, NOW * DAY, baskets, catalog_of(log.items, prices), eligible), together


def catalog_of(items, price: float) -> Catalog:
    nothing = (None,) * len(items)
    return Catalog(
        items=items, title=nothing, category=nothing, brand=nothing, url=nothing, image_url=nothing,
        price=np.full(len(items), price, np.float32), available=np.ones(len(items), bool),
        released_at=np.zeros(len(items), np.int64), attributes={},
    )  # fmt: skip


def ids_of(table: BundleTable, known: KnownOrders) -> set[tuple[str, ...]]:
    ids = known.orders.items.ids
    return {tuple(ids[item] for item in row if item != NO_ITEM) for row in table.items.tolist()}


@pytest.fixture(scope="module")
def shop() -> tuple[KnownOrders, ListTable]:
    return known_of(shop_lines())


def test_what_goes_together_is_found_and_what_chance_put_together_is_not(shop):
    known, together = shop
    found = ids_of(Bundles().fit(known, together, NO_DISCOUNTS), known)
    assert {TEA_TIME, TOOLS, ("cup", "pot"), ("cup", "tea"), ("pot", "tea")} <= found
    assert not any("thing" in item for items in found for item in items)


def test_orders_without_any_bundles_have_hardly_any():
    """Where chance alone fills the orders, of twenty shops at most one in ten has a bundle."""
    with_one = 0
    for seed in range(20):
        known, together = known_of(shop_lines(seed=seed, together=0.0, orders=600))
        with_one += len(Bundles(fewest_customers=2).fit(known, together, NO_DISCOUNTS)) > 0
    assert with_one <= 2


def test_the_figures_are_those_of_the_orders(shop):
    known, together = shop
    table = Bundles().fit(known, together, NO_DISCOUNTS)
    rows = known.baskets.rows.toarray() > 0
    for items, orders, customers in zip(table.items, table.orders, table.customers, strict=True):
        holding = rows[:, items[items != NO_ITEM]].all(axis=1)
        assert orders == holding.sum()
        assert customers == len(np.unique(known.baskets.buyer[holding])) >= 5
    assert (table.lift_low > 1).all()
    assert (table.lift_low < table.lift).all()
    assert (np.diff(table.chance) <= 0).all()
    assert ((table.chance > 0) & (table.chance < 1)).all()


def test_what_is_not_to_be_had_is_in_none():
    known, together = known_of(shop_lines(), forbidden=("pot",))
    found = ids_of(Bundles().fit(known, together, NO_DISCOUNTS), known)
    assert found == {("cup", "tea"), TOOLS}


def test_settings_say_how_large_and_how_sure(shop):
    known, together = shop
    pairs = Bundles(largest=2).fit(known, together, NO_DISCOUNTS)
    assert pairs.sizes().tolist() == [2] * 4
    assert not len(Bundles(least_lift=1e6).fit(known, together, NO_DISCOUNTS))
    assert not len(Bundles(fewest_customers=300).fit(known, together, NO_DISCOUNTS))
    one = Bundles(per_item=1, largest=2).fit(known, together, NO_DISCOUNTS)
    assert 2 <= len(one) < 4


@pytest.mark.parametrize(
    "wrong",
    [{"largest": 5}, {"largest": 1}, {"fewest_customers": 1}, {"false_discovery": 1.5}, {"per_item": -1}],
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Bundles(**wrong)


def test_a_single_customer_behind_many_orders_is_no_bundle():
    lines = [(f"{n:03}", "ann", item, 1, n) for n in range(100) for item in ("cup", "pot")]
    lines += [(f"g{n:03}", f"customer {n}", "thing", 1, n) for n in range(100)]
    known, together = known_of(lines)
    assert not len(Bundles().fit(known, together, NO_DISCOUNTS))


def test_a_shop_without_orders_of_two_items_has_none():
    known, together = known_of([("1", "ann", "tea", 1, 5), ("2", "bob", "cup", 1, 6)])
    assert not len(Bundles().fit(known, together, Discounts()))


def test_the_same_orders_make_the_same_bundles(shop):
    known, together = shop
    one, two = (Bundles().fit(known, together, Discounts()) for _ in range(2))
    assert all(
        np.array_equal(getattr(one, name), getattr(two, name)) for name in ("items", "chance", "discount")
    )


# ---- Discounts ----------------------------------------------------------------------------------


def table_with(sets: list[tuple[int, ...]], chance: list[float] | None = None) -> BundleTable:
    items = np.full((len(sets), LARGEST), NO_ITEM, np.int32)
    for row, some in enumerate(sets):
        items[row, : len(some)] = some
    ones, share = np.ones(len(sets)), np.array(chance or np.linspace(0.9, 0.1, len(sets)))
    return BundleTable(
        items, ones.astype(np.int32), ones.astype(np.int32), ones.astype(np.float32),
        ones.astype(np.float32), share.astype(np.float32), ones.astype(np.uint8),
    )  # fmt: skip


CATALOG = catalog_of(log_of([("1", "ann", item, 1, 1) for item in "abc"]).items, 10.0)
COSTS = replace(CATALOG, attributes={"cost": ("6", "7.5", None)})
PAIR = np.array([[0, 1, NO_ITEM, NO_ITEM]], np.int32)
SOLD = np.array([100, 50, 80])


@pytest.mark.parametrize(("orders", "expected"), [(50, 5), (25, 10), (0, 15)])
def test_who_buys_it_all_anyway_needs_less_of_a_discount(orders, expected):
    found = Discounts(least=0.05, most=0.15).suggested(PAIR, np.array([orders]), CATALOG, SOLD)
    assert found.tolist() == [expected]


def test_a_margin_stays():
    def suggested(**limits: float) -> int:
        spec = Discounts(cost_attribute="cost", **limits)
        return int(spec.suggested(PAIR, np.array([0]), COSTS, SOLD)[0])

    # Costs of 13.5 need a price of 16.875 for a margin of a fifth: 15.6 % less than 20.
    assert suggested(least=0.05, most=0.5, least_margin=0.2) == 15
    assert suggested(least=0.05, most=0.1, least_margin=0.2) == 10
    assert suggested(least=0.2, most=0.5, least_margin=0.2) == 0


def test_no_discount_where_a_price_or_a_cost_is_not_known():
    pair = np.array([[0, 2, NO_ITEM, NO_ITEM]], np.int32)
    assert Discounts(cost_attribute="cost").suggested(pair, np.array([0]), COSTS, SOLD).tolist() == [0]
    unpriced = replace(CATALOG, price=np.array([10.0, np.nan, 10.0], np.float32))
    assert Discounts().suggested(PAIR, np.array([0]), unpriced, SOLD).tolist() == [0]


def test_wrong_limits_and_unknown_costs_are_refused():
    with pytest.raises(ValueError, match="least"):
        Discounts(least=0.3, most=0.2)
    with pytest.raises(ConfigError, match=r"'price_in' \(there are: cost\)"):
        Discounts(cost_attribute="price_in").suggested(PAIR, np.array([0]), COSTS, SOLD)
    free = replace(CATALOG, attributes={"cost": ("free", "1", "2")})
    with pytest.raises(ConfigError, match="free"):
        Discounts(cost_attribute="cost").suggested(PAIR, np.array([0]), free, SOLD)


# ---- Of items, of the shop, of customers ----------------------------------------------------------


def test_bundles_of_an_item_stand_in_the_tables_order():
    of_items = table_with([(0, 1), (1, 2, 3), (0, 3)]).of_items(5)
    assert [of_items.of(item).tolist() for item in range(5)] == [[0, 2], [0, 1], [1], [1, 2], []]


def test_a_shop_is_offered_different_ones():
    table = table_with([(0, 1), (0, 2), (0, 3), (1, 2), (3, 4)])
    assert table.different(1).tolist() == [0, 4]
    assert table.different(2).tolist() == [0, 1, 3, 4]


def bought(*rows: tuple[int, ...], n_items: int = 6) -> csr_array:
    dense = np.zeros((len(rows), n_items), np.float32)
    for row, items in enumerate(rows):
        dense[row, list(items)] = 1
    return csr_array(dense)


def chosen(table, lists, has, due=None, *, n: int = 5) -> list[list[tuple[int, int, int]]]:
    own = own_bundles(table, table_of(lists), has, due, n=n, due_from=0.5)
    rows = [slice(*pair) for pair in zip(own.starts[:-1].tolist(), own.starts[1:].tolist(), strict=True)]
    columns = (own.bundles, own.owned, own.due)
    return [list(zip(*(column[row].tolist() for column in columns), strict=True)) for row in rows]


def test_the_customers_own_list_says_which_bundle_is_next():
    table = table_with([(0, 1), (0, 2), (3, 4)])
    # The first has 0 and may want 2, then 1; of 4 there is a bundle, of which nothing is owned.
    found = chosen(table, [[2, 4, 1], [4, 1], [2]], bought((0,), (3,), ()))
    assert found == [[(1, 0b01, 0), (0, 0b01, 0)], [(2, 0b01, 0)], []]


def test_what_is_owned_is_not_offered_and_no_bundle_twice():
    table = table_with([(0, 1, 2), (0, 1)])
    assert chosen(table, [[0, 1, 2]], bought((0,))) == [[(0, 0b001, 0)]]
    assert chosen(table, [[0, 1]], bought((0, 1))) == [[]]


def test_the_bundle_of_which_most_is_owned_goes_first():
    table = table_with([(0, 3), (0, 1, 3)])
    assert chosen(table, [[3]], bought((0, 1))) == [[(1, 0b011, 0)]]
    assert chosen(table, [[3]], bought((0,))) == [[(0, 0b01, 0)]]


def test_one_around_what_is_due_goes_before_it():
    due = DueTable(
        starts=np.array([0, 2]), items=np.array([2, 1], np.int32),
        chance=np.array([[0.3, 0.6, 0.9], [0.1, 0.2, 0.3]], np.float32),
        day=np.zeros(2, np.int16), first=np.zeros(2, np.int16), last=np.zeros(2, np.int16),
    )  # fmt: skip
    table = table_with([(0, 1, 3), (2, 3)])
    assert chosen(table, [[3]], bought((0, 1, 2)), due) == [[(1, 0b01, 0b01)]]


def test_no_more_than_asked_for():
    table = table_with([(0, 1), (0, 2), (0, 3)])
    assert len(chosen(table, [[1, 2, 3]], bought((0,)), n=2)[0]) == 2
