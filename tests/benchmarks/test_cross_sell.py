"""The comparison of what carts are shown, on a generated shop whose answer is known."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cross_sell import OURS, judge_shop, page_table, table_of
from benchmarks.datasets import planted_shop
from benchmarks.results import FOLDER
from recommender.evaluation.cross_sell import CART_TASKS
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import read_orders

# The ranker needs a larger shop, and a few factors hold its three tastes.
QUICK = replace(
    Settings(),
    ranker=replace(Settings().ranker, windows=0),
    models=replace(Settings().models, als=replace(Settings().models.als, factors=8, iterations=3)),
)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    path = tmp_path_factory.mktemp("cross-sell") / "orders.parquet"
    planted_shop(customers=200).write_parquet(path)
    return judge_shop(read_orders([path], Settings()), QUICK, back=0, progress=Silent())


def ndcg(judged, task):
    return {name: row.ndcg.mean for name, row in judged[task]}


def test_both_tasks_are_judged_and_only_the_known_know_the_customer(judged):
    assert set(judged) == set(CART_TASKS)
    assert "their product" not in ndcg(judged, "cross_sell_guest")
    assert "EASE of baskets" in ndcg(judged, "cross_sell_guest")


def test_whoever_learns_what_goes_together_beats_best_sellers(judged):
    found = ndcg(judged, "cross_sell_guest")
    for name in (OURS, "cosine, 20 pseudo-orders", "EASE of baskets", "log-likelihood ratio"):
        assert found[name] > 1.3 * found["best sellers"], name


def test_who_knows_the_customer_fills_the_cart_better(judged):
    assert ndcg(judged, "cross_sell_known")[OURS] > ndcg(judged, "cross_sell_guest")[OURS]


def test_differences_are_to_ours_and_paired(judged):
    for rows in judged.values():
        ours = dict(rows)[OURS]
        assert ours.to_ours is None and ours.p is None
        for name, row in rows:
            if name != OURS:
                assert row.to_ours.mean == pytest.approx(row.ndcg.mean - ours.ndcg.mean)
                assert row.customers == ours.customers


def test_the_table_has_the_best_first(judged):
    for task, rows in judged.items():
        names = list(table_of("planted shop", rows).columns[0].cells)
        assert sorted(names, key=lambda name: -ndcg(judged, task)[name]) == names


def test_the_page_shows_the_figures_that_were_kept():
    page = (Path(__file__).parents[2] / "docs" / "cross-sell.md").read_text()
    kept = json.loads((FOLDER / "cross_sell.json").read_text())["figures"]
    for shop, tasks in kept.items():
        for rows in tasks.values():
            assert page_table(rows) in page, f"docs/cross-sell.md shows other figures of {shop}"
