"""What is odd about a shop as a whole: too little of something, or a history with a hole in it."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from recommender.data.findings import MOST_EXAMPLES, Example, Finding, Findings
from recommender.data.history import DAY
from recommender.data.lookups import first_lines
from recommender.data.order_history import with_ids
from recommender.data.orders import GUEST, OrderLog

FEWEST_ORDERS = 100
FEWEST_CUSTOMERS = 10
FEWEST_ITEMS = 10
"""A shop with fewer is told so; that changes nothing of what is learned."""

FEWEST_DAYS_JUDGED = 3
"""Times the days to predict that a history must span for its lists to be judged."""

LONG_SILENCE_DAYS = 60
SILENCE_TIMES_MEDIAN = 10
"""A silence is at least so many days, and so many times the median time from one order to the next."""

_ASKED_FOR = ("file", "row", "order", "customer", "item", "ordered_at")
_DATED_ORDERS = 20
"""With fewer orders it may be chance that all are of one time of day."""
_SUMMER_TIME = 3_600


def findings_of_shop(lines: pl.DataFrame, orders: OrderLog, files: Sequence[str], *, days: float) -> Findings:
    """Oddities of the whole of what was bought.

    Args:
        lines: clean lines, oldest first, as `order_history.by_position` gives them; one is a purchase.
        orders: the log made from them.
        files: names of the files that the lines' `file` counts.
        days: length of the time that is predicted to judge lists.
    """
    # Only what is asked for, and no copy where nothing was sent back: of millions of lines it is too much.
    is_bought = lines["quantity"] > 0
    bought = lines.select(_ASKED_FOR)
    bought = bought if is_bought.all() else bought.filter(is_bought)
    each_order, customers, items = (_first_of_each(bought, name) for name in ("order", "customer", "item"))
    return Findings.collect([
        *_if_few("few_orders", each_order, FEWEST_ORDERS, orders, files),
        *_if_few("few_customers", customers, FEWEST_CUSTOMERS, orders, files),
        *_if_few("few_items", items, FEWEST_ITEMS, orders, files),
        *_ordered_once(bought, customers, orders, files),
        *_short_history(lines, each_order, files, days),
        *_no_time_of_day(each_order, files),
        *_long_silence(each_order, files),
    ])  # fmt: skip


def _first_of_each(bought: pl.DataFrame, name: str) -> pl.DataFrame:
    """The first line of each order, customer or item."""
    return bought.select("file", "row", "ordered_at", name)[first_lines(bought[name].to_numpy())]


_IDS = {
    "few_orders": pl.format("order {}", "order_id"),
    "few_customers": pl.col("customer_id"),
    "few_items": pl.col("item_id"),
    "ordered_once": pl.col("customer_id"),
}
"""How an example is named."""


def _if_few(
    code: str, each: pl.DataFrame, enough: int, orders: OrderLog, files: Sequence[str]
) -> list[Finding]:
    return [_named(code, each, orders, files)] if len(each) < enough else []


def _ordered_once(
    bought: pl.DataFrame, customers: pl.DataFrame, orders: OrderLog, files: Sequence[str]
) -> list[Finding]:
    """Whether there is no customer of whom a second order could be predicted."""
    customer, order = (bought[name].to_numpy() for name in ("customer", "order"))
    known = customer != GUEST
    customer, order = customer[known], order[known]
    one_of = np.zeros(len(orders.customers), np.int32)
    one_of[customer] = order
    if not np.array_equal(one_of[customer], order):
        return []
    return [_named("ordered_once", customers, orders, files)]


def _named(code: str, each: pl.DataFrame, orders: OrderLog, files: Sequence[str]) -> Finding:
    """A finding that all of a kind show, the first of them named as examples."""
    shown = with_ids(each.head(MOST_EXAMPLES), orders).with_columns(_IDS[code].alias("value"))
    return Finding.of(code, len(each), len(each), _examples(shown, files))


def _short_history(
    lines: pl.DataFrame, each_order: pl.DataFrame, files: Sequence[str], days: float
) -> list[Finding]:
    # Of all lines: where a history ends with returns, the days to predict end there too.
    when = lines["ordered_at"]
    if when[-1] - when[0] >= FEWEST_DAYS_JUDGED * days * DAY:
        return []
    # `days` is a setting: what is too short for one shop is long enough for another.
    action = f"kept; lists are not judged, as that takes {FEWEST_DAYS_JUDGED * days:g} days"
    return [_dated("short_history", each_order, files, action=action)]


def _no_time_of_day(each_order: pl.DataFrame, files: Sequence[str]) -> list[Finding]:
    """Whether all orders bear one time of day, or two in a zone with summer time."""
    when = each_order["ordered_at"].to_numpy()
    times = np.flatnonzero(np.bincount(when % DAY))
    apart = int(times[-1] - times[0])
    alike = len(times) == 1 or (len(times) == 2 and apart in (_SUMMER_TIME, DAY - _SUMMER_TIME))
    if len(each_order) < _DATED_ORDERS or not alike or when[-1] - when[0] < DAY:
        return []
    return [_dated("no_time_of_day", each_order, files)]


def _long_silence(each_order: pl.DataFrame, files: Sequence[str]) -> list[Finding]:
    when = each_order["ordered_at"].to_numpy()
    gaps = np.diff(when) / DAY
    if not len(gaps) or gaps.max() < max(LONG_SILENCE_DAYS, SILENCE_TIMES_MEDIAN * np.median(gaps)):
        return []
    after = each_order[int(gaps.argmax()) + 1]
    shown = after.with_columns(pl.format("no order before {}", _DAY_OF_ORDER).alias("value"))
    total = int((when[-1] - when[0]) // DAY)
    return [Finding.of("long_silence", int(gaps.max()), total, _examples(shown, files))]


_DAY_OF_ORDER = pl.from_epoch("ordered_at").dt.strftime("%Y-%m-%d")


def _dated(
    code: str, each_order: pl.DataFrame, files: Sequence[str], *, action: str | None = None
) -> Finding:
    """A finding that all orders show, the days of the first of them as examples."""
    shown = each_order.head(MOST_EXAMPLES).with_columns(_DAY_OF_ORDER.alias("value"))
    return Finding.of(code, len(each_order), len(each_order), _examples(shown, files), action=action)


def _examples(shown: pl.DataFrame, files: Sequence[str]) -> list[Example]:
    first = shown.head(MOST_EXAMPLES).select("file", "row", "value")
    return [Example(files[file], row, value) for file, row, value in first.iter_rows()]
