"""Bundles: in the snapshot, and as the e-mail team pulls them."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from benchmarks.datasets import planted_shop
from recommender.campaigns.bundle_table import NO_ITEM
from recommender.campaigns.bundles import Bundles
from recommender.campaigns.discounts import Discounts
from recommender.errors import ConfigError
from recommender.events.private_customers import PrivacyRegister, Standing, privacy_path
from recommender.snapshot.directory import Snapshot, write_snapshot
from recommender.training.bundles import customer_frame, shop_frame
from recommender.training.learning_settings import EvaluationSettings
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import ReadOrders, read_orders
from tests.commands import cartlift
from tests.snapshot.snapshots import small_snapshot
from tests.snapshot.test_bundle_rows import with_bundles

NOW = datetime(2026, 8, 1, tzinfo=UTC)
LATER = 4_000_000_000.0


def test_the_shops_pull_says_what_it_is_costs_and_rests_on():
    first, second = shop_frame(with_bundles(), different=None).rows(named=True)
    assert first == {
        "rank": 1, "items": 2, "item_1": "milk", "item_2": "tea", "item_3": None, "item_4": None,
        "title_1": "Milk 1 l", "title_2": "Green tea", "title_3": None, "title_4": None,
        "price": 3.54, "discount_percent": 8, "offer_price": 3.26,
        "orders": 70_000, "customers": 40, "lift": 2.5, "lift_low": 1.5, "completed": 0.25,
    }  # fmt: skip
    # Nobody knows what nails cost.
    assert (second["price"], second["offer_price"]) == (None, None)


def test_a_customers_pull_says_what_they_have_and_need():
    (row,) = customer_frame(with_bundles(), n=None).rows(named=True)
    assert {name: row[name] for name in ("customer_id", "rank", "owned", "due", "item_1", "item_2")} == {
        "customer_id": "ann", "rank": 1, "owned": "milk", "due": "milk", "item_1": "milk", "item_2": "tea",
    }  # fmt: skip


def test_a_snapshot_without_bundles_says_why():
    for pull in (lambda it: shop_frame(it, different=2), lambda it: customer_frame(it, n=1)):
        with pytest.raises(ConfigError, match="per_item is 0"):
            pull(small_snapshot())


SETTINGS = replace(
    Settings(), evaluation=EvaluationSettings(days=14), ranker=replace(Settings().ranker, windows=0)
)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> ReadOrders:
    path = tmp_path_factory.mktemp("bundles") / "orders.parquet"
    planted_shop(customers=400, seed=1).write_parquet(path)
    return read_orders([path], SETTINGS)


@pytest.fixture(scope="module")
def trained(read: ReadOrders) -> Snapshot:
    return train(read, SETTINGS, now=NOW, progress=Silent())


def test_a_training_finds_bundles_and_whom_they_fit(trained: Snapshot):
    assert trained.bundles is not None and trained.own_bundles is not None
    assert len(trained.bundles) > 10
    own, bought = trained.own_bundles, trained.lists.past_orders
    # Of each bundle that a customer is shown they have a part and lack one, as their past orders have it.
    for customer in range(0, len(trained.customers), 7):
        has = set(bought.row(customer).items.tolist())
        for place in range(own.starts[customer], own.starts[customer + 1]):
            items = trained.bundles.items[own.bundles[place]]
            owned = [int(own.owned[place]) >> at & 1 for at in range(len(items))]
            parts = [
                (item, flag) for item, flag in zip(items.tolist(), owned, strict=True) if item != NO_ITEM
            ]
            assert {flag for _, flag in parts} == {0, 1}
            assert not has & {item for item, flag in parts if not flag}


def test_it_can_be_switched_off(read: ReadOrders):
    found = train(read, replace(SETTINGS, bundles=Bundles(per_item=0)), now=NOW, progress=Silent())
    assert (found.bundles, found.own_bundles) == (None, None)


def test_discounts_lie_inside_their_limits(read: ReadOrders):
    found = train(
        read, replace(SETTINGS, discounts=Discounts(least=0.02, most=0.04)), now=NOW, progress=Silent()
    )
    assert found.bundles is not None
    assert len(found.bundles)
    assert np.isin(found.bundles.discount, (2, 3, 4)).all()


def test_the_command_writes_what_was_asked_for(tmp_path):
    write_snapshot(with_bundles(), tmp_path / "one")
    said = cartlift("campaign", "bundles", tmp_path / "one", "--to", tmp_path / "all.csv")
    assert "2 bundles, written to" in said.err.replace("\n", " ")
    assert pl.read_csv(tmp_path / "all.csv")["item_1"].to_list() == ["milk", "hammer"]
    cartlift("campaign", "bundles", tmp_path / "one", "-n", "1", "--to", tmp_path / "one.parquet")
    assert pl.read_parquet(tmp_path / "one.parquet")["item_1"].to_list() == ["milk"]
    cartlift("campaign", "bundles", tmp_path / "one", "--per", "customer", "--to", tmp_path / "own.ndjson")
    (line,) = (tmp_path / "own.ndjson").read_text().splitlines()
    assert json.loads(line)["customer_id"] == "ann"


def test_who_opted_out_is_left_out(tmp_path):
    write_snapshot(with_bundles(), tmp_path / "one")
    register = PrivacyRegister(privacy_path(tmp_path / "state", "shop"))
    register.set("ann", Standing("opted_out", LATER))
    register.close()
    own = ("--per", "customer", "--state", tmp_path / "state", "--to", tmp_path / "own.csv")
    cartlift("campaign", "bundles", tmp_path / "one", *own)
    assert pl.read_csv(tmp_path / "own.csv").is_empty()


def test_a_file_of_no_known_kind_is_refused_before_anything_is_read(tmp_path):
    said = cartlift("campaign", "bundles", tmp_path / "none", "--to", tmp_path / "all.xlsx", expect=2)
    assert "all.xlsx" in said.err
