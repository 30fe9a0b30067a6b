"""From the columns of a shop's item file to canonical item rows, one row an item."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from recommender.data.amounts import amounts
from recommender.data.columns import ItemColumns, Names, present
from recommender.data.findings import Example, Finding, Findings
from recommender.data.ids import folded, without_point_zero
from recommender.data.order_lines import (
    ROW,
    LineFormat,
    first_id,
    first_text,
    numbered,
    refuse_nested,
    valued,
)
from recommender.data.timestamps import epoch_seconds
from recommender.data.vocabulary import Vocabulary

TEXTS = ("title", "category", "brand", "url", "image_url")
_READ = ("price", "available", "released_at")

_AVAILABLE = ("true", "t", "yes", "y", "available", "in stock", "instock", "in_stock", "active", "published")
_UNAVAILABLE = (
    "false", "f", "no", "n", "unavailable", "out of stock", "outofstock", "out_of_stock", "inactive", "draft",
    "archived",
)  # fmt: skip


NOTHING_SAID = pl.DataFrame(
    schema={
        "group": pl.String,
        "item_id": pl.String,
        **dict.fromkeys(TEXTS, pl.String),
        "price": pl.Float64,
        "available": pl.Boolean,
        "released_at": pl.Int64,
    }
)
"""Rows of no item file."""


@dataclass(frozen=True, slots=True)
class ItemRows:
    """What the item file says, first row of each item.

    Attributes:
        frame: `item_id` as the file writes it, `group`: what ids of one item have in common, and the columns
            of a catalog (texts, `price` float64, `available` bool, `released_at` int64 seconds), null where
            the file says nothing; one row a group.
        attributes: names of the further text columns of `frame`.
        file: where it was read.
        findings: oddities of the item file.
        fold: whether ids that differ only in case or surrounding blanks are one item.
    """

    frame: pl.DataFrame
    attributes: Names
    file: str
    findings: Findings
    fold: bool = False

    def group(self, ids: pl.Expr) -> pl.Expr:
        """What `frame` calls `group`, of ids as text."""
        return folded(ids, fold=self.fold)

    def never_sold(self, sold: Vocabulary) -> pl.DataFrame:
        """The rows of `frame` whose items are not among those sold."""
        groups = pl.select(self.group(pl.lit(pl.Series(sold.ids, dtype=pl.String)))).to_series()
        return self.frame.filter(~pl.col("group").is_in(groups.implode()))


def item_rows(
    raw: pl.DataFrame,
    columns: ItemColumns,
    form: LineFormat,
    *,
    where: str,
    fold: bool = False,
    numbers: bool = False,
    misshapen: pl.DataFrame | None = None,
) -> ItemRows:
    """Read an item file.

    Args:
        raw: the file's own columns; text or typed.
        columns: which column holds what; all others become attributes.
        form: how dates and numbers are written.
        where: name of the file, for messages and findings.
        fold: whether ids that differ only in case or surrounding blanks are one item.
        numbers: whether order lines know items by whole numbers: '13085.0' is then '13085' here, too.
        misshapen: 1-based `row` and number of `values` of rows that are not as wide as the header.

    Raises:
        DataError: the item id's column is missing, or a column holds lists.
    """
    held = present(columns, raw.columns, where=where, may_lack=form.may_lack)
    refuse_nested(held, raw.schema, where=where)
    attributes = _attributes(raw.schema, held)
    # An attribute may be called like a canonical column that another column holds: a prefix tells them apart.
    rows = numbered(raw.lazy()).select(
        pl.col(ROW).cast(pl.UInt32).alias("row"),
        *(_held(name, names, raw.schema, form) for name, names in held.items()),
        *(first_text((name,), raw.schema, form).alias(f"attribute_{name}") for name in attributes),
    )
    read = _with_groups(_parsed(rows.collect(), held, form), fold=fold, numbers=numbers)
    whole, wrong = _told_apart(read, misshapen)
    named = whole.filter(pl.col("item_id").is_not_null())
    once = named.unique("group", keep="first", maintain_order=True)
    findings = _findings(whole, named, where) + _misshapen(wrong, len(read), where)
    return ItemRows(once, attributes, where, findings, fold)


def _with_groups(rows: pl.DataFrame, *, fold: bool, numbers: bool) -> pl.DataFrame:
    item = pl.col("item_id")
    rows = rows.with_columns(without_point_zero(item) if numbers else item)
    rows = rows.with_columns(item.str.strip_chars() if fold else item)
    return rows.with_columns(folded(item, fold=fold).alias("group"))


def _told_apart(rows: pl.DataFrame, misshapen: pl.DataFrame | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows as wide as the header, and the others with how many `values` they have."""
    if misshapen is None or misshapen.is_empty():
        return rows, rows.clear().with_columns(pl.lit(0, pl.UInt32).alias("values"))
    wrong = rows.join(misshapen, on="row", maintain_order="left")
    return rows.join(misshapen, on="row", how="anti", maintain_order="left"), wrong


def _attributes(schema: pl.Schema, held: Mapping[str, Names]) -> Names:
    """The columns that hold nothing canonical; lists and structs are no text."""
    taken = {name for names in held.values() for name in names}
    return tuple(name for name, dtype in schema.items() if name not in taken and not dtype.is_nested())


def _held(name: str, names: Names, schema: pl.Schema, form: LineFormat) -> pl.Expr:
    if name == "item_id":
        return first_id(names, schema, form).cast(pl.String).alias(name)
    if name in TEXTS or len(names) > 1:
        return first_text(names, schema, form).alias(name)
    return valued(names[0], schema, form).alias(name)


def _parsed(rows: pl.DataFrame, held: Mapping[str, Names], form: LineFormat) -> pl.DataFrame:
    """All columns of a catalog, absent ones null, and `unreadable`: the first value nobody could read."""
    absent = [name for name in (*TEXTS, *_READ) if name not in held]
    rows = rows.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)
    read = [
        amounts(rows["price"], decimal=form.decimal),
        _availability(rows["available"]),
        epoch_seconds(rows["released_at"], zone=form.zone, timestamp_format=form.timestamp_format),
    ]
    unreadable = [_unreadable(rows[name], values) for name, values in zip(_READ, read, strict=True)]
    return rows.with_columns(*read, pl.coalesce(unreadable).alias("unreadable"))


def _availability(given: pl.Series) -> pl.Series:
    """Yes, no, or units in stock, as bool; null where it says neither."""
    if given.dtype == pl.Boolean:
        return given
    if given.dtype.is_numeric():
        return given > 0
    text = given.cast(pl.String).str.strip_chars().str.to_lowercase()
    in_stock = text.cast(pl.Float64, strict=False) > 0
    yes, no = text.is_in(_AVAILABLE), text.is_in(_UNAVAILABLE)
    return yes.set(~(yes | no).fill_null(False), None).zip_with(in_stock.is_null(), in_stock)


def _unreadable(given: pl.Series, read: pl.Series) -> pl.Series:
    """What to say of a value that is there and could not be read; null elsewhere."""
    text = given.cast(pl.String)
    there = (text.str.strip_chars() != "").fill_null(False)
    return (f"{given.name} " + text).set(~(read.is_null() & there), None)


def _findings(read: pl.DataFrame, named: pl.DataFrame, where: str) -> Findings:
    repeated = named.filter(~pl.col("group").is_first_distinct())
    shown = (
        ("item_without_id", read.filter(pl.col("item_id").is_null()), pl.lit("no item_id")),
        ("repeated_item", repeated, pl.col("item_id")),
        ("unreadable_item", read.filter(pl.col("unreadable").is_not_null()), pl.col("unreadable")),
    )
    return Findings.collect(
        Finding.of(code, len(rows), len(read), _examples(rows, value, where)) for code, rows, value in shown
    )


def _misshapen(wrong: pl.DataFrame, total: int, where: str) -> Findings:
    said = pl.format("{} values, not as many as the header", "values")
    return Findings.collect([Finding.of("misshapen_item", len(wrong), total, _examples(wrong, said, where))])


def _examples(rows: pl.DataFrame, value: pl.Expr, where: str) -> list[Example]:
    first = rows.head(3).select("row", value.alias("value"))
    return [Example(where, row, text) for row, text in first.iter_rows()]
