"""What is odd about a shop as a whole: too little of something, or a history with a hole in it."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recommender.data.findings import MOST_EXAMPLES, Example, Finding, Findings
from recommender.data.history import DAY
from recommender.data.lookups import first_lines, with_several

FEWEST_ORDERS = 100
FEWEST_CUSTOMERS = 10
FEWEST_ITEMS = 10
"""A shop with fewer is told so; that changes nothing of what is learned."""

FEWEST_DAYS_JUDGED = 3
"""Times the days to predict that a history must span for its lists to be judged."""

LONG_SILENCE_DAYS = 60
SILENCE_TIMES_MEDIAN = 10
"""A silence is at least so many days, and so many times the median time from one order to the next."""

_ASKED_FOR = ("file", "row", "order_id", "customer", "item", "ordered_at")
_DATED_ORDERS = 20
"""With fewer orders it may be chance that all are of one time of day."""
_SUMMER_TIME = 3_600


def findings_of_shop(lines: pl.DataFrame, files: Sequence[str], *, days: float) -> Findings:
    """Oddities of the whole of what was bought.

    Args:
        lines: clean lines, oldest first, as `order_history.by_position` gives them; one is a purchase.
        files: names of the files that the lines' `file` counts.
        days: length of the time that is predicted to judge lists.
    """
    # Only what is asked for, and no copy where nothing was sent back: of millions of lines it is too much.
    is_bought = lines["quantity"] > 0
    bought = lines.select(_ASKED_FOR)
    bought = bought if is_bought.all() else bought.filter(is_bought)
    orders, customers, items = (
        bought.select("file", "row", "ordered_at", name)[_first(bought, name)]
        for name in ("order_id", "customer", "item")
    )
    return Findings.collect([
        *_if_few("few_orders", orders, pl.format("order {}", _text("order_id")), FEWEST_ORDERS, files),
        *_if_few("few_customers", customers, _text("customer"), FEWEST_CUSTOMERS, files),
        *_if_few("few_items", items, _text("item"), FEWEST_ITEMS, files),
        *_ordered_once(bought, customers, files),
        *_short_history(lines, orders, files, days),
        *_no_time_of_day(orders, files),
        *_long_silence(orders, files),
    ])  # fmt: skip


def _first(bought: pl.DataFrame, name: str) -> NDArray[np.integer]:
    """The lines on which each id of a column first stands."""
    return first_lines(bought[name].cast(pl.Categorical()))


def _if_few(
    code: str, each: pl.DataFrame, value: pl.Expr, enough: int, files: Sequence[str]
) -> list[Finding]:
    return [_of_all(code, each, value, files)] if len(each) < enough else []


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String)


def _ordered_once(bought: pl.DataFrame, customers: pl.DataFrame, files: Sequence[str]) -> list[Finding]:
    """Whether there is no customer of whom a second order could be predicted."""
    ids = [bought[name].cast(pl.Categorical()) for name in ("customer", "order_id")]
    if with_several(*ids).any():
        return []
    return [_of_all("ordered_once", customers, _text("customer"), files)]


def _short_history(
    lines: pl.DataFrame, orders: pl.DataFrame, files: Sequence[str], days: float
) -> list[Finding]:
    # Of all lines: where a history ends with returns, the days to predict end there too.
    when = lines["ordered_at"]
    if when[-1] - when[0] >= FEWEST_DAYS_JUDGED * days * DAY:
        return []
    # `days` is a setting: what is too short for one shop is long enough for another.
    action = f"kept; lists are not judged, as that takes {FEWEST_DAYS_JUDGED * days:g} days"
    return [_of_all("short_history", orders, _DAY_OF_ORDER, files, action=action)]


def _no_time_of_day(orders: pl.DataFrame, files: Sequence[str]) -> list[Finding]:
    """Whether all orders bear one time of day, or two in a zone with summer time."""
    when = orders["ordered_at"].to_numpy()
    times = np.flatnonzero(np.bincount(when % DAY))
    apart = int(times[-1] - times[0])
    alike = len(times) == 1 or (len(times) == 2 and apart in (_SUMMER_TIME, DAY - _SUMMER_TIME))
    if len(orders) < _DATED_ORDERS or not alike or when[-1] - when[0] < DAY:
        return []
    return [_of_all("no_time_of_day", orders, _DAY_OF_ORDER, files)]


def _long_silence(orders: pl.DataFrame, files: Sequence[str]) -> list[Finding]:
    when = orders["ordered_at"].to_numpy()
    gaps = np.diff(when) / DAY
    if not len(gaps) or gaps.max() < max(LONG_SILENCE_DAYS, SILENCE_TIMES_MEDIAN * np.median(gaps)):
        return []
    after = orders[int(gaps.argmax()) + 1]
    shown = after.with_columns(pl.format("no order before {}", _DAY_OF_ORDER).alias("value"))
    total = int((when[-1] - when[0]) // DAY)
    return [Finding.of("long_silence", int(gaps.max()), total, _examples(shown, files))]


_DAY_OF_ORDER = pl.from_epoch("ordered_at").dt.strftime("%Y-%m-%d")


def _of_all(
    code: str, each: pl.DataFrame, value: pl.Expr, files: Sequence[str], *, action: str | None = None
) -> Finding:
    """A finding that all of a kind show, the first of them as examples."""
    shown = each.with_columns(value.alias("value"))
    return Finding.of(code, len(each), len(each), _examples(shown, files), action=action)


def _examples(shown: pl.DataFrame, files: Sequence[str]) -> list[Example]:
    first = shown.head(MOST_EXAMPLES).select("file", "row", "value")
    return [Example(files[file], row, value) for file, row, value in first.iter_rows()]
