"""Clicks and purchases are laid at the answers in which the items were shown."""

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from recommender.events.journal import EventJournal, StoredEvent, journal_path
from recommender.events.recommendation_ids import TAG_BYTES, Shown, recommendation_id
from recommender.training.attribution import attribution_frame
from recommender.training.commands.events import events as events_command

DAY = 24 * 3600.0
WINDOW = 7 * DAY
NOON = 1_795_000_000.0

HOME = recommendation_id(bytes(TAG_BYTES), Shown("customer", "personal", "monday", "home", "test", "new"))
CART = recommendation_id(bytes(TAG_BYTES), Shown("cart", "co_purchase", "monday", "cart"))


def event(type_: str, at: float, **said) -> StoredEvent:
    usual = {"customer_id": "ann", "item_id": "tea", "received_at": NOON + at}
    name = f"{type_} {at} {sorted(said.items())}"
    return StoredEvent(event_id=name, type=type_, at=NOON + at, **(usual | said))


def click(at: float, id_: str | None = HOME, **said) -> StoredEvent:
    return event("click", at, recommendation_id=id_, **said)


def purchase(at: float, id_: str | None = None, **said) -> StoredEvent:
    return event("purchase", at, recommendation_id=id_, **({"price": 3.0, "quantity": 2.0} | said))


def laid(*events: StoredEvent) -> dict[str | None, tuple[int, int, int, float]]:
    """Clicks, purchases, those of them by a click, and revenue, by placement."""
    frame = attribution_frame(events, window=WINDOW, by=("placement",))
    return {
        row["placement"]: (row["clicks"], row["purchases"], row["by_click"], row["revenue"])
        for row in frame.iter_rows(named=True)
    }


def test_a_purchase_is_laid_at_the_answer_that_it_names():
    assert laid(click(0, HOME), purchase(1, CART)) == {"home": (1, 0, 0, 0.0), "cart": (0, 1, 0, 6.0)}


def test_one_that_names_none_is_laid_at_the_last_click_on_the_item():
    found = laid(click(0, CART), click(5, HOME), click(9, CART), purchase(8))
    assert found == {"home": (1, 1, 1, 6.0), "cart": (2, 0, 0, 0.0)}


@pytest.mark.parametrize(
    "clicked",
    [
        {"item_id": "milk"},
        {"customer_id": "bob"},
        {"customer_id": None, "session_id": "s"},
        {"id_": "2f6c1d0b8e5a497c3d1f0a62"},
        {"id_": None},
    ],
    ids=str,
)
def test_other_clicks_do_not_count(clicked):
    assert laid(click(0, **clicked), purchase(1))[None][1:] == (1, 0, 6.0)


def test_neither_do_clicks_of_long_ago_or_of_afterwards():
    assert laid(click(0), purchase(WINDOW))["home"][1] == 1
    assert laid(click(0), purchase(WINDOW + 1))["home"][1] == 0
    assert laid(click(2), purchase(1))["home"][1] == 0


def test_a_click_in_the_session_counts_for_whoever_buys_in_it_and_the_later_click_wins():
    in_session = click(3, CART, customer_id=None, session_id="s")
    assert laid(in_session, purchase(4, customer_id=None, session_id="s"))["cart"][1] == 1
    assert laid(in_session, click(1, HOME), purchase(4, session_id="s"))["cart"][1] == 1
    assert laid(in_session, click(3.5, HOME), purchase(4, session_id="s"))["home"][1] == 1


def test_an_answer_is_told_by_everything_that_its_id_says():
    frame = attribution_frame([click(0), click(1), purchase(2, price=None)], window=WINDOW)
    (row,) = frame.iter_rows(named=True)
    assert row == {
        "attributed": True,
        "placement": "home",
        "source": "personal",
        "snapshot": "monday",
        "experiment": "test",
        "variant": "new",
        "answers": 1,
        "clicks": 2,
        "purchases": 1,
        "by_click": 1,
        "revenue": 0.0,
        "unpriced": 1,
    }


def test_no_events_make_no_rows():
    assert attribution_frame([], window=WINDOW).height == 0


def test_the_command_prints_a_table_or_json_or_writes_a_file(tmp_path: Path):
    journal = EventJournal(journal_path(tmp_path, "shop"))
    journal.add([click(0), purchase(1), purchase(2, item_id="milk")])
    journal.close()

    def asked(*words: object) -> str:
        given = ["attribution", "--state", tmp_path, *words]
        done = CliRunner().invoke(events_command, [str(word) for word in given], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "home" in asked() and "6.00" in asked()
    rows = json.loads(asked("--json", "--by", "source", "--by", "variant"))
    assert [(row["source"], row["variant"], row["attributed"]) for row in rows] == [
        ("personal", "new", True),
        (None, None, False),
    ]
    asked("--to", tmp_path / "attribution.parquet")
    assert pl.read_parquet(tmp_path / "attribution.parquet")["purchases"].to_list() == [1, 1]
    none_of_it = json.loads(asked("--json", "--window", 0, "--by", "placement"))
    assert [row["purchases"] for row in none_of_it] == [0, 2]
