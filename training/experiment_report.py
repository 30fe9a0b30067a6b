"""What an experiment says so far: as figures, as a table for a terminal, as JSON, as one HTML page."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from rich.console import Console
from rich.table import Table

from recommender.evaluation.intervals import Interval
from recommender.experiments.comparison import Certainty, Comparison, compare, means
from recommender.experiments.sample_ratio import SUSPICIOUS, SampleRatio, sample_ratio

from .evaluation_plots import colour_of
from .experiment_data import DAY, METRICS, ExperimentData
from .experiment_plots import bands

_MOST_DAYS = 366

METRIC_LABELS = {
    "conversion": "share of customers who bought",
    "revenue": "revenue a customer",
}


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """One variant.

    Attributes:
        name: its name.
        share: planned share of the customers.
        exposed: customers that were shown it.
        judged: those of them whose outcome is final.
        means: mean outcome of the judged, by metric.
    """

    name: str
    share: float
    exposed: int
    judged: int
    means: dict[str, float]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told of an experiment.

    Attributes:
        experiment: its name.
        placement: where it takes place.
        until: seconds since 1970 UTC, that the figures are as of.
        window: seconds after the exposure in which purchases count.
        certainty: how sure the intervals are.
        variants: the control first.
        spread: whether customers were spread as planned; None where the plan was changed on the way.
        comparisons: every variant beside the control, by every metric.
        days: comparisons as they were at the end of each day, as far as there was anything to compare.
        warnings: why not to trust it, in words.
    """

    experiment: str
    placement: str
    until: float
    window: float
    certainty: Certainty
    variants: tuple[VariantFigures, ...]
    spread: SampleRatio | None
    comparisons: tuple[Comparison, ...]
    days: tuple[tuple[date, tuple[Comparison, ...]], ...]
    warnings: tuple[str, ...]


def experiment_report(data: ExperimentData, *, until: float, window: float, certainty: Certainty) -> Report:
    """Judge an experiment.

    Args:
        data: what is known of it.
        until: see `experiment_data`, as `window`.
        window: see there.
        certainty: how sure intervals are to be.
    """
    judged, plan = data.judged, data.plan.plan
    counts = np.bincount(judged.variant, minlength=len(judged.names))
    by_metric = {metric: means(judged, metric) for metric in METRICS}
    spread = None
    if not _drawn_anew(data):
        spread = sample_ratio(list(data.exposed.values()), list(plan.shares.values()))
    return Report(
        experiment=data.plan.experiment,
        placement=plan.placement,
        until=until,
        window=window,
        certainty=certainty,
        variants=tuple(
            VariantFigures(
                name,
                plan.shares[name],
                data.exposed[name],
                int(counts[number]),
                {metric: values[number] for metric, values in by_metric.items()},
            )
            for number, name in enumerate(judged.names)
        ),
        spread=spread,
        comparisons=compare(judged, certainty),
        days=_by_day(data, until, certainty),
        warnings=tuple(_warnings(data, spread)),
    )


def verdict(one: Comparison) -> str:
    """What can be said of a variant by the interval with less variance."""
    if not isfinite(one.cuped.low):
        return "too few customers yet"
    if not one.cuped.excludes_zero:
        return "no difference told yet"
    return "better" if one.cuped.low > 0 else "worse"


def as_json(report: Report) -> dict[str, Any]:
    """The report for programs; what is not known is null."""
    return {
        "experiment": report.experiment,
        "placement": report.placement,
        "until": _moment(report.until),
        "window_days": report.window / DAY,
        "confidence": 1 - report.certainty.alpha,
        "planned_customers": report.certainty.planned,
        "control": report.variants[0].name,
        "variants": [
            {"name": one.name, "share": one.share, "exposed": one.exposed, "judged": one.judged, **one.means}
            for one in report.variants
        ],
        "sample_ratio": None
        if report.spread is None
        else {
            "p_value": report.spread.p_value,
            "always_valid_p_value": report.spread.always_p_value,
            "mismatch": report.spread.mismatch,
        },
        "comparisons": [_comparison(one) for one in report.comparisons],
        "days": [
            {"day": day.isoformat(), "comparisons": [_comparison(one) for one in found]}
            for day, found in report.days
        ],
        "warnings": list(report.warnings),
    }


def print_report(console: Console, report: Report) -> None:
    """The report as tables."""
    said = f"{report.experiment} in {report.placement}, until {_moment(report.until)}"
    console.print(f"[bold]{said}[/]", highlight=False)
    table = Table("variant", "share", "exposed", "judged", "conversion", "revenue", box=None)
    for one in report.variants:
        table.add_row(
            one.name,
            f"{one.share:.1%}",
            f"{one.exposed:,}",
            f"{one.judged:,}",
            f"{one.means['conversion']:.2%}",
            f"{one.means['revenue']:,.3f}",
        )
    console.print(table)
    days = f"{report.window / DAY:g} days"
    sure = f"{1 - report.certainty.alpha:.0%} sure at every look"
    console.print(
        f"Judged: first shown it {days} ago or earlier; bought within {days} counts. Differences to "
        f"{report.variants[0].name}, {sure}:",
        highlight=False,
        soft_wrap=True,
    )
    table = Table("", "variant", "difference", "with history", "variance gone", "", box=None)
    for found in report.comparisons:
        table.add_row(
            METRIC_LABELS[found.metric],
            found.variant,
            ranged(found.plain, found.metric),
            ranged(found.cuped, found.metric),
            f"{found.variance_reduction:.0%}",
            verdict(found),
        )
    console.print(table)
    console.print(spread_in_words(report.spread), highlight=False, soft_wrap=True)
    for warning in report.warnings:
        console.print(f"[yellow]![/] {warning}", highlight=False, soft_wrap=True)


def html_report(report: Report) -> str:
    """The report as a page that needs no other file. The same report gives the same page."""
    variants = [one.name for one in report.variants[1:]]
    return _PAGES.get_template("experiment.html").render(
        report=report,
        until=_moment(report.until),
        window=f"{report.window / DAY:g}",
        plots=[(METRIC_LABELS[metric], _plot(report, metric)) for metric in METRICS],
        colours=[(name, colour_of(name, variants)) for name in variants],
        labels=METRIC_LABELS,
        spread=spread_in_words(report.spread),
        ranged=ranged,
        verdict=verdict,
    )


def spread_in_words(spread: SampleRatio | None) -> str:
    """Whether customers were spread as planned."""
    if spread is None:
        return "Spread of customers: not judged, since shares were changed on the way."
    figures = f"chi-squared p = {spread.p_value:.3g}, always-valid p = {spread.always_p_value:.3g}"
    if spread.mismatch or spread.doubtful:
        return f"Spread of customers: NOT as planned ({figures})."
    return f"Spread of customers: as planned ({figures}; below {SUSPICIOUS:g} it would not be)."


def ranged(interval: Interval, metric: str) -> str:
    """A difference and its interval, in the unit of the metric."""

    def written(value: float) -> str:
        # Percentage points of a share; the shop's currency of a revenue.
        shown = f"{100 * value:+.2f}" if metric == "conversion" else f"{value:+,.3f}"
        return shown.replace("-", "−")

    unit = " points" if metric == "conversion" else ""
    if not isfinite(interval.low):
        return f"{written(interval.mean)}{unit}"
    return f"{written(interval.mean)} [{written(interval.low)}, {written(interval.high)}]{unit}"


def _by_day(
    data: ExperimentData, until: float, certainty: Certainty
) -> tuple[tuple[date, tuple[Comparison, ...]], ...]:
    """What the report would have said at the end of each day (UTC), and at last; the newest year of it."""
    if not len(data.judged):
        return ()
    first = int(data.final_at[0] // DAY)
    ends = [*((day + 1) * DAY for day in range(first, int(until // DAY))), until][-_MOST_DAYS:]
    days = []
    for end in ends:
        known = int(np.searchsorted(data.final_at, end, side="right"))
        day = datetime.fromtimestamp(end - 1e-3, UTC).date()
        days.append((day, compare(data.judged.first(known), certainty)))
    return tuple(days)


def _warnings(data: ExperimentData, spread: SampleRatio | None) -> list[str]:
    warnings = []
    changed = ", ".join(_moment(known.since) for known in data.plans[1:])
    if spread is None:
        warnings.append(
            f"shares or salt were changed ({changed}): customers drawn before and after it are not alike. "
            "Begin an experiment of another name"
        )
    elif changed:
        warnings.append(
            f"what the variants answer was changed ({changed}): before and after it, something else was tried"
        )
    if spread is not None and spread.mismatch:
        warnings.append(
            "customers are not spread as planned, so the variants' customers are not alike: find out why "
            "(answers that one variant loses? robots?) before you believe anything here"
        )
    elif spread is not None and spread.doubtful:
        warnings.append(
            "chi-squared doubts the spread of the customers. Looked at often it does so by chance: see "
            "whether the always-valid p-value follows"
        )
    if data.in_several:
        warnings.append(f"{data.in_several:,} were shown several variants, and count for none")
    if data.unpriced:
        warnings.append(f"{data.unpriced:,} purchases have no price: they count as bought for nothing")
    return warnings


def _drawn_anew(data: ExperimentData) -> bool:
    """Whether customers changed variants on the way."""
    return len({(known.plan.salt, str(known.plan.shares)) for known in data.plans}) > 1


def _plot(report: Report, metric: str) -> Markup | None:
    """From the day on which every variant has an interval; None before."""
    days: list[date] = []
    lines: dict[str, list[Interval]] = {one.name: [] for one in report.variants[1:]}
    for day, found in report.days:
        intervals = {one.variant: one.cuped for one in found if one.metric == metric}
        if all(isfinite(interval.low) for interval in intervals.values()):
            days.append(day)
            for variant, interval in intervals.items():
                lines[variant].append(_in_points(interval) if metric == "conversion" else interval)
    unit = "percentage points" if metric == "conversion" else "revenue a customer"
    of = f"Difference to {report.variants[0].name} from day to day: {METRIC_LABELS[metric]}"
    return bands(metric, of, days, lines, unit=unit) if days else None


def _in_points(interval: Interval) -> Interval:
    return Interval(100 * interval.mean, 100 * interval.low, 100 * interval.high)


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "metric": one.metric,
        "variant": one.variant,
        "difference": _interval(one.plain),
        "with_history": _interval(one.cuped),
        "variance_reduction": one.variance_reduction,
        "verdict": verdict(one),
    }


def _interval(interval: Interval) -> dict[str, float | None]:
    ends = (interval.low, interval.high) if isfinite(interval.low) else (None, None)
    return {"estimate": interval.mean, "low": ends[0], "high": ends[1]}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _pages() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"share": "{:.1%}".format, "exact_share": "{:.2%}".format, "number": "{:,}".format}
    pages.filters |= {"amount": "{:,.3f}".format}
    return pages


_PAGES = _pages()
