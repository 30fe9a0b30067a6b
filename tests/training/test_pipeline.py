import gc
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from benchmarks.datasets import planted_shop
from recommender.data.catalog import Catalog
from recommender.data.orders import OrderLog
from recommender.data.returns import net_of_returns
from recommender.errors import DataError
from recommender.evaluation.split import known_items
from recommender.ranking.blend import Blend
from recommender.ranking.eligibility import eligible_items
from recommender.ranking.reasons import KINDS
from recommender.training.evaluation import evaluate
from recommender.training.learning_settings import EvaluationSettings
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import read_orders
from tests.commands import cartlift
from tests.shops import history_of, log_of

NOW = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    path = tmp_path_factory.mktemp("pipeline") / "orders.parquet"
    planted_shop(customers=120).write_parquet(path)
    return path


def read(path, **changes):
    found = read_orders([path], Settings())
    return replace(found, **changes)


class HeldOrders(Silent):
    """A progress that counts the order logs there are when a step begins."""

    def __init__(self):
        self.logs = {}

    def step(self, name, total=None):
        gc.collect()
        self.logs[name] = sum(isinstance(held, OrderLog) and len(held) > 0 for held in gc.get_objects())
        return super().step(name, total)


def test_orders_that_are_handed_over_leave_memory_before_customers_lists_are_made(shop):
    progress, settings = HeldOrders(), replace(Settings(), evaluation=EvaluationSettings(days=14))
    gc.collect()
    others = sum(isinstance(held, OrderLog) and len(held) > 0 for held in gc.get_objects())
    handed_over = [read(shop)]
    train(handed_over.pop(), settings, now=NOW, progress=progress)
    # The judge's own lists are made earlier, under the same name: what is seen last is the snapshot's.
    assert progress.logs["Write customer lists"] == others
    assert progress.logs["Write past orders"] > others


def lists(found):
    return train(found, Settings(), now=NOW, progress=Silent())


def test_what_is_off_sale_today_does_not_change_the_verdict(shop):
    found = read(shop)
    off_sale = replace(found.catalog, available=np.arange(len(found.catalog.items)) % 2 == 0)
    plain = evaluate(found, Settings(), progress=Silent())
    assert evaluate(replace(found, catalog=off_sale), Settings(), progress=Silent()) == plain


def test_what_is_off_sale_today_is_in_no_list(shop):
    found = read(shop)
    available = np.arange(len(found.catalog.items)) % 2 == 0
    snapshot = lists(replace(found, catalog=replace(found.catalog, available=available)))
    made = snapshot.lists
    for table in (made.recommended, made.similar, made.bought_together, made.best_sellers):
        assert len(table.items)
        assert all(snapshot.catalog.available[table.items])


def test_a_shop_where_nothing_is_on_sale_is_told(shop):
    found = read(shop)
    nothing = replace(found.catalog, available=np.zeros(len(found.catalog.items), bool))
    with pytest.raises(DataError, match="every item is unavailable"):
        lists(replace(found, catalog=nothing))


def test_a_shop_of_guests_has_best_sellers_and_baskets_and_no_customers(tmp_path):
    orders = planted_shop(customers=60).with_columns(customer_id=pl.lit(None, pl.String))
    orders.write_parquet(tmp_path / "guests.parquet")
    snapshot = lists(read(tmp_path / "guests.parquet"))
    assert len(snapshot.customers) == 0
    assert len(snapshot.lists.recommended) == 0
    assert len(snapshot.lists.best_sellers.row(0)) > 5
    assert len(snapshot.lists.bought_together.items) > 5
    assert snapshot.manifest.figures is None


def test_who_returned_everything_has_no_list_of_their_own(tmp_path):
    rows = [
        ("1", "ann", "tea", 1, 1),
        ("2", "ann", "tea", -1, 2),
        ("3", "bob", "tea", 1, 3),
        ("4", "bob", "milk", 1, 4),
    ]
    frame = pl.DataFrame(rows, schema=["order_id", "customer_id", "item_id", "quantity", "day"], orient="row")
    days = pl.datetime(2026, 1, 1) + pl.duration(days=pl.col("day"))
    frame.with_columns(ordered_at=days, unit_price=1.0).drop("day").write_parquet(tmp_path / "orders.parquet")
    snapshot = lists(read(tmp_path / "orders.parquet"))
    ann, bob = (snapshot.lists.recommended.row(snapshot.customers.position(name)) for name in ("ann", "bob"))
    assert (len(ann), len(bob)) == (0, 1)  # milk was bought once, which is too rare beside tea


def test_a_short_history_is_not_judged(tmp_path):
    planted_shop(customers=40, days=40).write_parquet(tmp_path / "orders.parquet")
    assert lists(read(tmp_path / "orders.parquet")).manifest.figures is None


def test_threads_and_hash_seeds_do_not_change_the_snapshot(shop, tmp_path):
    """The id is a digest of every list and factor: one different bit would change it."""
    ids = set()
    for seed, threads in (("1", "1"), ("2", "2")):
        wanted = {"PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        words = ["train", shop, "--snapshot", tmp_path / seed, "--json"]
        command = [sys.executable, "-m", "recommender.training", *map(str, words)]
        subprocess.run(command, env=os.environ | wanted, check=True, capture_output=True, timeout=300)
        ids.add(cartlift("inspect", tmp_path / seed, "--json").json["snapshot"])
    assert len(ids) == 1


def test_items_off_sale_or_long_unsold_are_not_eligible():
    lines = [("1", "ann", "old", 1.0, 0.0), ("2", "ann", "gone", 1.0, 90.0), ("3", "ann", "new", 1.0, 90.0)]
    history = history_of(lines, 100.0)

    catalog = replace(
        Catalog.unknown(history.items), available=np.array([id_ != "gone" for id_ in history.items.ids])
    )
    shown = eligible_items(history, catalog, retired_after_days=50)
    assert {id_ for id_, eligible in zip(history.items.ids, shown, strict=True) if eligible} == {"new"}


def test_an_item_counts_as_known_whether_or_not_a_piece_came_back(tmp_path):
    """The same five lines make an item known to the judge and to the published lists."""
    orders = log_of(
        [(str(n), f"c{n}", "tea", 1.0, float(n)) for n in range(5)] + [("r", "c0", "tea", -1.0, 6.0)]
    )
    assert known_items(orders, 5).tolist() == [True]
    assert len(net_of_returns(orders.keep_items(known_items(orders, 5))).orders) == 4


def test_reasons_stand_beside_the_places_that_they_are_of(shop):
    found = read(shop)
    snapshot = lists(found)
    table, reasons, titles = snapshot.lists.recommended, snapshot.lists.reasons, snapshot.catalog.items.ids
    bought = {}
    for customer, item in zip(found.orders.customer, found.orders.item, strict=True):
        whose = found.orders.customers.ids[customer]
        bought.setdefault(whose, set()).add(found.orders.items.ids[item])
    kinds = set()
    for row, item, was_bought, kind, value in zip(
        table.row_of_place(), table.items, table.bought, reasons.kinds, reasons.values, strict=True
    ):
        own, name = bought[snapshot.customers.ids[row]], KINDS[kind]
        assert was_bought == (titles[item] in own) == (name in ("bought_again", "bought_before"))
        if name == "because_you_bought":
            assert titles[value] in own
        kinds.add(name)
    assert {"bought_again", "bought_before", "because_you_bought"} <= kinds


def test_a_model_without_a_say_is_no_reason(shop):
    settings = Settings(
        blend=replace(Blend(), item_knn=0.0, co_purchase=0.0), ranker=replace(Settings().ranker, windows=0)
    )
    reasons = train(read(shop), settings, now=NOW, progress=Silent()).lists.reasons
    assert "because_you_bought" not in {KINDS[kind] for kind in reasons.kinds}
