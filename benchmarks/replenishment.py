"""Is it known what customers buy again, and when?

Pairs of a customer and an item bought on three days or more before a cut. Asked is whether the pair is
bought within 14 days of the cut, the last 14 of the history: area under the ROC curve, average precision,
Brier score, and how far the stated chances are from the shares bought (expected calibration error over
fifteen groups of equal size). Beside ours: how often it was bought, one by the mean gap, a Poisson rate, and
that rate damped by how much of a gap has passed. Intervals are 95 %, drawn by customer. Likely days are
judged on each of the last three months: which share of what was bought in the 30 days lies in the stated
interval, how wide it is, and how many days the likely day is off, beside the one day that would have been
the best for all.

Run it with `python -m benchmarks.replenishment`; the result is kept in benchmarks/results/replenishment.json,
and docs/replenishment.md says what to make of it. `--back 1` judges windows that end 14 days (and a month)
earlier, and keeps nothing.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.datasets import real_shops
from benchmarks.results import keep, write_between_marks
from recommender.campaigns.purchase_days import PurchaseDays
from recommender.campaigns.replenishment import LONGEST, Replenishment, ReplenishmentModel
from recommender.campaigns.rhythms import Rhythms, categories_of
from recommender.data.catalog import Catalog
from recommender.data.history import DAY
from recommender.data.orders import OrderLog
from recommender.data.returns import net_of_returns
from recommender.evaluation.intervals import Interval, bootstrap
from recommender.training.sources import ReadOrders

PAGE = Path(__file__).parent.parent / "docs" / "replenishment.md"

HORIZON = 14
FEWEST_DAYS = 3
MONTHS = 3
RESAMPLES = 200
GROUPS = 15

_NO_CHANCE = ("times bought", "1 ÷ mean gap")
"""Methods that order pairs and state no chance."""


@dataclass(frozen=True, slots=True)
class Row:
    """A method.

    Attributes:
        method: its name.
        auc, precision: with their 95 % intervals.
        brier, calibration: None of a method that states no chance.
        said: mean of the stated chances.
    """

    method: str
    auc: Interval
    precision: Interval
    brier: float | None
    calibration: float | None
    said: float | None


@dataclass(frozen=True, slots=True)
class Days:
    """How good likely days were in a month.

    Attributes:
        bought: pairs that were bought in it.
        inside: share of them inside the stated interval, with its 95 % interval.
        width: days of the interval, on average.
        off: days that the likely day was off, on average.
        off_at_best: the same of the one day that is the best for all.
    """

    bought: int
    inside: Interval
    width: float
    off: float
    off_at_best: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A shop.

    Attributes:
        pairs: judged.
        bought: share of them that was bought.
        rows: the methods, ours first.
        months: likely days, the newest month first.
    """

    pairs: int
    bought: float
    rows: list[Row]
    months: list[Days]


@dataclass(frozen=True, slots=True)
class _Moment:
    """What is known at a cut, and what came of it."""

    model: ReplenishmentModel
    rhythms: Rhythms
    bought_next: NDArray[np.int32]

    @classmethod
    def at(cls, orders: OrderLog, catalog: Catalog, cut: int, days: int) -> "_Moment":
        known = PurchaseDays.at(net_of_returns(orders.until(cut)).orders, cut)
        category = categories_of(catalog, orders.items)
        model = Replenishment(fewest_days=FEWEST_DAYS).fit(known, category)
        if model is None:
            raise ValueError("too little is bought again in this shop to learn from")
        rhythms = Rhythms.of(known, category, fewest_days=FEWEST_DAYS)
        end = cut + days * DAY
        later = PurchaseDays.at(orders.until(end), end).bought_within(days)
        return cls(model, rhythms, rhythms.next_bought(later, days))


def judge(read: ReadOrders, *, back: int = 0) -> Judged:
    """Judge a shop.

    Args:
        read: orders and catalog.
        back: windows between those judged and the end of the history.
    """
    orders, end = read.orders, read.orders.last_time
    moment = _Moment.at(orders, read.catalog, end - (back + 1) * HORIZON * DAY, HORIZON)
    bought = moment.bought_next > 0
    rows = [_row(name, scores, bought, moment.rhythms.customer) for name, scores in _methods(moment).items()]
    months = [
        _days(_Moment.at(orders, read.catalog, end - (back + number) * LONGEST * DAY, LONGEST))
        for number in range(1, MONTHS + 1)
    ]
    return Judged(len(bought), float(bought.mean()), rows, months)


def _methods(moment: _Moment) -> Mapping[str, NDArray[np.float64]]:
    known = dict(zip(moment.rhythms.names, moment.rhythms.features.T.astype(np.float64), strict=True))
    per_day = 1 / np.maximum(known["mean_gap"], 0.5)
    ours = moment.model.due(moment.rhythms).chance[:, 1].astype(np.float64)
    poisson = 1 - np.exp(-HORIZON * per_day)
    return {
        "ours": ours,
        "times bought": known["bought_days"],
        "1 ÷ mean gap": per_day,
        "Poisson rate": poisson,
        "rate damped by days since ÷ gap": poisson * np.exp(-np.maximum(known["since_to_mean"] - 1, 0) / 2),
    }


def _row(
    method: str, scores: NDArray[np.float64], bought: NDArray[np.bool_], customer: NDArray[np.int32]
) -> Row:
    chance = None if method in _NO_CHANCE else scores
    return Row(
        method,
        resampled(roc_auc_score, bought, scores, customer),
        resampled(average_precision_score, bought, scores, customer),
        None if chance is None else float(((chance - bought) ** 2).mean()),
        None if chance is None else calibration_error(bought, chance),
        None if chance is None else float(chance.mean()),
    )


def resampled(
    measure: Callable[..., float],
    bought: NDArray[np.bool_],
    scores: NDArray[np.float64],
    customer: NDArray[np.int32],
) -> Interval:
    """A measure of all pairs, with the range that it falls into with other customers."""
    draw, people = np.random.default_rng(0), int(customer.max()) + 1
    drawn = []
    for _ in range(RESAMPLES):
        times = np.bincount(draw.integers(0, people, people), minlength=people)[customer]
        drawn.append(measure(bought, scores, sample_weight=times))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(float(measure(bought, scores)), float(low), float(high))


def calibration_error(bought: NDArray[np.bool_], chance: NDArray[np.float64]) -> float:
    """Mean distance of stated chances from the share bought, over groups of equal size by the chance."""
    groups = np.array_split(np.argsort(chance, kind="stable"), GROUPS)
    apart = [abs(bought[group].mean() - chance[group].mean()) * len(group) for group in groups if len(group)]
    return float(sum(apart) / len(bought))


def _days(moment: _Moment) -> Days:
    due = moment.model.due(moment.rhythms)
    again = moment.bought_next > 0
    after = moment.bought_next[again]
    inside = (due.first[again] <= after) & (due.last[again] >= after)
    return Days(
        int(again.sum()),
        bootstrap(inside.astype(np.float64), customer=moment.rhythms.customer[again]),
        float((due.last - due.first + 1)[again].mean()),
        float(np.abs(due.day[again] - after).mean()),
        float(np.abs(np.median(after) - after).mean()),
    )


def tables_of(shop: str, judged: Judged) -> list[Table]:
    """The figures of a shop."""
    chances = Table(title=f"{shop}: {judged.pairs:,} pairs, {judged.bought:.1%} bought", title_justify="left")
    for heading in ("method", "AUC", "average precision", "Brier", "calibration error", "said, on average"):
        chances.add_column(heading, justify="left" if heading == "method" else "right")
    for row in judged.rows:
        chances.add_row(row.method, f"{row.auc}", f"{row.precision}", *_said(row))
    days = Table(title=f"{shop}: likely days", title_justify="left")
    for heading in ("month", "bought", "inside", "days wide", "days off", "at best, one day for all"):
        days.add_column(heading, justify="left" if heading == "month" else "right")
    for number, month in enumerate(judged.months, start=1):
        name = "the last" if number == 1 else f"{number - 1} before"
        figures = (f"{value:.1f}" for value in (month.width, month.off, month.off_at_best))
        days.add_row(name, f"{month.bought:,}", f"{month.inside}", *figures)
    return [chances, days]


def _said(row: Row) -> tuple[str, ...]:
    values = (row.brier, row.calibration, row.said)
    return tuple("" if value is None else f"{value:.4f}" for value in values)


def markdown_of(found: Mapping[str, Judged]) -> str:
    """The figures in Markdown, as docs/replenishment.md has them."""
    parts = []
    for shop, judged in found.items():
        for table in tables_of(shop, judged):
            cells = [[*column.cells] for column in table.columns]
            lines = [[str(column.header) for column in table.columns], ["---"] * len(cells)]
            lines += [[str(cell) for cell in row] for row in zip(*cells, strict=True)]
            parts.append(f"{table.title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines))
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.replenishment",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--back", type=int, default=0, help="windows before the last (default: %(default)s)")
    asked, console = parser.parse_args(arguments), Console(width=130)
    found: dict[str, Judged] = {}
    for name, read in real_shops().items():
        found[name] = judge(read, back=asked.back)
        for table in tables_of(name, found[name]):
            console.print(table)
    if asked.back == 0 and found:
        kept: Mapping[str, Any] = {name: asdict(one) for name, one in found.items()}
        write_between_marks(PAGE, "benchmarks.replenishment", markdown_of(found))
        console.print(f"kept in {keep('replenishment', kept)}", highlight=False)


if __name__ == "__main__":
    main()
