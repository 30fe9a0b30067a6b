"""What a training says of sessions: enough for a taste, and nothing of one person."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from benchmarks.datasets import planted_shop
from recommender.ranking.session_factors import FEWEST_BUYERS
from recommender.snapshot.directory import Snapshot
from recommender.training.learning_settings import EvaluationSettings
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import ReadOrders, read_orders

SETTINGS = replace(
    Settings(),
    evaluation=EvaluationSettings(days=14),
    ranker=replace(Settings().ranker, windows=0),
    replenishment=replace(Settings().replenishment, windows=0),
    models=replace(Settings().models, als=replace(Settings().models.als, factors=8)),
)
NOW = datetime(2026, 8, 1, tzinfo=UTC)
HIS = "something of one customer alone"


@pytest.fixture(scope="module")
def read(tmp_path_factory) -> ReadOrders:
    """A shop in which one customer buys a thing again and again that nobody else buys."""
    path = tmp_path_factory.mktemp("factors") / "orders.parquet"
    lines = planted_shop(customers=90)
    one = lines.filter(pl.col("customer_id") == "tea-000").unique("order_id", maintain_order=True)
    pl.concat([lines, one.with_columns(item_id=pl.lit(HIS), title=pl.lit(HIS))]).write_parquet(path)
    return read_orders([path], SETTINGS)


@pytest.fixture(scope="module")
def snapshot(read: ReadOrders) -> Snapshot:
    return train(read, SETTINGS, now=NOW, progress=Silent())


def test_what_one_customer_alone_bought_has_no_factors(snapshot: Snapshot, read: ReadOrders):
    his = snapshot.catalog.items.position(HIS)
    row = snapshot.customers.position("tea-000")
    # It stands on the customer's own list, and ALS knows it.
    assert his in snapshot.lists.recommended.row(row).items
    assert snapshot.models["als"].item_factors[his].any()
    factors = snapshot.session_factors
    assert his not in factors.items
    assert len(factors.list_for(np.array([his], np.int32))) == 0
    orders = read.orders
    pairs = np.unique(np.stack([orders.customer, orders.item]), axis=1)
    buyers = dict(zip(orders.items.ids, np.bincount(pairs[1], minlength=len(orders.items)), strict=True))
    for item in factors.items.tolist():
        assert buyers[snapshot.catalog.items.ids[item]] >= FEWEST_BUYERS


def test_a_session_finds_its_taste(snapshot: Snapshot):
    items = snapshot.catalog.items
    found = snapshot.session_factors.list_for(items.positions(["green-tea", "black-tea"]))
    first = [snapshot.catalog.category[item] for item in found.items[:5].tolist()]
    assert first.count("tea") >= 4


def test_where_als_has_no_say_there_are_none(read: ReadOrders):
    without = replace(SETTINGS, blend=replace(SETTINGS.blend, als=0.0))
    assert train(read, without, now=NOW, progress=Silent()).session_factors is None
