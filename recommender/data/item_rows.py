"""From the columns of a shop's item file to canonical item rows, one row an item."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from recommender.data.amounts import amounts, id_text
from recommender.data.columns import ItemColumns, Names, present
from recommender.data.findings import Example, Finding, Findings
from recommender.data.order_lines import LineFormat, numbered
from recommender.data.timestamps import epoch_seconds

TEXTS = ("title", "category", "brand", "url", "image_url")

_AVAILABLE = ("true", "t", "yes", "y", "available", "in stock", "instock", "in_stock", "active", "published")
_UNAVAILABLE = (
    "false", "f", "no", "n", "unavailable", "out of stock", "outofstock", "out_of_stock", "inactive", "draft",
    "archived",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ItemRows:
    """What the item file says, first row of each item.

    Attributes:
        frame: `item_id` and the columns of a catalog (texts, `price` float64, `available` bool, `released_at`
            int64 seconds), null where the file says nothing; one row an item id.
        attributes: names of the further text columns of `frame`.
        file: where it was read.
        findings: oddities of the item file.
    """

    frame: pl.DataFrame
    attributes: Names
    file: str
    findings: Findings


def item_rows(
    raw: pl.DataFrame, columns: ItemColumns, form: LineFormat, *, where: str, fold: bool = False
) -> ItemRows:
    """Read an item file.

    Args:
        raw: the file's own columns; text or typed.
        columns: which column holds what; all others become attributes.
        form: how dates and numbers are written.
        where: name of the file, for messages and findings.
        fold: whether ids that differ only in case or surrounding blanks are one item.

    Raises:
        DataError: the item id's column is missing.
    """
    held = present(columns, raw.columns, where=where, may_lack=form.may_lack)
    taken = {name for names in held.values() for name in names}
    attributes = tuple(
        name for name, dtype in raw.schema.items() if name not in taken and not dtype.is_nested()
    )
    # An attribute may be called like a canonical column that another column holds; prefixes keep them apart.
    rows = numbered(raw.lazy()).select(
        pl.col("__row").cast(pl.UInt32).alias("row"),
        *(_held(name, names, raw.schema) for name, names in held.items()),
        *(_blank_to_null(name).alias(f"attribute_{name}") for name in attributes),
    ).collect()  # fmt: skip
    read = _parsed(rows, held, form)
    if fold:
        read = read.with_columns(pl.col("item_id").str.strip_chars().str.to_uppercase())
    named = read.filter(pl.col("item_id").is_not_null())
    once = named.unique("item_id", keep="first", maintain_order=True)
    return ItemRows(once, attributes, where, _findings(read, named, where))


def _held(name: str, names: Names, schema: pl.Schema) -> pl.Expr:
    if name == "item_id":
        return pl.coalesce(id_text(_not_nan(column, schema), schema[column]) for column in names).alias(name)
    if len(names) == 1 and name not in TEXTS:
        return _not_nan(names[0], schema).alias(name)
    return pl.coalesce(_blank_to_null(column) for column in names).alias(name)


def _not_nan(column: str, schema: pl.Schema) -> pl.Expr:
    return pl.col(column).fill_nan(None) if schema[column].is_float() else pl.col(column)


def _blank_to_null(column: str) -> pl.Expr:
    text = pl.col(column).cast(pl.String)
    return pl.when(text.str.strip_chars() == "").then(None).otherwise(text)


def _parsed(rows: pl.DataFrame, held: Mapping[str, Names], form: LineFormat) -> pl.DataFrame:
    """All columns of a catalog, absent ones null, and `unreadable`: the first value nobody could read."""
    nothing = pl.Series([None], dtype=pl.String)
    given = {name: rows[name] if name in held else nothing.new_from_index(0, len(rows))
             for name in ("price", "available", "released_at")}  # fmt: skip
    read = {
        "price": amounts(given["price"], decimal=form.decimal),
        "available": _availability(given["available"]),
        "released_at": epoch_seconds(given["released_at"], zone=form.zone, written=form.written),
    }
    said = [_unreadable(name, given[name], read[name]) for name in read]
    texts = [pl.lit(None, pl.String).alias(name) for name in TEXTS if name not in held]
    return rows.with_columns(*texts, *(values.alias(name) for name, values in read.items())).with_columns(
        pl.coalesce(said).alias("unreadable")
    )


def _availability(given: pl.Series) -> pl.Series:
    """Yes, no, or units in stock, as bool; null where it says neither."""
    if given.dtype == pl.Boolean:
        return given
    if given.dtype.is_numeric():
        return given > 0
    text = given.cast(pl.String).str.strip_chars().str.to_lowercase()
    units = text.cast(pl.Float64, strict=False) > 0
    said = text.is_in(_AVAILABLE)
    return said.set(~(said | text.is_in(_UNAVAILABLE)).fill_null(False), None).zip_with(
        units.is_null(), units
    )


def _unreadable(name: str, given: pl.Series, read: pl.Series) -> pl.Series:
    text = given.cast(pl.String)
    blank = text.is_null() | (text.str.strip_chars() == "")
    return (f"{name} " + text).set(~(read.is_null() & ~blank), None)


def _findings(read: pl.DataFrame, named: pl.DataFrame, where: str) -> Findings:
    repeated = named.filter(~pl.col("item_id").is_first_distinct())
    shown = (
        ("item_without_id", read.filter(pl.col("item_id").is_null()), pl.lit("no item_id")),
        ("repeated_item", repeated, pl.col("item_id")),
        ("unreadable_item", read.filter(pl.col("unreadable").is_not_null()), pl.col("unreadable")),
    )
    return Findings.collect(
        Finding.of(code, len(rows), len(read), _examples(rows, value, where)) for code, rows, value in shown
    )


def _examples(rows: pl.DataFrame, value: pl.Expr, where: str) -> list[Example]:
    first = rows.head(3).select("row", value.alias("value"))
    return [Example(where, row, text) for row, text in first.iter_rows()]
