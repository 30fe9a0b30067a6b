"""Who opted out or was erased is in nothing that a training makes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from recommender.events.private_customers import (
    PrivacyRegister,
    Standing,
    StandingKind,
    privacy_path,
    read_standings,
)
from recommender.training.settings import load_settings
from recommender.training.sources import read_orders
from tests.commands import cartlift

HEADER = "order_id,customer_id,item_id,ordered_at,quantity,unit_price\n"
NOW = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
BETWEEN = datetime(2024, 1, 4, tzinfo=UTC).timestamp()


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    lines = [
        f"{customer}{day},{customer},{item},2024-01-0{day},1,2.5\n"
        for customer in ("ann-4711", "bob", "cem")
        for day in range(1, 8)
        for item in ("tea", "milk")
    ]
    path.write_text(HEADER + "".join(lines))
    return path


def say(state: Path, customer_id: str, kind: StandingKind) -> None:
    register = PrivacyRegister(privacy_path(state, "shop"))
    register.set(customer_id, Standing(kind, BETWEEN))
    register.close()


@pytest.mark.parametrize("kind", ["opted_out", "erased"])
def test_their_lines_are_left_out_and_counted(orders: Path, tmp_path: Path, kind: StandingKind):
    say(tmp_path, "ann-4711", kind)
    read = read_orders([orders], load_settings(), private=read_standings(tmp_path, "shop"), now=NOW)
    assert read.orders.customers.ids == ("bob", "cem")
    finding = read.findings.get("private_customer")
    assert finding is not None and (finding.count, finding.examples) == (14, ())


def test_who_came_back_has_a_history_since_then(orders: Path, tmp_path: Path):
    say(tmp_path, "ann-4711", "returned")
    read = read_orders([orders], load_settings(), private=read_standings(tmp_path, "shop"), now=NOW)
    theirs = sorted(order for order in read.orders.orders.ids if order.startswith("ann"))
    assert theirs == [f"ann-4711{day}" for day in range(4, 8)]


def test_where_case_does_not_matter_every_spelling_is_left_out(orders: Path, tmp_path: Path):
    say(tmp_path, "ANN-4711", "erased")
    (tmp_path / "c.toml").write_text("[cleaning]\nfold_customer_case = true\n")
    private = read_standings(tmp_path, "shop")
    read = read_orders([orders], load_settings(tmp_path / "c.toml"), private=private, now=NOW)
    assert read.orders.customers.ids == ("bob", "cem")


def test_nothing_that_is_trained_has_their_id(orders: Path, tmp_path: Path):
    state, folder = tmp_path / "state", tmp_path / "snapshot"
    say(state, "ann-4711", "erased")
    cartlift("train", orders, "--snapshot", folder, "--state", state)
    for path in (*folder.rglob("*"), *tmp_path.glob("*.quarantine.parquet"), *state.rglob("*")):
        assert path.is_dir() or b"ann-4711" not in path.read_bytes(), path
    assert b"bob" in (folder / "customers.parquet").read_bytes()
