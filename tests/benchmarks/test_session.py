"""The benchmark of sessions, in a small form."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benchmarks.datasets import planted_shop
from benchmarks.session import judge_shop, sessions_of, table_of
from recommender.data.history import DAY
from recommender.evaluation.split import TemporalSplit
from recommender.training.settings import Settings
from recommender.training.sources import ReadOrders, read_orders

# The ranker needs a larger shop, and a few factors hold its three tastes.
QUICK = replace(
    Settings(),
    ranker=replace(Settings().ranker, windows=0),
    models=replace(Settings().models, als=replace(Settings().models.als, factors=8, iterations=3)),
)


@pytest.fixture(scope="module")
def read(tmp_path_factory) -> ReadOrders:
    path = tmp_path_factory.mktemp("session") / "orders.parquet"
    guest = pl.col("customer_id").str.ends_with("5")
    nobody = pl.when(guest).then(None).otherwise(pl.col("customer_id"))
    planted_shop(customers=200).with_columns(customer_id=nobody).write_parquet(path)
    return read_orders([path], Settings())


def test_a_session_of_one_taste_beats_best_sellers(read):
    rows = judge_shop(read, QUICK, back=0, most=200)
    guests = {row.method: row for row in rows if row.who == "guests"}
    assert guests["session"].moments > 5
    assert guests["session"].ndcg.mean > guests["the list as it is"].ndcg.mean
    assert {row.who for row in rows} == {"customers", "guests"}
    assert len(list(table_of("planted", rows).rows)) == len(rows)


def test_a_session_has_the_items_of_an_order_in_the_order_of_its_lines(read):
    split = TemporalSplit.at(read.orders, read.orders.last_time - 28 * DAY, days=28, min_item_lines=5)
    lines = split.holdout
    found = sessions_of(split, read.catalog.items, 5)
    assert len(found) == 5
    for session in found:
        own = lines.lines(lines.customer == session.whose)
        positions = read.catalog.items.positions(own.items.ids)[own.item]
        orders = [positions[own.order == order].tolist() for order in np.unique(own.order)]
        assert list(session.items) in [list(dict.fromkeys(order)) for order in orders]
