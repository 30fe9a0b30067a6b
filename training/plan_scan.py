"""The facts that a plan needs, out of tables of orders, without reading them into memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import polars as pl

from recommender.data.columns import present
from recommender.data.order_lines import LineFormat, first_id
from recommender.errors import DataError

from .settings import Settings
from .shop_facts import ShopFacts
from .sources.tables import Table, reading

_IDS = ("order_id", "customer_id", "item_id")


def facts_of_tables(tables: Sequence[Table], settings: Settings) -> ShopFacts:
    """Lines and items counted, orders, customers and pairs of them estimated (within ten of a hundred).

    Only the columns of ids are read, a part at a time. Nothing is cleaned: lines that a training would put
    aside are counted like the others.

    Raises:
        DataError: a needed column is missing, a file cannot be read, or there is no line.
    """
    form = settings.source.line_format
    found = [_ids_of(table, form) for table in tables]
    ids = pl.concat(found)
    known = pl.col("customer_id").is_not_null()
    pair = pl.struct("customer_id", "item_id").hash()
    with _reading_all(tables, found):
        counted = ids.select(
            pl.len().alias("lines"),
            pl.col("order_id").approx_n_unique().alias("orders"),
            pl.col("customer_id").drop_nulls().approx_n_unique().alias("customers"),
            pair.filter(known).approx_n_unique().alias("pairs"),
        )
        sold = ids.group_by("item_id").len().filter(pl.col("len") >= settings.lists.min_item_lines)
        facts = counted.collect(engine="streaming").row(0, named=True)
        items = sold.select(pl.len()).collect(engine="streaming").item()
    if not facts["lines"]:
        raise DataError(f"{tables[0].name}: no order lines there")
    return ShopFacts(items=items, **facts)


@contextmanager
def _reading_all(tables: Sequence[Table], found: Sequence[pl.LazyFrame]) -> Iterator[None]:
    """Say which of the tables it was that could not be read, which is looked for only then."""
    with reading(", ".join(table.name for table in tables)):
        try:
            yield
        except (pl.exceptions.PolarsError, OSError):
            for table, ids in zip(tables, found, strict=True):
                with reading(table.name):
                    ids.select(pl.all().count()).collect(engine="streaming")
            raise


def _ids_of(table: Table, form: LineFormat) -> pl.LazyFrame:
    if table.stored:
        return table.frame.select(pl.col(_IDS).cast(pl.String))
    with reading(table.name):
        ids = _ids_as_written(table, form)
    if not form.order_once:
        return ids
    # The customer stands on the order's first line, and holds for its others.
    of_order = ids.group_by("order_id").agg(pl.col("customer_id").drop_nulls().first())
    return ids.drop("customer_id").join(of_order, "order_id", "left").select(_IDS)


def _ids_as_written(table: Table, form: LineFormat) -> pl.LazyFrame:
    schema = table.frame.collect_schema()
    columns = present(form.columns, schema.names(), where=table.name, may_lack=form.may_lack)
    return table.frame.select(
        first_id(columns[name], schema, form).cast(pl.String).alias(name)
        if name in columns
        else pl.lit(None, pl.String).alias(name)
        for name in _IDS
    )
