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
    ("items", "item", "item_at"),
    ("customers", "customer", "customer_at"),
)


def by_position(kept: pl.DataFrame) -> tuple[pl.DataFrame, Mapping[str, Vocabulary]]:
    """Clean lines in the order of a log, with ids as positions `order`, `item_at` and `customer_at`.

    Vocabularies are sorted by id and lines by what they say, so the order of files and rows does not matter.

    Args:
        kept: lines as `cleaning.Cleaned.kept` gives them, with `item_id` or without. Their columns are taken
            out, so that two copies of all of them never stand side by side.

    Returns:
        The lines, and the vocabularies of orders, items and customers.
    """
    vocabularies, columns = {}, {}
    for kind, name, position in _POSITIONS:
        ids = distinct(kept[name])
        ids = ids.gather(text_order(ids.cast(pl.String)))
        text = ids.cast(pl.String)
        # Orders outnumber all else that has an id, and nobody looks one up.
        vocabularies[kind] = Vocabulary(PackedIds(*bytes_of(text)) if kind == "orders" else tuple(text))
        at = pl.Series(position, np.arange(len(ids), dtype=np.int32))
        columns[position] = of_lines(kept[name], ids, at).fill_null(GUEST)
    as_given = "item_id" in kept and kept["item_id"].to_physical().equals(kept["item"].to_physical())
    columns |= {name: kept.drop_in_place(name) for name in kept.columns}
    if as_given:
        # Most shops have one spelling of an item: it is in memory once.
        del columns["item_id"]
    line = _oldest_first(columns)
    lines = pl.DataFrame({name: columns.pop(name).gather(line) for name in [*columns]})
    return lines.with_columns(item_id="item") if as_given else lines, vocabularies


def _oldest_first(columns: Mapping[str, pl.Series]) -> pl.Series:
    """The order of lines by time, order, item and whatever else they say, shape (n_lines,)."""
    order, item, when = (columns[name].to_numpy() for name in ("order", "item_at", "ordered_at"))
    line = _by_time_order_and_item(when, order, item)
    tied, group = ties(order[line], item[line])
    # A price that is not known goes before all others.
    kind = ("row", "file", "unit_price", "quantity", "customer_at", "ordered_at")
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
        customer=lines["customer_at"].to_numpy(),
        item=lines["item_at"].to_numpy(),
        quantity=lines["quantity"].to_numpy(),
        unit_price=lines["unit_price"].fill_null(float("nan")).to_numpy(),
        ordered_at=lines["ordered_at"].to_numpy(),
        **vocabularies,
    )


def catalog(lines: pl.DataFrame, items: Vocabulary, file: ItemRows | None) -> Catalog:
    """What the shop says about items: the item file first, then the order lines.

    From order lines come the most frequent title and category (of equally frequent ones the first in the
    alphabet) and the last price above zero.

    Args:
        lines: lines that `by_position` has sorted.
        items: the items sold, and any others of the item file.
        file: what the item file says, None without one.
    """
    said = pl.DataFrame({"item_id": items.ids}, schema={"item_id": pl.String})
    group = pl.col("item_id") if file is None else file.group(pl.col("item_id"))
    for on_lines in (_most_frequent(lines, "title"), _most_frequent(lines, "category"), _last_price(lines)):
        said = said.join(on_lines, on="item_id", how="left", maintain_order="left")
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
        return pl.DataFrame(schema={"item_id": pl.String, name: pl.String})
    text = pl.col(name).cast(pl.String).str.strip_chars()
    # Counted first as it stands: stripping every line's text would cost more than all the rest.
    as_written = lines.group_by("item", name).len().filter(pl.col(name).is_not_null())
    counted = as_written.group_by("item", text).agg(pl.col("len").sum())
    ranked = counted.sort("len", name, descending=[True, False])
    first = ranked.unique("item", keep="first", maintain_order=True)
    return first.select(pl.col("item").cast(pl.String).alias("item_id"), name)


def _last_price(lines: pl.DataFrame) -> pl.DataFrame:
    sold = lines.lazy().filter((pl.col("quantity") > 0) & (pl.col("unit_price") > 0))
    last = sold.group_by("item").agg(pl.col("unit_price").last().alias("price")).collect()
    return last.select(pl.col("item").cast(pl.String).alias("item_id"), pl.col("price").cast(pl.Float64))


def _with_item_file(said: pl.DataFrame, file: pl.DataFrame) -> pl.DataFrame:
    joined = said.join(file.drop("item_id"), on="group", how="left", maintain_order="left", suffix="_of_file")
    both = ("title", "category", "price")
    return joined.with_columns(pl.coalesce(f"{name}_of_file", name).alias(name) for name in both)
