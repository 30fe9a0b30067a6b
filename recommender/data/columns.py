"""The canonical columns of orders and items, and which column of a shop's export holds which."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches

from recommender.errors import DataError

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderColumns:
    """[source.columns]: which column of the export holds what.

    One name or several: of several, the first that has a value on the line counts. An empty list says that
    the export has no such column.

    Attributes:
        order_id: what lines of one order share.
        customer_id: who ordered; blank for guests.
        item_id: what was ordered.
        quantity: units; without the column every line is one unit.
        unit_price: price of one unit.
        line_total: price of the whole line, read where there is no unit price.
        ordered_at: when.
        title: name of the item; used where the item file gives none.
        category: category of the item; used where the item file gives none.
        currency: of the price.
        channel: where the order came from.
        country: of the customer, or any other place: best sellers of each are listed.
        status: state of the order, judged by `drop_statuses`.
        cancelled_at: filled in where the order was cancelled.
    """

    order_id: Names = ("order_id",)
    customer_id: Names = ("customer_id",)
    item_id: Names = ("item_id",)
    quantity: Names = ("quantity",)
    unit_price: Names = ("unit_price",)
    line_total: Names = ("line_total",)
    ordered_at: Names = ("ordered_at",)
    title: Names = ("title",)
    category: Names = ("category",)
    currency: Names = ("currency",)
    channel: Names = ("channel",)
    country: Names = ("country",)
    status: Names = ("status",)
    cancelled_at: Names = ("cancelled_at",)

    def __post_init__(self) -> None:
        for name in ("order_id", "item_id", "ordered_at"):
            if not getattr(self, name):
                raise ValueError(f"{name} cannot be left out: orders mean nothing without it")


@dataclass(frozen=True, slots=True)
class ItemColumns:
    """[source.item_columns]: which column of the item file holds what; all others become attributes.

    One name or several, as for the columns of orders.

    Attributes:
        item_id: the id that order lines use.
        title: what a customer would read.
        category: one category an item.
        brand: brand or maker.
        price: what it costs now.
        available: whether it can be bought: yes or no, or units in stock.
        released_at: when it came into the shop.
        url: its page.
        image_url: its picture.
    """

    item_id: Names = ("item_id",)
    title: Names = ("title",)
    category: Names = ("category",)
    brand: Names = ("brand",)
    price: Names = ("price",)
    available: Names = ("available",)
    released_at: Names = ("released_at",)
    url: Names = ("url",)
    image_url: Names = ("image_url",)

    def __post_init__(self) -> None:
        if not self.item_id:
            raise ValueError("item_id cannot be left out: an item file means nothing without it")


Columns = OrderColumns | ItemColumns

_NEEDED: Mapping[type, Names] = {
    OrderColumns: ("order_id", "customer_id", "item_id", "quantity", "unit_price", "ordered_at"),
    ItemColumns: ("item_id",),
}


def present(
    columns: Columns, seen: Collection[str], *, where: str, may_lack: Sequence[str] = ()
) -> dict[str, Names]:
    """The shop's columns that hold each canonical column, without those that are not there.

    Args:
        columns: the mapping.
        seen: column names of the export.
        where: file or query, for the message.
        may_lack: canonical columns that need not be there although the mapping names them.

    Raises:
        DataError: a needed column, or one that the mapping names, is not among those seen.
    """
    found = {field.name: _found(columns, field.name, seen) for field in fields(columns)}
    lacking = [
        name for name, names in found.items() if not names and name not in may_lack and _wanted(columns, name)
    ]
    if "unit_price" in lacking and found.get("line_total"):
        lacking.remove("unit_price")
    if lacking:
        raise DataError(_missing(columns, lacking, seen, where))
    return {name: names for name, names in found.items() if names}


def _found(columns: Columns, name: str, seen: Collection[str]) -> Names:
    return tuple(column for column in getattr(columns, name) if column in seen)


def _wanted(columns: Columns, name: str) -> bool:
    """Whether it matters that a canonical column was not found: needed by us, or named by the shop."""
    named: Names = getattr(columns, name)
    return bool(named) and (name in _NEEDED[type(columns)] or named != (name,))


def _missing(columns: Columns, lacking: Sequence[str], seen: Collection[str], where: str) -> str:
    wants = "; ".join(_hint(name, getattr(columns, name), seen) for name in lacking)
    section = "[source.columns]" if isinstance(columns, OrderColumns) else "[source.item_columns]"
    return f"{where}: missing_column: {wants}. Columns there: {', '.join(seen)}. Map them in {section}"


def _hint(name: str, named: Names, seen: Collection[str]) -> str:
    wanted = " or ".join(repr(column) for column in named)
    by_key = {_key(column): column for column in seen}
    close = [
        m for column in (*named, name) for m in get_close_matches(_key(column), list(by_key), n=1, cutoff=0.6)
    ]
    return f"no {wanted} for {name}" + (f" (is it {by_key[close[0]]!r}?)" if close else "")


def _key(column: str) -> str:
    return column.lower().replace(" ", "").replace("_", "")
