"""The price list of re-ranking, on a generated shop whose answer is known."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.datasets import planted_shop
from benchmarks.reranking import judge_shop, page_table
from benchmarks.results import FOLDER
from recommender.evaluation.prices import PRICED_TASKS
from recommender.evaluation.reranked import settings_to_price
from recommender.ranking.reranking import Reranking
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import read_orders


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    path = tmp_path_factory.mktemp("reranking") / "orders.parquet"
    planted_shop(customers=90).write_parquet(path)
    settings = Settings()
    return judge_shop(read_orders([path], settings), settings, back=0, progress=Silent())


def dial(prices, name):
    (found,) = (one for one in prices.dials if one.name == name)
    return found


def test_every_dial_is_priced_on_every_task(prices):
    assert [one.name for one in prices.dials] == list(settings_to_price(Reranking()))[1:]
    assert tuple(prices.plain) == PRICED_TASKS
    assert all(tuple(one.tasks) == PRICED_TASKS for one in prices.dials if one.changed)


def test_a_price_is_the_difference_to_the_plain_lists(prices):
    for one in prices.dials:
        for task, row in one.tasks.items():
            assert row.difference.mean == pytest.approx(row.mean.mean - prices.plain[task].mean)


def test_one_of_a_category_breaks_up_lists_of_one_taste_and_is_paid_for(prices):
    capped = dial(prices, "most_per_category = 1")
    assert capped.tasks["all"].difference.high < 0 and capped.tasks["all"].sure


def test_diverse_lists_hold_items_less_alike(prices):
    assert dial(prices, "diversity = 0.5").variety.unlikeness > prices.variety.unlikeness


def test_damping_popularity_shows_what_fewer_people_buy(prices):
    assert dial(prices, "popularity_damping = 0.2").variety.novelty > prices.variety.novelty


def test_a_shop_without_variants_brands_and_new_items_pays_nothing_for_them(prices):
    idle = {one.name for one in prices.dials if not one.changed}
    assert {"most_variants = 1", "most_per_brand = 1", "new_item_share = 0.1"} <= idle
    assert all(not dial(prices, name).tasks for name in idle)


def test_a_page_shows_only_what_changes_lists(prices):
    shown = page_table(json.loads(json.dumps(asdict(prices))))
    assert "`diversity = 0.5`" in shown and "most_per_brand" not in shown


def test_docs_show_the_figures_that_were_kept():
    page = (Path(__file__).parents[2] / "docs" / "re-ranking.md").read_text()
    kept = json.loads((FOLDER / "reranking.json").read_text())["figures"]
    for shop, found in kept.items():
        assert page_table(found) in page, f"docs/re-ranking.md shows other figures of {shop}"
