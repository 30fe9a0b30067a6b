"""The benchmark of updates, in a small form: that it compares like with like."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.datasets import planted_shop
from benchmarks.incremental import known_at, measure, overlaps, table_of
from recommender.data.history import DAY
from recommender.training.settings import Settings
from recommender.training.sources import read_orders
from tests.ranking.tables import table_of as table_of_lists

SMALL = Settings(evaluation=replace(Settings().evaluation, days=14))
SMALL = replace(SMALL, ranker=replace(SMALL.ranker, windows=1, fewest_customers=30, trees=10, leaves=7))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    path = tmp_path_factory.mktemp("incremental") / "orders.parquet"
    planted_shop(customers=90).write_parquet(path)
    return read_orders([path], Settings())


def test_after_two_updates_lists_are_about_as_good_as_a_full_run_makes_them(shop):
    found = measure(shop, SMALL, days=2, times=1)
    assert (found.customers, found.days) == (90, 2)
    assert 0 < found.customers_made < 0.2
    assert found.items_made < 1
    assert found.overlap_made >= 0.9 and found.overlap_carried >= 0.9
    assert abs(found.ndcg_update - found.ndcg_full) < 0.02
    assert found.ratio > 0
    assert list(table_of({"planted": found}).columns[0].cells) == ["planted"]


def test_a_shop_at_an_earlier_moment_has_no_later_order(shop):
    cut = shop.orders.last_time - 50 * DAY
    assert known_at(shop, cut).orders.last_time <= cut


def test_lists_in_common_are_counted_customer_by_customer():
    one, other = table_of_lists([[1, 2, 3], [4], []]), table_of_lists([[3, 1], [2], []])
    assert np.array_equal(overlaps(one, other), [1.0, 0.0, np.nan], equal_nan=True)
    assert np.array_equal(overlaps(other, one), [2 / 3, 0.0, np.nan], equal_nan=True)
