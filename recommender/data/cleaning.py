"""Which order lines count: what is put aside and why, what is kept although it is odd."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recommender.data.cleaning_rules import CleaningRules
from recommender.data.findings import MOST_EXAMPLES, Example, Finding, Findings
from recommender.data.ids import as_bought
from recommender.data.item_rows import ItemRows
from recommender.data.judged_lines import WHOLE_LINE, judged_lines

FIRST_SENSIBLE_TIME = 631_152_000
"""1990-01-01 UTC: no web shop is older, and broken dates fall on 1900 or 1970."""

_OF_A_HISTORY = (
    "file", "row", "order_id", "item", "customer", "quantity", "unit_price", "ordered_at", "title",
    "category", "country",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Order lines told apart.

    Attributes:
        lines: all lines as read, as `judged_lines` gives them, but for `item` and `customer`: what is folded
            goes by the spelling of its purchases. And `reason`: the code of the finding for which a line is
            put aside, null where it is kept.
        findings: oddities of single lines.
        files: names of the files that `lines` counts.
    """

    lines: pl.DataFrame
    findings: Findings
    files: tuple[str, ...]

    @property
    def kept(self) -> pl.DataFrame:
        """The lines that count, with what a history needs of them."""
        lines, counts = self.lines.select(_OF_A_HISTORY), self.lines["reason"].is_null()
        # Most often all do: millions of lines need not be copied.
        return lines if counts.all() else lines.filter(counts)

    @property
    def aside(self) -> pl.DataFrame:
        """File, row and reason of the lines that do not count."""
        return self.lines.filter(pl.col("reason").is_not_null()).select("file", "row", "reason")


@dataclass(frozen=True, slots=True)
class _Mark:
    """One oddity of lines: where it shows, and what to show of it."""

    code: str
    shows: pl.Expr
    value: pl.Expr


def clean(
    lines: pl.DataFrame,
    files: Sequence[str],
    rules: CleaningRules,
    items: ItemRows | None = None,
    *,
    now: int,
) -> Cleaned:
    """Judge every line by the rules.

    Every oddity is counted on all lines as read, whatever else is odd about them. A line with several
    reasons to put it aside carries the first, in the order of `findings.ODDITIES`.

    Args:
        lines: schema `order_lines.LINE_SCHEMA`, in the order of files and rows.
        files: names of the files that the lines' `file` counts.
        rules: what counts as a purchase.
        items: what the item file says, None without one.
        now: seconds since 1970 UTC; orders after it cannot be right.
    """
    judged = judged_lines(lines, rules, items)
    reasons = _reasons(rules, now)
    marks = (*reasons, *_kept_oddities(judged, rules))
    shows = judged.select(mark.shows.fill_null(False).alias(mark.code) for mark in marks)
    findings = Findings.collect(_finding(mark, shows[mark.code], judged, files, rules) for mark in marks)
    reason = _first_of(shows.select(mark.code for mark in reasons))
    return Cleaned(_named(judged.with_columns(reason), rules), findings, tuple(files))


def _first_of(shows: pl.DataFrame) -> pl.Series:
    """The name of the first column that is True, as a category, null where none is; shape (n_lines,)."""
    number = [pl.when(name).then(pl.lit(n, pl.UInt8)) for n, name in enumerate(shows.columns)]
    names = pl.Series("reason", shows.columns, dtype=pl.Categorical())
    return names.gather(shows.select(pl.coalesce(number).cast(pl.UInt32)).to_series())


def _named(lines: pl.DataFrame, rules: CleaningRules) -> pl.DataFrame:
    if rules.fold_item_case:
        lines = as_bought(lines, "item_id", "item")
    return as_bought(lines, "customer_id", "customer") if rules.fold_customer_case else lines


def _reasons(rules: CleaningRules, now: int) -> list[_Mark]:
    """Why a line is put aside, the first reason first."""
    quantity, price, time = pl.col("quantity"), pl.col("unit_price"), pl.col("ordered_at")
    cancelled = pl.col("cancelled")
    date = pl.from_epoch(time).dt.strftime("%Y-%m-%d %H:%M:%S")
    stray = (quantity < 0) & ~cancelled if rules.cancelled_order else pl.lit(False)
    reasons = [
        _Mark("unreadable_row", pl.col("unreadable").is_not_null(), pl.col("unreadable")),
        _Mark("absurd_date", time < FIRST_SENSIBLE_TIME, date),
        _Mark("future_date", time > now, date),
        _Mark("repeated_line", pl.col("repeated"), WHOLE_LINE),
        _Mark("not_completed", pl.col("not_completed"), pl.coalesce("cancelled_at", "status")),
        _Mark("non_product", pl.col("non_product"), pl.col("item_id")),
        _Mark("dropped_category", pl.col("dropped_category"), pl.col("category")),
        _Mark("zero_quantity", quantity == 0, WHOLE_LINE),
        _Mark("stray_negative", stray, WHOLE_LINE),
        _Mark("positive_cancellation", cancelled & (quantity > 0), WHOLE_LINE),
        _Mark("negative_price", price < 0, price),
    ]
    return [*reasons, _ZERO_PRICE] if rules.drop_zero_price else reasons


def _kept_oddities(lines: pl.DataFrame, rules: CleaningRules) -> list[_Mark]:
    """What is odd about a line, but no reason to put it aside."""
    quantity = pl.col("quantity")
    oddities = [
        _Mark("missing_price", pl.col("unit_price").is_null() & (quantity != 0), WHOLE_LINE),
        _Mark("missing_customer", pl.col("customer").is_null(), WHOLE_LINE),
        _Mark("cancellation", pl.col("cancelled"), pl.col("order_id")),
        _Mark("negative_quantity", quantity < 0, WHOLE_LINE),
        _Mark("duplicate_line", pl.col("duplicate"), WHOLE_LINE),
        _Mark("quantity_outlier", pl.col("outlier"), WHOLE_LINE),
        _Mark("several_currencies", _in_other_currency(lines), pl.col("currency")),
    ]
    return oddities if rules.drop_zero_price else [_ZERO_PRICE, *oddities]


_ZERO_PRICE = _Mark("zero_price", pl.col("unit_price") == 0, WHOLE_LINE)


def _in_other_currency(lines: pl.DataFrame) -> pl.Expr:
    """Not in the currency of most lines; of equally many, the first in the alphabet counts as that."""
    counted = lines["currency"].value_counts(name="len").drop_nulls()
    counted = counted.with_columns(pl.col("currency").cast(pl.String))
    if len(counted) < 2:
        return pl.lit(False)
    most: str = counted.sort("len", "currency", descending=[True, False])["currency"][0]
    return pl.col("currency").ne(most)


def _finding(
    mark: _Mark, shows: pl.Series, lines: pl.DataFrame, files: Sequence[str], rules: CleaningRules
) -> Finding:
    shown = lines[shows.arg_true().head(MOST_EXAMPLES)]
    first = shown.select("file", "row", mark.value.cast(pl.String).alias("value"))
    examples = [Example(files[file], row, value) for file, row, value in first.iter_rows()]
    return Finding.of(mark.code, int(shows.sum()), len(lines), examples, action=_action(mark.code, rules))


def _action(code: str, rules: CleaningRules) -> str | None:
    """What is done instead of the usual, where the rules say so."""
    if code == "zero_price" and rules.drop_zero_price:
        return "put aside"
    if code == "negative_quantity" and rules.cancelled_order:
        return "kept as returns on cancellations, put aside elsewhere"
    return None
