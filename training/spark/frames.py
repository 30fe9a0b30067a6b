"""Between Spark and arrays: columns by name and type, and work on the blocks of a DataFrame."""

from collections.abc import Callable, Iterator, Mapping

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame

from .session import without_pandas

Schema = Mapping[str, str]
"""Column → its type as Spark calls it; see `_TYPES`."""

_TYPES: Mapping[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "array<float>": pa.list_(pa.float32()),
}


def spark_schema(schema: Schema) -> str:
    """A schema as Spark wants it."""
    return ", ".join(f"{name} {kind}" for name, kind in schema.items())


def arrow_table(frame: pl.DataFrame, schema: Schema) -> pa.Table:
    """The columns of a schema, typed as it says; categories become text."""
    texts = [pl.col(name).cast(pl.String) for name, kind in schema.items() if kind == "string"]
    arrow = frame.with_columns(texts).select(*schema).to_arrow()
    return arrow.cast(pa.schema([(name, _TYPES[kind]) for name, kind in schema.items()]))


def polars_frame(table: pa.Table) -> pl.DataFrame:
    """A table that came from Spark."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def with_categories(frame: pl.DataFrame) -> pl.DataFrame:
    """Text as categories, which is how the code of one machine holds it."""
    return frame.with_columns(pl.col(pl.String).cast(pl.Categorical()))


def collected(frame: DataFrame) -> pl.DataFrame:
    """All rows of a DataFrame, on the driver."""
    return polars_frame(frame.toArrow())


def by_block(
    frame: DataFrame, key: str, work: Callable[[pl.DataFrame], pl.DataFrame], schema: Schema
) -> DataFrame:
    """What comes of each block of rows, a block where `key` is the same; each is held whole by one task."""

    def of_table(table: pa.Table) -> pa.Table:
        return arrow_table(work(polars_frame(table)), schema)

    with without_pandas():
        return frame.groupBy(key).applyInArrow(of_table, spark_schema(schema))


def by_block_with(
    frame: DataFrame,
    other: DataFrame,
    key: str,
    work: Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame],
    schema: Schema,
) -> DataFrame:
    """The same of two DataFrames that have `key` in common."""

    def of_tables(left: pa.Table, right: pa.Table) -> pa.Table:
        return arrow_table(work(polars_frame(left), polars_frame(right)), schema)

    with without_pandas():
        both = frame.groupBy(key).cogroup(other.groupBy(key))
        return both.applyInArrow(of_tables, spark_schema(schema))


def by_row(frame: DataFrame, work: Callable[[dict[str, object]], pl.DataFrame], schema: Schema) -> DataFrame:
    """All rows that come of each row."""

    def of_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                yield from arrow_table(work(row), schema).to_batches()

    with without_pandas():
        return frame.mapInArrow(of_batches, spark_schema(schema))
