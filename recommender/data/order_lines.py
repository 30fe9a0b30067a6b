"""From the columns of a shop's export to canonical order lines, one file at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from recommender.data.amounts import amounts
from recommender.data.columns import Names, OrderColumns, present
from recommender.data.ids import id_text
from recommender.data.timestamps import epoch_seconds
from recommender.errors import DataError

IDS = ("order_id", "customer_id", "item_id")
TEXTS = ("title", "category", "currency", "channel", "country", "status", "cancelled_at")
AMOUNTS = ("quantity", "unit_price", "line_total")
ROW = "__row"
"""A name that no shop's column has."""

_CHECKED = ("order_id", "item_id", "quantity", "ordered_at", "unit_price", "line_total")
OF_THE_ORDER = ("customer_id", "ordered_at", "currency", "channel", "country", "status", "cancelled_at")

# Categories keep four bytes a line where text would keep sixteen and more: 50 million lines stay in memory.
_TEXT = pl.Categorical()
LINE_SCHEMA: dict[str, pl.DataType] = {
    "file": pl.UInt32(),
    "row": pl.UInt32(),
    **dict.fromkeys(IDS, _TEXT),
    "quantity": pl.Float32(),
    "unit_price": pl.Float32(),
    "ordered_at": pl.Int64(),
    **dict.fromkeys(TEXTS, _TEXT),
    "unreadable": _TEXT,
}
"""One order line as read: `file` is the position of its file, `row` its 1-based data row, `ordered_at`
seconds since 1970 UTC; `unreadable` says what could not be read, null where all could."""


@dataclass(frozen=True, slots=True)
class LineFormat:
    """How an export writes order lines.

    Attributes:
        columns: which column holds what.
        may_lack: canonical columns that need not be there although `columns` names them.
        zone: IANA zone of times that carry none.
        timestamp_format: strptime format of times as text; None for ISO 8601 and its variants.
        decimal: decimal sign of numbers in text.
        order_once: values of the order stand on its first line only, and hold for its other lines.
        null_values: texts that mean "no value".
    """

    columns: OrderColumns = field(default_factory=OrderColumns)
    may_lack: Names = ()
    zone: str = "UTC"
    timestamp_format: str | None = None
    decimal: str = "."
    order_once: bool = False
    null_values: Names = ("NULL", "\\N")


def numbered(raw: pl.LazyFrame) -> pl.LazyFrame:
    """A raw table with its 1-based data row in column `ROW`, wholly blank rows left out."""
    names = raw.collect_schema().names()
    return raw.with_row_index(ROW, offset=1).filter(~pl.all_horizontal(pl.col(names).is_null()))


def order_lines(raw: pl.LazyFrame, file: int, form: LineFormat, *, where: str) -> pl.LazyFrame:
    """Canonical lines of one file, schema `LINE_SCHEMA`, in the order of the file.

    Args:
        raw: the file's own columns; text or typed.
        file: position of the file.
        form: how it writes order lines.
        where: name of the file, for messages.

    Raises:
        DataError: a needed column is missing, or holds lists.
    """
    schema = raw.collect_schema()
    columns = present(form.columns, schema.names(), where=where, may_lack=form.may_lack)
    refuse_nested(columns, schema, where=where)
    texts = numbered(raw).select(
        pl.lit(file, pl.UInt32).alias("file"),
        pl.col(ROW).cast(pl.UInt32).alias("row"),
        *(_given(name, names, schema, form) for name, names in columns.items()),
    )
    if form.order_once:
        texts = _filled_down(texts, columns)
    return _complete(_parsed(texts, columns, form), columns).select(
        pl.col(name).cast(dtype) for name, dtype in LINE_SCHEMA.items()
    )


def refuse_nested(held: Mapping[str, Names], schema: pl.Schema, *, where: str) -> None:
    """Refuse lists and structs where single values are needed.

    Raises:
        DataError: a canonical column is held by such a column.
    """
    for name, columns in held.items():
        for column in columns:
            if schema[column].is_nested():
                raise DataError(
                    f"{where}: column {column!r} for {name} holds lists or structs, not single values"
                )


def _given(name: str, names: Names, schema: pl.Schema, form: LineFormat) -> pl.Expr:
    if name in IDS:
        return first_id(names, schema, form).alias(name)
    if name in TEXTS or len(names) > 1:
        return first_text(names, schema, form).alias(name)
    return valued(names[0], schema, form).alias(name)


def first_id(columns: Names, schema: pl.Schema, form: LineFormat) -> pl.Expr:
    """The id in the first of these columns that has one, as a category."""
    return pl.coalesce(id_text(pl.col(column), schema[column], form.null_values) for column in columns)


def first_text(columns: Names, schema: pl.Schema, form: LineFormat) -> pl.Expr:
    """The text in the first of these columns that has any."""
    texts = [valued(column, schema, form).cast(pl.String) for column in columns]
    return pl.coalesce(pl.when(text.str.strip_chars() != "").then(text) for text in texts)


def valued(column: str, schema: pl.Schema, form: LineFormat) -> pl.Expr:
    """A column as the shop typed it, null where it says that there is no value."""
    value = pl.col(column)
    if schema[column].is_float():
        return value.fill_nan(None)
    if schema[column] != pl.String or not form.null_values:
        return value
    return pl.when(~value.is_in(form.null_values)).then(value)


def _filled_down(texts: pl.LazyFrame, columns: Mapping[str, Names]) -> pl.LazyFrame:
    """Values of the order on each of its lines: what a line lacks, it has from the first that has it."""
    schema = texts.collect_schema()
    once = [name for name in OF_THE_ORDER if name in columns]
    blank = [pl.col(name).replace("", None) for name in once if schema[name] == pl.String]
    filled = [pl.col(name).fill_null(pl.col(name).drop_nulls().first().over("order_id")) for name in once]
    return texts.with_columns(blank).with_columns(filled)


def _parsed(texts: pl.LazyFrame, columns: Mapping[str, Names], form: LineFormat) -> pl.LazyFrame:
    """Numbers and times read; what they came from stays beside them as `raw_…`, for messages."""
    number = partial(amounts, decimal=form.decimal)
    time = partial(epoch_seconds, zone=form.zone, timestamp_format=form.timestamp_format)
    given = [name for name in AMOUNTS if name in columns]
    return texts.with_columns(
        pl.col(given).map_batches(number, return_dtype=pl.Float64, is_elementwise=True),
        pl.col("ordered_at").map_batches(time, return_dtype=pl.Int64, is_elementwise=True),
        *(pl.col(name).alias(f"raw_{name}") for name in (*given, "ordered_at")),
    )


def _complete(lines: pl.LazyFrame, columns: Mapping[str, Names]) -> pl.LazyFrame:
    """All canonical columns; absent ones null, but for one unit a line and a price from the line's total."""
    absent = [name for name in (*IDS, *AMOUNTS[:2], *TEXTS) if name not in columns]
    checked = [name for name in _CHECKED if name in columns]
    judged = [*checked, *(f"raw_{name}" for name in checked if name not in IDS)]
    whole = lines.with_columns(
        pl.struct(judged)
        .map_batches(partial(_unreadable, checked=checked), return_dtype=pl.String, is_elementwise=True)
        .alias("unreadable"),
        *(pl.lit(1.0 if name == "quantity" else None, LINE_SCHEMA[name]).alias(name) for name in absent),
    )
    if "line_total" not in columns:
        return whole
    by_unit = pl.when(pl.col("quantity") != 0).then(pl.col("line_total") / pl.col("quantity"))
    return whole.with_columns(pl.coalesce("unit_price", by_unit).alias("unit_price"))


def _unreadable(lines: pl.Series, checked: Sequence[str]) -> pl.Series:
    """What to say of each line that lacks a usable value; null elsewhere."""
    frame = lines.struct.unnest()
    said = pl.Series("unreadable", [None], pl.String).new_from_index(0, len(frame))
    # Only few lines lack anything: to write the others' numbers and times as text would take longest of all.
    lacking = frame.select(pl.any_horizontal(pl.col(checked).is_null()).arg_true()).to_series()
    if lacking.is_empty():
        return said
    message = frame[lacking].select(pl.coalesce(_unread(name) for name in checked)).to_series()
    return said.scatter(lacking, message)


def _unread(name: str) -> pl.Expr:
    """What to say of a line on which this column has no usable value; null where it has one."""
    if name in IDS:
        return pl.when(pl.col(name).is_null()).then(pl.lit(f"no {name}"))
    raw = pl.col(f"raw_{name}").cast(pl.String)
    blank = raw.is_null() | (raw.str.strip_chars() == "")
    said = pl.format(f"{name} {{}}", raw)
    if name in ("unit_price", "line_total"):
        return pl.when(pl.col(name).is_null() & ~blank).then(said)
    return pl.when(blank).then(pl.lit(f"no {name}")).when(pl.col(name).is_null()).then(said)
