"""When a thing is bought again, learned from customers whose rhythms are known."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.campaigns import replenishment
from recommender.campaigns.purchase_days import PurchaseDays
from recommender.campaigns.replenishment import COVERED, LONGEST, Due, Replenishment
from recommender.campaigns.rhythms import Rhythms
from recommender.data.history import DAY
from recommender.ranking.due_list import HORIZONS
from tests.shops import log_of

DAYS = 460
NOW = DAYS - 60
GAPS = {"milk": 7, "coffee": 14, "soap": 28, "wine": 21}
CUSTOMERS = 120
QUICK = Replenishment(trees=60)


def lines() -> list[tuple[str, str, str, float, float]]:
    """Everybody buys each thing in its rhythm, two days more or less, from a day of their own on."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(CUSTOMERS):
        for item, gap in GAPS.items():
            day = rng.uniform(0, gap)
            while day < DAYS:
                found.append((f"{number}-{int(day)}", f"c{number:03}", item, 1.0, day))
                day += gap + rng.uniform(-2, 2)
    return found


LOG = log_of(lines())
CATEGORY = np.arange(len(LOG.items), dtype=np.int32)
KNOWN = PurchaseDays.at(LOG.until(NOW * DAY), NOW * DAY)
RHYTHMS = Rhythms.of(KNOWN, CATEGORY, fewest_days=3)
LATER = PurchaseDays.at(LOG.until((NOW + LONGEST) * DAY), (NOW + LONGEST) * DAY).bought_within(LONGEST)
bought_next = RHYTHMS.next_bought(LATER, LONGEST)


@pytest.fixture(scope="module")
def due() -> Due:
    model = QUICK.fit(KNOWN, CATEGORY)
    assert model is not None
    return model.due(RHYTHMS)


def of(item: str):
    return RHYTHMS.item == LOG.items.position(item)


def test_what_is_due_is_likelier_than_what_was_just_bought(due: Due):
    soap = of("soap")
    week = due.chance[:, 0]
    assert week[soap & (RHYTHMS.since >= 23)].min() > 0.5
    assert week[soap & (RHYTHMS.since <= 10)].max() < 0.1


def test_chances_are_true(due: Due):
    for column, horizon in enumerate(HORIZONS):
        bought = (bought_next > 0) & (bought_next <= horizon)
        said = due.chance[:, column]
        for low, high in ((0, 0.2), (0.2, 0.8), (0.8, 1)):
            some = (said >= low) & (said < high)
            if some.sum() > 50:
                assert bought[some].mean() == pytest.approx(said[some].mean(), abs=0.1)


def test_what_is_bought_in_a_week_is_bought_in_a_month(due: Due):
    assert (np.diff(due.chance, axis=1) >= 0).all()
    assert due.chance.shape == (len(RHYTHMS), len(HORIZONS))
    assert (due.chance >= 0).all() and (due.chance <= 1).all()


def test_the_likely_day_is_near_the_true_one(due: Due):
    again = bought_next > 0
    assert again.mean() > 0.95
    assert np.abs(due.day - bought_next)[again].mean() < 2
    soap = of("soap") & again
    assert np.corrcoef(due.day[soap], 28 - RHYTHMS.since[soap])[0, 1] > 0.9


def test_the_interval_holds_what_it_says(due: Due):
    again = bought_next > 0
    inside = (due.first <= bought_next) & (due.last >= bought_next)
    assert COVERED - 0.07 < inside[again].mean() < COVERED + 0.15  # whole days
    assert (due.first >= 1).all() and (due.last <= LONGEST).all()
    assert (due.first <= due.day).all() and (due.day <= due.last).all()
    assert (due.last - due.first + 1)[again].mean() < 7  # of a rhythm of two days more or less


def test_what_is_likely_bought_this_week_is_due_this_week(due: Due):
    week, fortnight, month = due.chance.T
    assert (due.day[week >= month / 2] <= 7).all()
    assert (due.day[(week < month / 2) & (fortnight >= month / 2)] <= 14).all()
    assert (due.day[fortnight < month / 2] > 14).all()


def test_it_is_learned_the_same_every_time(due: Due):
    again = QUICK.fit(KNOWN, CATEGORY).due(RHYTHMS)
    for name in ("chance", "day", "first", "last"):
        assert np.array_equal(getattr(again, name), getattr(due, name))


def test_too_few_rhythms_teach_nothing():
    few = log_of([line for line in lines() if line[1] < "c010"])
    days = PurchaseDays.at(few.until(NOW * DAY), NOW * DAY)
    assert QUICK.fit(days, CATEGORY) is None
    assert QUICK.fit(PurchaseDays.at(LOG.until(0), 0), CATEGORY) is None


def test_where_no_month_was_left_to_learn_from_no_day_is_told(monkeypatch):
    monkeypatch.setattr(replenishment, "_FEWEST_EXAMPLES", 100)
    # The one whole month there is has to say how wide an interval must be.
    model = replace(QUICK, windows=1, step_days=LONGEST).fit(KNOWN, CATEGORY)
    due = model.due(RHYTHMS)
    assert not due.day.any() and not due.first.any() and not due.last.any()
    assert due.chance.max() > 0.9


def test_of_nobody_nothing_is_due(due: Due):
    nobody = Rhythms.of(PurchaseDays.at(LOG.until(0), 0), CATEGORY, fewest_days=3)
    found = QUICK.fit(KNOWN, CATEGORY).due(nobody)
    assert found.chance.shape == (0, len(HORIZONS))
    assert len(found.day) == 0


@pytest.mark.parametrize(
    "wrong", [{"fewest_days": 1}, {"windows": -1}, {"step_days": 0}, {"learning_rate": 0}, {"examples": 10}]
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Replenishment(**wrong)
