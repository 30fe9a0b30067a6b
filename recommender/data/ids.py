"""Ids of orders, customers and items: as text, and which spellings mean the same one."""

from collections.abc import Sequence

import polars as pl

from recommender.data.lookups import of_lines

_WHOLE = r"^-?\d+(\.0+)?$"
_WITH_POINT_ZERO = r"^-?\d+\.0+$"
_POINT_ZERO = r"\.0+$"


def id_text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Ids as the shop writes them; blank is null.

    Floats lose their '.0', for a missing value turns a column of whole numbers into floats. Text loses it
    only where every id of the file is such a number, because then it comes from such a column, too.
    """
    if dtype.is_float():
        whole = column.is_finite() & (column == column.round())
        return (
            pl.when(whole)
            .then(column.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(column.cast(pl.String))
        )
    text = column.cast(pl.String)
    text = pl.when(text.str.strip_chars() == "").then(None).otherwise(text)
    from_numbers = text.str.contains(_WITH_POINT_ZERO).all()
    return pl.when(from_numbers).then(text.str.replace(_POINT_ZERO, "")).otherwise(text)


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
    ids = (
        lines[name].slice(end - run, run).unique().drop_nulls() for end, run in zip(ends, runs, strict=True)
    )
    return any(len(of_file) > 0 and of_file.cast(pl.String).str.contains(_WHOLE).all() for of_file in ids)


def alike_in_all_files(lines: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The same id for the same number in all files, whichever of them writes '13085.0'.

    Where the ids of one file are whole numbers, those of the others are, too, as far as they are numbers.

    Args:
        lines: of all files, in their order, with their `file`.
        names: the columns of ids, as categories.
    """
    for name in names:
        ids = lines[name].unique().drop_nulls()
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
