"""What can speak against a snapshot going live: each check yields the reasons that it finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from recommender.snapshot.vitals import Coverage, Vitals

from .gate_settings import GateSettings

FEWEST_COVERED = 30
"""Where the live lists cover fewer customers or items than this, losing half of them may be chance."""

_DAY = 86_400.0

_COVERED = {
    "customers": ("customers with a list", "do customers still have the ids they had?"),
    "items": ("items in customers' lists", "do items still have the ids they had, and are they available?"),
    "similar": ("items with a list of similar ones", "do items still have the ids they had?"),
    "bought_together": (
        "items with a list of what is bought together",
        "does the id of an order still stand on all of its lines?",
    ),
}
"""What is covered, and what to look at where it no longer is."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a snapshot should not go live.

    Attributes:
        setting: of `[gate]`, that draws the line; None where it cannot be moved.
        said: what was found, what the live snapshot has, the limit, and what to look at.
    """

    setting: str | None
    said: str


def drawn_by(settings: GateSettings, setting: str, found: str, advice: str) -> Reason:
    """A reason that names the setting behind it, and its value."""
    return Reason(setting, f"{found} ([gate] {setting} = {getattr(settings, setting):g}): {advice}")


def days_between(earlier: datetime, later: datetime) -> float:
    """Days and their fraction."""
    return (later - earlier).total_seconds() / _DAY


def too_old(newest: datetime, now: datetime, settings: GateSettings) -> Iterator[Reason]:
    """Orders stopped coming in long ago."""
    age, limit = days_between(newest, now), settings.max_data_age_days
    if age > limit:
        found = f"its newest order is of {_said(newest)}, {age:,.1f} days ago; at most {limit:g} are allowed"
        yield drawn_by(settings, "max_data_age_days", found, "does the export still grow?")


def behind(newest: datetime, live: datetime, settings: GateSettings) -> Iterator[Reason]:
    """The live snapshot knows newer orders."""
    days, limit = days_between(newest, live), settings.max_days_behind
    if days > limit:
        found = (
            f"its newest order is of {_said(newest)}, the live one's of {_said(live)}, {days:,.1f} days "
            f"later; at most {limit:g} are allowed"
        )
        advice = "was an old export read? To go back to the snapshot of before, use `cartlift rollback`"
        yield drawn_by(settings, "max_days_behind", found, advice)


def too_little(vitals: Vitals, settings: GateSettings) -> Iterator[Reason]:
    """There is next to nothing in the lists, whatever is live."""
    if vitals.best_sellers == 0:
        found = "its list of best sellers has 0 items, at least 1 must be in it"
        yield Reason(None, f"{found}: is anything available?")
    if vitals.coverage["customers"].of == 0:
        return  # A shop of guests has no lists of customers.
    for kind, setting in (("customers", "min_customer_coverage"), ("items", "min_item_coverage")):
        covered, (what, advice) = vitals.coverage[kind], _COVERED[kind]
        if covered.share < getattr(settings, setting):
            found = f"{what}: {_counted(covered)}; at least {getattr(settings, setting):.1%} are asked for"
            yield drawn_by(settings, setting, found, advice)


def covers_less(ours: Vitals, live: Vitals, settings: GateSettings) -> Iterator[Reason]:
    """The lists reach far fewer customers or items than they do now."""
    for kind, (what, advice) in _COVERED.items():
        # Whatever version published the live one may not have counted all of them.
        now, then = ours.coverage[kind], live.coverage.get(kind, Coverage(0, 0))
        least = (1 - settings.max_coverage_loss) * then.share
        if then.reached >= FEWEST_COVERED and now.share < least:
            found = (
                f"{what}: {_counted(now)}, in the live one {_counted(then)}; "
                f"at least {least:.1%} are asked for"
            )
            yield drawn_by(settings, "max_coverage_loss", found, advice)


def shrunk(ours: Vitals, live: Vitals, settings: GateSettings) -> Iterator[Reason]:
    """It was learned from much less than the live one."""
    for what in ("orders", "customers", "items"):
        now, then = getattr(ours, what), getattr(live, what)
        least = (1 - settings.max_size_loss) * then
        if now < least:
            found = (
                f"{what} learned from: {now:,}, in the live one {then:,}; at least {least:,.0f} are asked for"
            )
            advice = "was the whole export read? `cartlift validate` shows what is in it"
            yield drawn_by(settings, "max_size_loss", found, advice)


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _counted(covered: Coverage) -> str:
    return f"{covered.reached:,} of {covered.of:,} ({covered.share:.1%})"
