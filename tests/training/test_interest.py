"""Views and carts that the service kept count in a training."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from recommender.events.journal import EventJournal, StoredEvent, journal_path
from recommender.events.private_customers import NOTHING_ASKED, Standing, Standings, _digest
from recommender.training.interest import interest_of
from tests.commands import cartlift
from tests.shops import planted_lines

DAY = 86_400
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def event(number: int, type_: str, customer: str | None, item: str, day: float) -> StoredEvent:
    return StoredEvent(
        event_id=str(number),
        type=type_,
        customer_id=customer,
        session_id="s",
        item_id=item,
        at=day * DAY,
        received_at=day * DAY,
    )


def test_views_clicks_and_carts_of_known_customers_count():
    events = [
        event(1, "view", "ann", "tea", 1),
        event(2, "click", "ann", "milk", 2),
        event(3, "cart", "bob", "tea", 3),
        event(4, "purchase", "bob", "tea", 4),
        event(5, "dismiss", "bob", "milk", 4),
        event(6, "view", None, "milk", 5),
    ]
    log = interest_of(events, NOTHING_ASKED)
    told = [
        (log.customers.ids[customer], log.items.ids[item], int(kind), at / DAY)
        for customer, item, kind, at in zip(log.customer, log.item, log.kind, log.at, strict=True)
    ]
    assert told == [("ann", "tea", 0, 1), ("ann", "milk", 0, 2), ("bob", "tea", 1, 3)]


@pytest.mark.parametrize(("kind", "left"), [("opted_out", []), ("erased", []), ("returned", [3.0])])
def test_what_somebody_wants_forgotten_is_left_out(kind, left):
    private = Standings(b"salt", {_digest(b"salt", "ann"): Standing(kind, 2.0 * DAY)})
    events = [event(1, "view", "ann", "tea", 1), event(2, "view", "ann", "tea", 3)]
    assert (interest_of(events, private).at / DAY).tolist() == left


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    lines = [
        f"{order},{customer},{item},{quantity},1.0,{(BEGIN + timedelta(day)).isoformat()}\n"
        for order, customer, item, quantity, day in planted_lines()
    ]
    path.write_text("order_id,customer_id,item_id,quantity,unit_price,ordered_at\n" + "".join(lines))
    return path


def kept(state: Path) -> None:
    journal = EventJournal(journal_path(state, "shop"))
    today = BEGIN.timestamp() / DAY + 119
    journal.add([event(n, "cart", "tea-000", item, today) for n, item in enumerate(["diy-saw", "diy-nails"])])
    journal.close()


def place_of(item: str, folder: Path) -> int:
    to = folder.with_suffix(".csv")
    cartlift("export", folder, "--list", "recommended", "--mode", "discover", "-n", "100", "--to", to)
    lists = pl.read_csv(to).filter(pl.col("customer_id") == "tea-000")
    found = lists.filter(pl.col("item_id") == item)["rank"]
    return int(found[0]) if len(found) else 1_000


def test_a_training_with_events_moves_up_what_lay_in_a_cart(orders: Path, tmp_path: Path):
    kept(tmp_path / "state")
    plain, heard = tmp_path / "plain", tmp_path / "heard"
    cartlift("train", orders, "--snapshot", plain)
    told = cartlift("train", orders, "--snapshot", heard, "--events", "--state", tmp_path / "state", "--json")
    assert told.json["counts"]["interest"] == 2
    assert "interest" not in cartlift("inspect", plain, "--json").json["counts"]
    assert place_of("diy-saw", heard) < place_of("diy-saw", plain)


def test_without_events_it_says_where_it_looked(orders: Path, tmp_path: Path):
    said = cartlift("train", orders, "--snapshot", tmp_path / "s", "--events", "--state", tmp_path, expect=2)
    assert "there are no events in" in said.err


def test_spark_learns_from_orders_only(orders: Path, tmp_path: Path):
    said = cartlift("train", orders, "--snapshot", tmp_path / "s", "--events", "--engine", "spark", expect=2)
    assert "--events is for this machine alone" in said.err
