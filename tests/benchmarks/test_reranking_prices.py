"""The price list of re-ranking, on a generated shop whose answer is known."""

import json
from pathlib import Path

import pytest

from benchmarks.datasets import planted_shop
from benchmarks.reranking import DIALS, PLAIN, TASKS, judge_shop, page_table, table_of
from benchmarks.results import FOLDER
from recommender.training.settings import Settings
from recommender.training.sources import read_orders


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    path = tmp_path_factory.mktemp("reranking") / "orders.parquet"
    planted_shop(customers=90).write_parquet(path)
    read = read_orders([path], Settings())
    return judge_shop(read.orders, read.catalog, back=0)


def row(judged, name, task):
    return judged[name][TASKS.index(task)]


def test_every_dial_is_there_on_every_task(judged):
    assert list(judged) == [PLAIN, *DIALS]
    assert all([row.task for row in rows] == list(TASKS) for rows in judged.values())


def test_a_price_is_the_difference_to_the_plain_lists(judged):
    for task in TASKS:
        plain = row(judged, PLAIN, task)
        assert plain.price is None and plain.p is None
        for name in DIALS:
            dial = row(judged, name, task)
            assert dial.price.mean == pytest.approx(dial.ndcg.mean - plain.ndcg.mean)
            assert dial.customers == plain.customers


def test_one_of_a_category_breaks_up_lists_of_one_taste_and_is_paid_for(judged):
    plain, capped = (row(judged, name, "all") for name in (PLAIN, "at most 1 of a category"))
    assert capped.unlikeness > plain.unlikeness
    assert capped.price.high < 0


def test_damping_popularity_shows_what_fewer_people_buy(judged):
    assert row(judged, "popularity damping 0.2", "all").buyers < row(judged, PLAIN, "all").buyers


def test_a_shop_without_variants_pays_nothing_for_folding_them(judged):
    assert all(r.price.low == r.price.high == 0 for r in judged["at most 1 of a product's variants"])


def test_the_table_shows_every_dial(judged):
    table = table_of("planted shop", "all", judged)
    assert list(table.columns[0].cells) == [PLAIN, *DIALS]


def test_the_page_shows_the_figures_that_were_kept():
    page = (Path(__file__).parents[2] / "docs" / "re-ranking.md").read_text()
    kept = json.loads((FOLDER / "reranking.json").read_text())["figures"]
    for shop, dials in kept.items():
        assert page_table(dials) in page, f"docs/re-ranking.md shows other figures of {shop}"
