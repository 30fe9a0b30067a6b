"""Where orders and items come from, and how the shop writes them."""

from dataclasses import dataclass, field
from typing import Literal

from recommender.data.columns import ItemColumns, Names, OrderColumns
from recommender.data.order_lines import LineFormat
from recommender.data.timestamps import known_zone


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """[source]: where orders and items come from, and how they are written.

    Attributes:
        preset: name of the preset that these settings stand on.
        orders: files, folders, globs or one database URL; the command line goes before them.
        items: item file; the command line goes before it.
        query: SQL that selects order lines, for a database URL.
        items_query: SQL that selects items, from the same database.
        timezone: IANA zone of times that carry none.
        timestamp_format: strptime format of times as text; without it ISO 8601 and its variants are read.
        decimal: decimal sign of numbers in text.
        delimiter: between the values of a CSV line; without it comma, semicolon, tab or bar, by the header.
        encoding: of CSV files; without it UTF-8, UTF-16 by its mark, or else Windows-1252.
        null_values: texts that mean "no value".
        order_once: values of the order stand on its first line only and hold for its other lines.
        may_lack: columns named here that an export may come without.
        columns: which column of the orders holds what.
        item_columns: which column of the item file holds what.
    """

    preset: str | None = None
    orders: Names = ()
    items: str | None = None
    query: str | None = None
    items_query: str | None = None
    timezone: str = "UTC"
    timestamp_format: str | None = None
    decimal: Literal[".", ","] = "."
    delimiter: str | None = None
    encoding: str | None = None
    null_values: Names = ("NULL", "\\N")
    order_once: bool = False
    may_lack: Names = ()
    columns: OrderColumns = field(default_factory=OrderColumns)
    item_columns: ItemColumns = field(default_factory=ItemColumns)

    def __post_init__(self) -> None:
        known_zone(self.timezone, "timezone")
        if self.delimiter is not None and len(self.delimiter.encode()) != 1:
            raise ValueError(f"delimiter must be one character, got {self.delimiter!r}")

    @property
    def line_format(self) -> LineFormat:
        """How order lines are written, for the core."""
        return LineFormat(
            columns=self.columns,
            may_lack=self.may_lack,
            zone=self.timezone,
            timestamp_format=self.timestamp_format,
            decimal=self.decimal,
            order_once=self.order_once,
            null_values=self.null_values,
        )
