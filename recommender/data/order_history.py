"""Clean order lines as an `OrderLog` and a `Catalog`."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.item_rows import NOTHING_SAID, TEXTS, ItemRows
from recommender.data.orders import GUEST, OrderLog
from recommender.data.vocabulary import Vocabulary

_POSITIONS = (
    ("orders", "order_id", "order"),
    ("items", "item", "item_at"),
    ("customers", "customer", "customer_at"),
)
_SORTED_BY = ("ordered_at", "order", "item_at", "customer_at", "quantity", "unit_price", "file", "row")


def by_position(kept: pl.DataFrame) -> tuple[pl.DataFrame, Mapping[str, Vocabulary]]:
    """Clean lines in the order of a log, with ids as positions `order`, `item_at` and `customer_at`.

    Vocabularies are sorted by id and lines by what they say, so the order of files and rows does not matter.

    Args:
        kept: lines as `cleaning.Cleaned.kept` gives them.

    Returns:
        The lines, and the vocabularies of orders, items and customers.
    """
    vocabularies = {}
    for kind, name, position in _POSITIONS:
        ids = kept.select(name).unique().drop_nulls().with_columns(pl.col(name).cast(pl.String).alias("text"))
        ids = ids.sort("text").with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias(position))
        vocabularies[kind] = Vocabulary(tuple(ids["text"]))
        kept = kept.join(ids.drop("text"), on=name, how="left")
    return kept.with_columns(pl.col("customer_at").fill_null(GUEST)).sort(_SORTED_BY), vocabularies


def order_log(lines: pl.DataFrame, vocabularies: Mapping[str, Vocabulary]) -> OrderLog:
    """The log of lines that `by_position` has sorted."""
    return OrderLog(
        order=_column(lines, "order"),
        customer=_column(lines, "customer_at"),
        item=_column(lines, "item_at"),
        quantity=_column(lines, "quantity"),
        unit_price=lines["unit_price"].fill_null(float("nan")).to_numpy(writable=True),
        ordered_at=_column(lines, "ordered_at"),
        **vocabularies,
    )


def _column(lines: pl.DataFrame, name: str) -> NDArray[Any]:
    return lines[name].to_numpy(writable=True)


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
    for of_lines in (_most_frequent(lines, "title"), _most_frequent(lines, "category"), _last_price(lines)):
        said = said.join(of_lines, on="item_id", how="left", maintain_order="left")
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
    text = pl.col(name).cast(pl.String).str.strip_chars()
    # Counted first as it stands: stripping every line's text would cost more than all the rest.
    as_written = lines.group_by("item", name).len().filter(pl.col(name).is_not_null())
    counted = as_written.group_by("item", text).agg(pl.col("len").sum())
    ranked = counted.sort("len", name, descending=[True, False])
    first = ranked.unique("item", keep="first", maintain_order=True)
    return first.select(pl.col("item").cast(pl.String).alias("item_id"), name)


def _last_price(lines: pl.DataFrame) -> pl.DataFrame:
    sold = lines.filter((pl.col("quantity") > 0) & (pl.col("unit_price") > 0))
    last = sold.group_by("item").agg(pl.col("unit_price").last().alias("price"))
    return last.select(pl.col("item").cast(pl.String).alias("item_id"), pl.col("price").cast(pl.Float64))


def _with_item_file(said: pl.DataFrame, file: pl.DataFrame) -> pl.DataFrame:
    joined = said.join(file.drop("item_id"), on="group", how="left", maintain_order="left", suffix="_of_file")
    both = ("title", "category", "price")
    return joined.with_columns(pl.coalesce(f"{name}_of_file", name).alias(name) for name in both)
