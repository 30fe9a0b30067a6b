"""Ids of orders, customers and items: as text, and which spellings mean the same one."""

from collections.abc import Sequence
from functools import partial

import polars as pl

from recommender.data.groups import run_starts
from recommender.data.lookups import distinct, of_lines

_WHOLE = r"^-?\d+(\.0+)?$"
_WITH_POINT_ZERO = r"^-?\d+\.0+$"
_POINT_ZERO = r"\.0+$"


def id_text(column: pl.Expr, dtype: pl.DataType, null_values: Sequence[str] = ()) -> pl.Expr:
    """Ids as the shop writes them, as categories; blank is null.

    Floats lose their '.0', for a missing value turns a column of whole numbers into floats. Text loses it
    only where every id of the file is such a number, because then it comes from such a column, too.

    Args:
        column: ids of one file.
        dtype: of the column.
        null_values: texts that mean "no value".
    """
    if dtype.is_float():
        return column.map_batches(_of_floats, return_dtype=pl.Categorical())
    read = partial(_of_text, null_values=null_values if dtype == pl.String else ())
    return column.cast(pl.String).map_batches(read, return_dtype=pl.Categorical())


def _of_floats(numbers: pl.Series) -> pl.Series:
    once, run = _runs(numbers)
    number = pl.lit(once.fill_nan(None))
    whole = number.is_finite() & (number == number.round())
    as_whole = number.cast(pl.Int64, strict=False).cast(pl.String)
    text = pl.select(pl.when(whole).then(as_whole).otherwise(number.cast(pl.String))).to_series()
    return text.cast(pl.Categorical()).gather(run)


def _of_text(text: pl.Series, null_values: Sequence[str]) -> pl.Series:
    once, run = _runs(text)
    ids = once.cast(pl.Categorical())
    # Judged once an id, not once a line.
    given = distinct(ids)
    known = _known_text(given.cast(pl.String), null_values)
    if known.null_count() or (known != given.cast(pl.String)).any():
        ids = of_lines(ids, given, known.cast(pl.Categorical()))
    return ids.gather(run)


def _runs(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The value of each run of equal neighbours, and the run of each line: lines of one order are one."""
    run = column.rle_id()
    return column.gather(run_starts(run.to_numpy())), run


def _known_text(ids: pl.Series, null_values: Sequence[str]) -> pl.Series:
    """Different ids of one file as they are known, null where they are none."""
    ids = ids.set((ids.str.strip_chars() == "") | ids.is_in(null_values), None)
    from_numbers = ids.str.contains(_WITH_POINT_ZERO).all()
    return ids.str.replace(_POINT_ZERO, "") if from_numbers else ids


def without_point_zero(ids: pl.Expr) -> pl.Expr:
    """Whole numbers without their '.0': '13085.0' → '13085'; all other text as it is."""
    return pl.when(ids.str.contains(_WITH_POINT_ZERO)).then(ids.str.replace(_POINT_ZERO, "")).otherwise(ids)


def whole_numbers(lines: pl.DataFrame, name: str) -> bool:
    """Whether the ids of any one file are whole numbers, all of them.

    Args:
        lines: of all files, in their order, with their `file`.
        name: the column of ids, as categories.
    """
    runs = lines["file"].rle().struct.unnest()["len"]
    ends = runs.cum_sum()
    ids = (distinct(lines[name].slice(end - run, run)) for end, run in zip(ends, runs, strict=True))
    return any(len(of_file) > 0 and of_file.cast(pl.String).str.contains(_WHOLE).all() for of_file in ids)


def alike_in_all_files(lines: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The same id for the same number in all files, whichever of them writes '13085.0'.

    Where the ids of one file are whole numbers, those of the others are, too, as far as they are numbers.

    Args:
        lines: of all files, in their order, with their `file`.
        names: the columns of ids, as categories.
    """
    for name in names:
        ids = distinct(lines[name])
        text = ids.cast(pl.String)
        if text.str.contains(_WITH_POINT_ZERO).any() and whole_numbers(lines, name):
            alike = pl.select(without_point_zero(pl.lit(text)).cast(lines.schema[name])).to_series()
            lines = lines.with_columns(of_lines(lines[name], ids, alike).alias(name))
    return lines


def folded(ids: pl.Expr, *, fold: bool) -> pl.Expr:
    """What ids are grouped by: one letter case and no blanks around them, or as they are."""
    return ids.str.strip_chars().str.to_uppercase() if fold else ids


def as_bought(lines: pl.DataFrame, given: str, group: str) -> pl.DataFrame:
    """Each group of ids named as its purchases spell it: the id that the shop itself would ask for.

    The most frequent spelling without blanks around it, of equally frequent ones the first in the alphabet.

    Args:
        lines: with `quantity` and `reason`, null where a line is kept.
        given: the column of ids as they were read.
        group: the column of their `folded` ids, replaced here.
    """
    bought = (pl.col("quantity") > 0) & pl.col("reason").is_null()
    needed = lines.lazy().select(group, given, bought.alias("bought")).drop_nulls(group)
    counted = needed.group_by(group, given).agg(pl.col("bought").sum().alias("n")).collect()
    spelling = pl.col(given).cast(pl.String).str.strip_chars().alias("spelling")
    ranked = counted.group_by(group, spelling).agg(pl.col("n").sum())
    first = ranked.sort("n", "spelling", descending=[True, False]).unique(
        group, keep="first", maintain_order=True
    )
    named = of_lines(lines[group], first[group], first["spelling"].cast(lines.schema[group]))
    return lines.with_columns(named.alias(group))
