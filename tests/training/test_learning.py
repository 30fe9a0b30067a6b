from dataclasses import replace

import numpy as np
import pytest

from benchmarks.datasets import planted_shop
from recommender.data.catalog import Catalog
from recommender.data.history import DAY
from recommender.models.shared_orders import Baskets
from recommender.ranking.lists import ListTable
from recommender.training.item_lists import bought_together, cart_trees
from recommender.training.learning import learn, recommended
from recommender.training.moment import purchases_at
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import read_orders
from recommender.training.windows import EarlierWindows
from tests.shops import history_of

SMALL = Settings(evaluation=replace(Settings().evaluation, days=14))
SMALL = replace(SMALL, ranker=replace(SMALL.ranker, fewest_customers=50, trees=20, leaves=7))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    path = tmp_path_factory.mktemp("learning") / "orders.parquet"
    planted_shop(customers=120).write_parquet(path)
    return read_orders([path], Settings())


def learned(shop, settings=SMALL, **others):
    now = shop.orders.last_time
    return learn(shop.orders, shop.catalog, settings, now=now, progress=Silent(), **others)


def lists_of(found, settings=SMALL) -> ListTable:
    everyone = np.arange(len(found.customers), dtype=np.int32)
    return recommended(found, settings, everyone, Silent())


def same(one: ListTable, other: ListTable) -> bool:
    return np.array_equal(one.items, other.items) and np.array_equal(one.scores, other.scores)


def test_trees_order_the_lists_of_a_shop_that_is_large_enough(shop):
    found = learned(shop)
    assert found.ranker is not None
    assert "in 3 earlier windows" in found.ranked_by
    blend = replace(found, ranker=None)
    assert not same(lists_of(found), lists_of(blend))


def test_a_shop_too_small_keeps_the_blend_and_says_so(shop):
    found = learned(shop, replace(SMALL, ranker=replace(SMALL.ranker, fewest_customers=10_000)))
    assert found.ranker is None
    assert "10000" in found.ranked_by and "blend" in found.ranked_by


def test_a_model_that_nobody_asks_is_not_learned(shop):
    silent = {"best_sellers": 0.0, "customer_knn": 0.0, "linear": 0.0}
    found = learned(shop, replace(SMALL, blend=replace(SMALL.blend, **silent)))
    assert set(SMALL.blend.asked(learned(shop).models)) - set(found.models) == {"customer_knn", "linear"}
    assert "score_linear" not in found.ranker.names


def test_the_ranker_can_be_switched_off(shop):
    found = learned(shop, replace(SMALL, ranker=replace(SMALL.ranker, windows=0)))
    assert found.ranker is None
    assert "windows = 0" in found.ranked_by


def test_orders_after_the_moment_change_nothing(shop):
    now = shop.orders.last_time - 20 * DAY
    whole = learn(shop.orders, shop.catalog, SMALL, now=now, progress=Silent())
    cut = learn(shop.orders.until(now), shop.catalog, SMALL, now=now, progress=Silent())
    assert whole.ranker is not None and cut.ranker is not None
    assert whole.ranker == cut.ranker
    assert same(lists_of(whole), lists_of(cut))


def test_windows_learned_from_before_are_used_again_and_change_nothing(shop):
    earlier, before = EarlierWindows(), shop.orders.last_time - 14 * DAY
    learn(shop.orders, shop.catalog, SMALL, now=before, progress=Silent(), earlier=earlier)
    made = dict(earlier.examples)
    again = learned(shop, earlier=earlier)
    assert set(made) < set(earlier.examples)
    assert len(earlier.examples) == 4
    assert again.ranker is not None
    alone = learned(shop).ranker
    assert alone is not None and alone == again.ranker


def beside(table: ListTable) -> set[tuple[int, int]]:
    return set(zip(table.row_of_place().tolist(), table.items.tolist(), strict=True))


def test_what_is_bought_together_is_weighed_by_the_last_carts_where_there_are_enough(shop):
    rng = np.random.default_rng(0)
    kinds = [[f"{kind}-{number}" for number in range(20)] for kind in ("tea", "diy", "garden")]
    baskets = [(*rng.choice(kinds[n % 3], 4, replace=False), kinds[0][n % 20]) for n in range(600)]
    lines = [(f"{n}", f"c{n}", item, 1.0, n / 20) for n, basket in enumerate(baskets) for item in set(basket)]
    history = history_of(lines, 30.0)
    found = replace(
        purchases_at(shop.orders, shop.catalog, SMALL, shop.orders.last_time, Silent()),
        history=history,
        catalog=Catalog.unknown(history.items),
        eligible=np.ones(len(history.items), bool),
    )

    orders = Baskets.of(history)

    def together(settings):
        return bought_together(found, orders, settings, cart_trees(found, settings, Silent()), Silent())

    plain = together(SMALL)  # fewer carts than the trees ask for
    few = replace(SMALL, cart_trees=replace(SMALL.cart_trees, fewest_carts=20))
    weighed, again = (together(few) for _ in range(2))
    assert beside(weighed) == beside(plain)
    assert not same(weighed, plain)
    assert same(weighed, again)
    none = replace(few, cart_trees=replace(few.cart_trees, trees=0))
    assert same(together(none), plain)
    some = np.array([3, 11, 40], np.int32)
    of_some = bought_together(found, orders, few, cart_trees(found, few, Silent()), Silent(), items=some)
    assert same(of_some.take(some), weighed.take(some))
    assert len(of_some.items) == len(of_some.take(some).items)
