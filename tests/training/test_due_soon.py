"""What is due again: in the snapshot, and as the e-mail team pulls it."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from benchmarks.datasets import EVERYBODY, TASTES, planted_shop
from recommender.campaigns.due import DueTable
from recommender.campaigns.replenishment import Replenishment
from recommender.events.private_customers import PrivacyRegister, Standing, privacy_path, read_standings
from recommender.snapshot.directory import Snapshot, load_snapshot, write_snapshot
from recommender.training.due_soon import due_frame
from recommender.training.learning_settings import EvaluationSettings
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import ReadOrders, read_orders
from recommender.training.withheld import without_private
from tests.commands import cartlift
from tests.snapshot.snapshots import HAMMER, MILK, TEA, small_snapshot

LATER = 4_000_000_000.0
NOW = datetime(2026, 8, 1, tzinfo=UTC)


def small() -> Snapshot:
    """Ann will need milk, then tea; bob a hammer some day."""
    due = DueTable(
        starts=np.array([0, 2, 3]),
        items=np.array([MILK, TEA, HAMMER], np.int32),
        chance=np.array([[0.6, 0.8, 0.95], [0.2, 0.5, 0.7], [0.01, 0.1, 0.2]], np.float32),
        day=np.array([1, 12, 0], np.int16),
        first=np.array([1, 5, 0], np.int16),
        last=np.array([4, 30, 0], np.int16),
    )
    return replace(small_snapshot(), due=due)


def test_the_pull_says_who_needs_what_when():
    frame = due_frame(small(), within=14, at_least=0.3, n=5)
    # The newest order is of the 9th of December at noon.
    assert frame.rows(named=True) == [
        {
            "customer_id": "ann", "rank": 1, "item_id": "milk", "title": "Milk 1 l", "chance_7_days": 0.6,
            "chance_14_days": 0.8, "chance_30_days": 0.95, "due_on": date(2011, 12, 10),
            "due_from": date(2011, 12, 10), "due_until": date(2011, 12, 13),
        },
        {
            "customer_id": "ann", "rank": 2, "item_id": "tea", "title": "Green tea", "chance_7_days": 0.2,
            "chance_14_days": 0.5, "chance_30_days": 0.7, "due_on": date(2011, 12, 21),
            "due_from": date(2011, 12, 14), "due_until": date(2012, 1, 8),
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"within": 7, "at_least": 0.5, "n": 5}, ["milk"]),
        ({"within": 30, "at_least": 0.0, "n": 1}, ["milk", "hammer"]),
        ({"within": 14, "at_least": 0.99, "n": 5}, []),
    ],
)
def test_it_can_be_asked_for_less(asked, expected):
    assert due_frame(small(), **asked)["item_id"].to_list() == expected


def test_where_no_day_could_be_told_none_is():
    frame = due_frame(small(), within=30, at_least=0.1, n=5).filter(pl.col("customer_id") == "bob")
    assert frame["due_on"].to_list() == frame["due_until"].to_list() == [None]


def test_it_stands_in_the_snapshot(tmp_path):
    write_snapshot(small(), tmp_path / "one")
    again = load_snapshot(tmp_path / "one").due
    for name in ("starts", "items", "chance", "day", "first", "last"):
        assert np.array_equal(getattr(again, name), getattr(small().due, name))
    write_snapshot(small_snapshot(), tmp_path / "two")
    assert load_snapshot(tmp_path / "two").due is None


SETTINGS = replace(
    Settings(), evaluation=EvaluationSettings(days=14), ranker=replace(Settings().ranker, windows=0)
)


@pytest.fixture(scope="module")
def read(tmp_path_factory) -> ReadOrders:
    path = tmp_path_factory.mktemp("due") / "orders.parquet"
    planted_shop(customers=600).write_parquet(path)
    return read_orders([path], SETTINGS)


@pytest.fixture(scope="module")
def trained(read: ReadOrders) -> Snapshot:
    return train(read, SETTINGS, now=NOW, progress=Silent())


def test_a_training_tells_what_is_due(trained: Snapshot):
    assert trained.due is not None
    assert len(trained.due.starts) == len(trained.customers) + 1
    frame = due_frame(trained, within=30, at_least=0.3, n=3)
    assert frame["customer_id"].n_unique() > 20
    taste = frame["customer_id"].str.split("-").list.first()
    wanted = [
        title == EVERYBODY or title in TASTES[one] for title, one in zip(frame["title"], taste, strict=True)
    ]
    assert all(wanted)


def test_it_can_be_switched_off(read: ReadOrders):
    off = replace(SETTINGS, replenishment=Replenishment(windows=0))
    assert train(read, off, now=NOW, progress=Silent()).due is None


def test_who_opted_out_is_left_out(tmp_path):
    register = PrivacyRegister(privacy_path(tmp_path, "shop"))
    register.set("ann", Standing("opted_out", LATER))
    register.close()
    known = without_private(small(), read_standings(tmp_path, "shop"))
    assert due_frame(known, within=30, at_least=0.0, n=5)["customer_id"].to_list() == ["bob"]


def test_the_command_writes_the_pull(tmp_path):
    write_snapshot(small(), tmp_path / "one")
    to = tmp_path / "due.csv"
    done = cartlift("campaign", "due", tmp_path / "one", "--to", to, "--state", tmp_path)
    assert pl.read_csv(to)["item_id"].to_list() == ["milk", "tea"]
    assert "2 items" in done.err


def test_a_snapshot_that_does_not_know_says_why(tmp_path):
    write_snapshot(small_snapshot(), tmp_path / "one")
    to = tmp_path / "due.csv"
    done = cartlift("campaign", "due", tmp_path / "one", "--to", to, "--state", tmp_path, expect=2)
    assert "does not say what is due again" in done.err
    assert not to.exists()
