"""Clean order lines as an `OrderLog` and a `Catalog`."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.groups import sorted_by, ties
from recommender.data.item_rows import NOTHING_SAID, TEXTS, ItemRows
from recommender.data.lookups import distinct, of_lines
from recommender.data.orders import GUEST, OrderLog
from recommender.data.packed_ids import PackedIds
from recommender.data.text_order import bytes_of, text_order
from recommender.data.vocabulary import Vocabulary

_POSITIONS = (
    ("orders", "order_id", "order"),
    ("items", "item", "item"),
    ("customers", "customer", "customer"),
)
"""Of what, the column of its ids, and the column of their positions."""


def by_position(kept: pl.DataFrame) -> tuple[pl.DataFrame, Mapping[str, Vocabulary]]:
    """Clean lines in the order of a log, ids as positions: `order`, `item` and `customer`, `GUEST` for none.

    Vocabularies are sorted by id and lines by what they say, so the order of files and rows does not matter.

    Args:
        kept: lines as `cleaning.Cleaned.kept` gives them. Their columns are taken out, so that two copies of
            all of them never stand side by side, and the text of millions of orders goes when it was sorted.

    Returns:
        The lines, and the vocabularies of orders, items and customers.
    """
    vocabularies, columns = {}, {}
    for kind, name, position in _POSITIONS:
        vocabularies[kind], columns[position] = _numbered(kept.drop_in_place(name), pack=kind == "orders")
    columns |= {name: kept.drop_in_place(name) for name in kept.columns}
    line = _oldest_first(columns)
    return pl.DataFrame({name: columns.pop(name).gather(line) for name in [*columns]}), vocabularies


def _numbered(given: pl.Series, *, pack: bool) -> tuple[Vocabulary, pl.Series]:
    """Ids in alphabetical order, and the position of each line's; packed where nobody looks one up."""
    ids = distinct(given)
    ids = ids.gather(text_order(ids.cast(pl.String)))
    text = ids.cast(pl.String)
    vocabulary = Vocabulary(PackedIds(*bytes_of(text)) if pack else tuple(text))
    return vocabulary, of_lines(given, ids, pl.Series(np.arange(len(ids), dtype=np.int32))).fill_null(GUEST)


def _oldest_first(columns: Mapping[str, pl.Series]) -> pl.Series:
    """The order of lines by time, order, item and whatever else they say, shape (n_lines,)."""
    order, item, when = (columns[name].to_numpy() for name in ("order", "item", "ordered_at"))
    line = _by_time_order_and_item(when, order, item)
    tied, group = ties(order[line], item[line])
    # A price that is not known goes before all others.
    kind = ("row", "file", "unit_price", "quantity", "customer", "ordered_at")
    rest = [columns[name].gather(line[tied]).fill_null(float("-inf")).to_numpy() for name in kind]
    line[tied] = line[tied][np.lexsort((*rest, group))]
    return pl.Series(line, dtype=pl.UInt32)


def _by_time_order_and_item(
    when: NDArray[np.int64], order: NDArray[np.int32], item: NDArray[np.int32]
) -> NDArray[np.intp]:
    placed = np.zeros(order.max(initial=-1) + 1, np.int64)
    placed[order] = when
    if not np.array_equal(placed[order], when):
        return sorted_by(when, order, item)
    # Nearly every shop gives an order one time. Then one number says both, and half of the memory does.
    rank = np.empty(len(placed), np.int32)
    rank[sorted_by(placed)] = np.arange(len(placed), dtype=np.int32)
    return sorted_by(rank[order], item)


def order_log(lines: pl.DataFrame, vocabularies: Mapping[str, Vocabulary]) -> OrderLog:
    """The log of lines that `by_position` has sorted; it reads the same memory, and cannot be written to."""
    return OrderLog(
        order=lines["order"].to_numpy(),
        customer=lines["customer"].to_numpy(),
        item=lines["item"].to_numpy(),
        quantity=lines["quantity"].to_numpy(),
        unit_price=lines["unit_price"].fill_null(float("nan")).to_numpy(),
        ordered_at=lines["ordered_at"].to_numpy(),
        orders=vocabularies["orders"],
        customers=vocabularies["customers"],
        items=vocabularies["items"],
    )


def with_ids(lines: pl.DataFrame, orders: OrderLog) -> pl.DataFrame:
    """A few of the lines with their ids as text: `order_id`, `item_id` and `customer_id`, null for guests.

    Args:
        lines: rows and columns of those that `by_position` has sorted; what they have positions of is named.
        orders: their log.
    """
    vocabularies = {"order": orders.orders, "item": orders.items, "customer": orders.customers}
    return lines.with_columns(
        pl.Series(f"{name}_id", [None if at == GUEST else ids.ids[at] for at in lines[name]], pl.String)
        for name, ids in vocabularies.items()
        if name in lines.columns
    )


def catalog(lines: pl.DataFrame, sold: Vocabulary, items: Vocabulary, file: ItemRows | None) -> Catalog:
    """What the shop says about items: the item file first, then the order lines.

    From order lines come the most frequent title and category (of equally frequent ones the first in the
    alphabet) and the last price above zero.

    Args:
        lines: lines that `by_position` has sorted.
        sold: ids of the items that the lines name.
        items: the items sold, and any others of the item file.
        file: what the item file says, None without one.
    """
    said = pl.DataFrame({"item_id": items.ids}, schema={"item_id": pl.String})
    group = pl.col("item_id") if file is None else file.group(pl.col("item_id"))
    id_of = pl.Series("item_id", sold.ids, pl.String)
    for on_lines in (_most_frequent(lines, "title"), _most_frequent(lines, "category"), _last_price(lines)):
        named = on_lines.with_columns(id_of.gather(on_lines["item"])).drop("item")
        said = said.join(named, on="item_id", how="left", maintain_order="left")
    said = _with_item_file(
        said.with_columns(group.alias("group")), NOTHING_SAID if file is None else file.frame
    )
    return Catalog(
        items=items,
        **{name: tuple(said[name]) for name in TEXTS},
        price=said["price"].cast(pl.Float32).fill_null(float("nan")).to_numpy(writable=True),
        available=said["available"].fill_null(True).to_numpy(writable=True),
        released_at=said["released_at"].fill_null(0).to_numpy(writable=True),
        attributes={name: tuple(said[f"attribute_{name}"]) for name in (file.attributes if file else ())},
    )


def _most_frequent(lines: pl.DataFrame, name: str) -> pl.DataFrame:
    if lines.schema[name] == pl.Null:
        return pl.DataFrame(schema={"item": pl.Int32, name: pl.String})
    text = pl.col(name).cast(pl.String).str.strip_chars()
    # Counted first as it stands: stripping every line's text would cost more than all the rest.
    as_written = lines.group_by("item", name).len().filter(pl.col(name).is_not_null())
    counted = as_written.group_by("item", text).agg(pl.col("len").sum())
    ranked = counted.sort("len", name, descending=[True, False])
    return ranked.unique("item", keep="first", maintain_order=True).select("item", name)


def _last_price(lines: pl.DataFrame) -> pl.DataFrame:
    sold = lines.lazy().filter((pl.col("quantity") > 0) & (pl.col("unit_price") > 0))
    return sold.group_by("item").agg(pl.col("unit_price").last().cast(pl.Float64).alias("price")).collect()


def _with_item_file(said: pl.DataFrame, file: pl.DataFrame) -> pl.DataFrame:
    joined = said.join(file.drop("item_id"), on="group", how="left", maintain_order="left", suffix="_of_file")
    both = ("title", "category", "price")
    return joined.with_columns(pl.coalesce(f"{name}_of_file", name).alias(name) for name in both)
