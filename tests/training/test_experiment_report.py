"""The report of an experiment, on a simulated shop whose true uplift is known."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from recommender.errors import ConfigError
from recommender.events.exposures import Exposure, KnownPlan, Plan, add_exposures
from recommender.events.journal import EventJournal, StoredEvent, journal_path
from recommender.training.commands.experiment import experiment
from tests.commands import cartlift

DAY = 24 * 3600.0
START = datetime(2026, 11, 2, tzinfo=UTC).timestamp()
CUSTOMERS, DAYS = 3_000, 21
CONVERSION, UPLIFT = 0.15, 0.15
PRICE = 10.0
UNTIL = "2026-11-30T00:00:00+0000"

PLAN = Plan("home", "test", {"control": 0.5, "new": 0.5}, "as tried first")


def simulated(seed: int = 1) -> tuple[list[Exposure], list[StoredEvent]]:
    """Customers come within three weeks; who is shown the new lists buys more often by `UPLIFT`."""
    rng = np.random.default_rng(seed)
    exposures, events = [], []
    for number in range(CUSTOMERS):
        customer, at = f"c{number}", START + rng.random() * DAYS * DAY
        variant, loyal = rng.choice(["control", "new"]), rng.random() < 0.3
        exposures.append(Exposure("test", "customer", customer, str(variant), at))
        chance = (0.4 if loyal else 0.05) + UPLIFT * (variant == "new")
        moments = [at - rng.random() * 60 * DAY for _ in range(rng.poisson(3) if loyal else 0)]
        moments += [at + rng.random() * 6 * DAY] if rng.random() < chance else []
        events += [
            StoredEvent(
                event_id=f"{customer}-{place}",
                type="purchase",
                customer_id=customer,
                item_id="tea",
                at=moment,
                quantity=2.0,
                price=PRICE / 2,
                received_at=moment,
            )
            for place, moment in enumerate(moments)
        ]
    return exposures, events


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    exposures, events = simulated()
    journal = EventJournal(journal_path(folder, "shop"))
    journal.add(events)
    journal.close()
    add_exposures(journal_path(folder, "shop"), exposures, [KnownPlan("test", PLAN, START)])
    return folder


def written(
    folder: Path, exposures: list[Exposure], *plans: Plan, events: list[StoredEvent] | None = None
) -> Path:
    journal = EventJournal(journal_path(folder, "shop"))
    journal.add(events or [])
    journal.close()
    known = [KnownPlan("test", plan, START + place) for place, plan in enumerate(plans)]
    add_exposures(journal_path(folder, "shop"), exposures, known)
    return folder


def report(state: Path, *words: object, until: str = UNTIL) -> dict:
    """What the command prints as JSON, without a process of its own."""
    asked = ["report", "--state", state, "--until", until, "--json", *words]
    done = CliRunner().invoke(experiment, [str(word) for word in asked], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_true_uplift_lies_within_its_interval_and_is_found(state: Path):
    found = report(state)
    conversion, revenue = found["comparisons"]
    for one, uplift in ((conversion, UPLIFT), (revenue, UPLIFT * PRICE)):
        for interval in (one["difference"], one["with_history"]):
            assert interval["low"] < uplift < interval["high"]
        assert one["with_history"]["low"] > 0
        assert one["verdict"] == "better"
        # Loyal customers are told by their history.
        assert one["variance_reduction"] > 0.05
        widths = [one[kind]["high"] - one[kind]["low"] for kind in ("difference", "with_history")]
        assert widths[1] < widths[0]


def test_it_counts_whom_it_judges(state: Path):
    found = report(state)
    assert sum(variant["exposed"] for variant in found["variants"]) == CUSTOMERS
    assert sum(variant["judged"] for variant in found["variants"]) == CUSTOMERS
    control = found["variants"][0]
    assert control["name"] == found["control"] == "control"
    assert control["conversion"] == pytest.approx(CONVERSION, abs=0.03)
    assert control["revenue"] == pytest.approx(PRICE * control["conversion"])
    assert not found["sample_ratio"]["mismatch"]
    assert found["warnings"] == []


def test_only_outcomes_that_are_final_are_judged(state: Path):
    early = report(state, until="2026-11-16")
    judged, exposed = (sum(one[name] for one in early["variants"]) for name in ("judged", "exposed"))
    assert judged == pytest.approx(CUSTOMERS * 7 / DAYS, rel=0.1)
    assert exposed == pytest.approx(CUSTOMERS * 14 / DAYS, rel=0.1)


def test_days_tell_how_the_interval_came_to_be(state: Path):
    days = report(state)["days"]
    assert days[0]["day"] == "2026-11-09" and days[-1]["day"] == "2026-11-29"
    assert days[0]["comparisons"][0]["difference"]["low"] is None
    widths = [
        one["with_history"]["high"] - one["with_history"]["low"]
        for day in days
        if (one := day["comparisons"][1])["with_history"]["low"] is not None
    ]
    assert len(widths) > 10 and widths[-1] < widths[0] / 2


def test_the_page_stands_by_itself(state: Path, tmp_path: Path):
    page = tmp_path / "report.html"
    done = cartlift("experiment", "report", "--state", state, "--until", UNTIL, "--html", page)
    html = page.read_text()
    assert html.count("<svg") == 2 and "better" in html and "<script" not in html and "http" not in html
    assert "conversion" in done.out and "better" in done.out and "as planned" in done.out


def test_history_may_come_from_an_order_file(state: Path, tmp_path: Path):
    file = tmp_path / "orders.csv"
    _, events = simulated()
    frame = pl.DataFrame(
        {
            "order_id": [event.event_id for event in events],
            "customer_id": [event.customer_id for event in events],
            "item_id": "tea",
            "quantity": 2,
            "unit_price": PRICE / 2,
            "ordered_at": [
                datetime.fromtimestamp(event.at, UTC).isoformat(timespec="seconds") for event in events
            ],
        }
    )
    frame.write_csv(file)
    from_file, from_events = report(state, "--orders", file), report(state)
    for ours, theirs in zip(from_file["comparisons"], from_events["comparisons"], strict=True):
        assert ours["difference"] == theirs["difference"]
        assert ours["variance_reduction"] == pytest.approx(theirs["variance_reduction"], abs=0.01)


def test_a_spread_that_is_not_as_planned_is_said_first(tmp_path: Path):
    skewed = [
        Exposure("test", "customer", str(number), "new" if number % 5 < 2 else "control", START + number)
        for number in range(2_000)
    ]
    found = report(written(tmp_path, skewed, PLAN))
    assert found["sample_ratio"]["mismatch"]
    assert "not spread as planned" in found["warnings"][0]


def test_guests_count_by_their_session_and_who_was_shown_both_for_none(tmp_path: Path):
    exposures = [
        Exposure("test", "session", "s", "new", START),
        Exposure("test", "customer", "both", "new", START),
        Exposure("test", "customer", "both", "control", START + 60),
    ]
    bought = StoredEvent(
        event_id="1",
        type="purchase",
        session_id="s",
        customer_id="ann",
        item_id="tea",
        at=START + DAY,
        received_at=START + DAY,
    )
    found = report(written(tmp_path, exposures, PLAN, events=(bought,)))
    assert [one["judged"] for one in found["variants"]] == [0, 1]
    assert found["variants"][1]["conversion"] == 1.0
    assert found["comparisons"][0]["verdict"] == "too few customers yet"
    assert any("1 were shown several variants" in warning for warning in found["warnings"])
    assert any("1 purchases have no price" in warning for warning in found["warnings"])


def test_shares_changed_on_the_way_are_said_and_the_spread_is_not_judged(tmp_path: Path):
    exposures = [Exposure("test", "customer", "c", "new", START)]
    found = report(
        written(tmp_path, exposures, PLAN, Plan("home", "test", {"control": 0.9, "new": 0.1}, PLAN.rules))
    )
    assert found["sample_ratio"] is None
    assert "shares or salt were changed" in found["warnings"][0]
    assert [one["share"] for one in found["variants"]] == [0.9, 0.1]


def test_exposures_may_come_before_any_event(tmp_path: Path):
    add_exposures(
        journal_path(tmp_path, "shop"),
        [Exposure("test", "customer", "c", "new", START)],
        [KnownPlan("test", PLAN, START)],
    )
    assert [one["judged"] for one in report(tmp_path)["variants"]] == [0, 1]


def test_rules_changed_on_the_way_are_said(tmp_path: Path):
    exposures = [Exposure("test", "customer", "c", "new", START)]
    found = report(written(tmp_path, exposures, PLAN, Plan("home", "test", PLAN.shares, "other")))
    assert found["sample_ratio"] is not None
    assert "what the variants answer was changed" in found["warnings"][0]


def test_an_unknown_experiment_costs_one_line_that_names_the_known(state: Path, tmp_path: Path):
    done = cartlift("experiment", "report", "tset", "--state", state, expect=2)
    assert "experiments that customers were shown: test; 'tset' is none of them" in done.err
    with pytest.raises(ConfigError, match="there are no events"):
        report(tmp_path)
