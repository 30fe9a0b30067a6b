"""Events as files, and purchases as orders that a training reads."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from recommender.events.journal import EventJournal, StoredEvent, journal_path
from recommender.training.settings import Settings
from recommender.training.sources import read_orders
from tests.commands import cartlift

MORNING = datetime(2026, 11, 20, 9, 30, 0, 250_000, UTC)


def event(event_id: str, **said) -> StoredEvent:
    usual = {
        "type": "purchase",
        "customer_id": "007",
        "item_id": "tea",
        "at": MORNING.timestamp(),
        "received_at": MORNING.timestamp() + 1,
    }
    return StoredEvent(event_id=event_id, **(usual | said))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    journal = EventJournal(journal_path(tmp_path, "shop"))
    journal.add(
        [
            event("1", quantity=2, price=3.5),
            event("2", item_id="milk"),
            event("3", type="view", item_id="honey"),
            event("4", customer_id=None, session_id="s", item_id="milk", at=MORNING.timestamp() - 60),
        ]
    )
    journal.close()
    return tmp_path


def test_events_are_exported_as_they_were_kept(state: Path):
    to = state / "events.parquet"
    cartlift("events", "export", "--state", state, "--to", to)
    frame = pl.read_parquet(to)
    assert frame["event_id"].to_list() == ["4", "1", "2", "3"]
    assert frame["at"][1] == MORNING
    assert frame.row(1, named=True)["customer_id"] == "007"


def test_only_some_types_are_exported_where_these_are_named(state: Path):
    to = state / "events.csv"
    cartlift("events", "export", "--state", state, "--to", to, "--type", "view")
    assert pl.read_csv(to)["item_id"].to_list() == ["honey"]


def test_purchases_are_orders_that_a_training_reads(state: Path):
    to = state / "bought.csv"
    cartlift("events", "orders", "--state", state, "--to", to)
    read = read_orders([str(to)], Settings())
    orders = read.orders
    lines = sorted(
        zip(
            [orders.customers.ids[c] if c >= 0 else None for c in orders.customer.tolist()],
            [orders.items.ids[i] for i in orders.item.tolist()],
            orders.quantity.tolist(),
            strict=True,
        ),
        key=str,
    )
    assert lines == [("007", "milk", 1.0), ("007", "tea", 2.0), (None, "milk", 1.0)]
    assert pl.read_csv(to)["order_id"].n_unique() == 2


def test_where_there_are_no_events_that_is_said(tmp_path: Path):
    done = cartlift("events", "export", "--state", tmp_path, "--to", tmp_path / "events.csv", expect=2)
    assert "there are no events in" in done.err
