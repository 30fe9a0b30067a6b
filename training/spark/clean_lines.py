"""A shop's exports as clean order lines: a task a file reads them, a task a bucket of orders judges them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyspark.sql.functions as F
from pyspark.sql import DataFrame, SparkSession, Window

from recommender.data.cleaning import clean
from recommender.data.findings import MOST_EXAMPLES, ODDITIES, Example, Finding, Findings
from recommender.data.ids import folded, without_point_zero
from recommender.data.item_rows import ItemRows
from recommender.data.order_lines import IDS, LINE_SCHEMA

from ..settings import Settings
from ..sources.canonical import lines_of, not_cancelled_yet
from ..sources.files import open_files
from .frames import Schema, by_block, by_row, collected

_KINDS = {pl.UInt32: "long", pl.Int64: "long", pl.Float32: "float", pl.Categorical: "string"}
_READ: Schema = {name: _KINDS[type(dtype)] for name, dtype in LINE_SCHEMA.items()}

_NAMED = ("item", "customer")
"""What is called by an id that may have several spellings."""

_JUDGED: Schema = {
    "file": "long",
    "row": "long",
    "order_id": "string",
    **{name + part: "string" for name in _NAMED for part in ("", "_spelling")},
    "quantity": "float",
    "unit_price": "float",
    "ordered_at": "long",
    "title": "string",
    "category": "string",
    "country": "string",
    "reason": "string",
}

_LINES_A_BUCKET = 500_000
"""Lines that are judged together: a few hundred megabytes."""

_WHOLE, _POINT_ZERO = r"^-?\d+(\.0+)?$", r"^-?\d+\.0+$"


@dataclass(frozen=True, slots=True)
class CleanLines:
    """Order lines told apart, as `recommender.data.cleaning` tells them.

    Attributes:
        kept: lines that count, columns `file, row, order_id, item, customer, quantity, unit_price,
            ordered_at, title, category, country`; customer null for guests.
        aside: `file`, `row` and `reason` of those that do not.
        lines: how many were read.
        findings: why lines were put aside. What is odd about lines that are kept, only `validate` tells.
    """

    kept: DataFrame
    aside: DataFrame
    lines: int
    quarantined: int
    findings: Findings


def read_lines(
    session: SparkSession, files: Sequence[Path], settings: Settings, *, until: int | None
) -> DataFrame:
    """Canonical lines of files, a task a file, by the code that reads them on one machine.

    Args:
        session: where to.
        files: on a file system that every executor sees.
        settings: how they are written.
        until: seconds since 1970 UTC; lines of later orders are left out, and no later cancellation is known.
    """
    numbered = pa.table({"file": range(len(files)), "path": [str(file) for file in files]})
    tasks = session.createDataFrame(numbered).repartitionByRange(len(files), "file")
    lines = by_row(tasks, partial(_lines_of_file, settings=settings, until=until), _READ)
    lines = lines.repartition(max(len(files), session.sparkContext.defaultParallelism)).persist()
    return lines


def _lines_of_file(task: Mapping[str, object], *, settings: Settings, until: int | None) -> pl.DataFrame:
    (table,) = open_files([str(task["path"])], settings.source)
    lines = lines_of(table, int(str(task["file"])), settings.source)
    if until is None:
        return lines
    known = lines.filter((pl.col("ordered_at") <= until).fill_null(True))
    return not_cancelled_yet(known, until)


def clean_lines(
    lines: DataFrame, files: Sequence[Path], settings: Settings, items: ItemRows | None, *, now: int
) -> CleanLines:
    """Judge every line by the rules, a task a bucket of whole orders.

    Doubles stand in one order, so they meet in one bucket; everything else that decides is said by the line
    itself. Only how an id is spelt most often is known no sooner than all lines are together.

    Arguments as of `cleaning.clean`.
    """
    n_lines = lines.count()
    work = partial(
        _judged,
        names=tuple(file.name for file in files),
        numbers=frozenset(name for name in IDS if _are_numbers(lines, name)),
        settings=settings,
        items=items,
        now=now,
    )
    buckets = max(1, n_lines // _LINES_A_BUCKET, lines.sparkSession.sparkContext.defaultParallelism)
    bucketed = lines.withColumn("bucket", F.pmod(F.xxhash64("order_id"), F.lit(buckets)))
    judged = by_block(bucketed, "bucket", work, _JUDGED).persist()
    rules = settings.cleaning
    kept = judged.where(F.col("reason").isNull())
    for name, fold in zip(_NAMED, (rules.fold_item_case, rules.fold_customer_case), strict=True):
        kept = _as_bought(kept, judged, name) if fold else kept
    aside = judged.where(F.col("reason").isNotNull()).select("file", "row", "reason", "order_id")
    findings = _findings(aside, files, n_lines)
    return CleanLines(kept, aside.drop("order_id"), n_lines, sum(found.count for found in findings), findings)


def _are_numbers(lines: DataFrame, name: str) -> bool:
    """Whether ids are whole numbers of which some file writes '13085.0': see `ids.alike_in_all_files`."""
    known = lines.where(F.col(name).isNotNull()).groupBy("file")
    of_files = known.agg(
        F.bool_and(F.col(name).rlike(_WHOLE)).alias("whole"),
        F.bool_or(F.col(name).rlike(_POINT_ZERO)).alias("zero"),
    ).agg(F.bool_or("whole").alias("whole"), F.bool_or("zero").alias("zero"))
    found = of_files.first()
    return found is not None and bool(found["whole"] and found["zero"])


def _judged(
    lines: pl.DataFrame,
    *,
    names: Sequence[str],
    numbers: frozenset[str],
    settings: Settings,
    items: ItemRows | None,
    now: int,
) -> pl.DataFrame:
    """A bucket's lines with why they are put aside, and what its ids are grouped by and spelt."""
    alike = lines.with_columns(without_point_zero(pl.col(name)) for name in numbers)
    typed = alike.sort("file", "row").select(pl.col(name).cast(dtype) for name, dtype in LINE_SCHEMA.items())
    cleaned = clean(typed, names, settings.cleaning, items, now=now).lines
    rules = settings.cleaning
    folds = zip(_NAMED, (rules.fold_item_case, rules.fold_customer_case), strict=True)
    return cleaned.with_columns(
        column
        for name, fold in folds
        for column in _spelt(pl.col(f"{name}_id").cast(pl.String), name, fold=fold)
    )


def _spelt(given: pl.Expr, name: str, *, fold: bool) -> tuple[pl.Expr, ...]:
    """What the ids of a kind are grouped by, and how each is spelt; unknown customers stay so."""
    known = pl.col(name).is_not_null()
    group = pl.when(known).then(folded(given, fold=fold))
    return group.alias(name), given.str.strip_chars().alias(f"{name}_spelling")


def _as_bought(kept: DataFrame, judged: DataFrame, name: str) -> DataFrame:
    """Each group of ids named as its purchases spell it: `ids.as_bought`, in Spark's terms."""
    spelling, bought = f"{name}_spelling", F.col("reason").isNull() & (F.col("quantity") > 0)
    counted = judged.where(F.col(name).isNotNull()).groupBy(name, spelling)
    ranked = counted.agg(F.sum(bought.cast("int")).alias("n"))
    first = Window.partitionBy(name).orderBy(F.desc("n"), spelling)
    names = ranked.withColumn("place", F.row_number().over(first)).where("place = 1")
    named = kept.drop(spelling).join(names.select(name, spelling), name, "left")
    return named.withColumn(name, F.col(spelling))


def _findings(aside: DataFrame, files: Sequence[Path], n_lines: int) -> Findings:
    first = Window.partitionBy("reason").orderBy("file", "row")
    counted = aside.withColumn("place", F.row_number().over(first)).withColumn(
        "n", F.count("*").over(Window.partitionBy("reason"))
    )
    found = collected(counted.where(F.col("place") <= MOST_EXAMPLES)).sort("file", "row")
    codes = [oddity.code for oddity in ODDITIES if oddity.code in set(found["reason"])]
    return Findings.collect(_finding(found.filter(reason=code), files, n_lines) for code in codes)


def _finding(found: pl.DataFrame, files: Sequence[Path], n_lines: int) -> Finding:
    where = found.select("file", "row", pl.col("order_id").fill_null("?")).iter_rows()
    examples = [Example(files[file].name, row, f"order {order}") for file, row, order in where]
    return Finding.of(found["reason"][0], found["n"][0], n_lines, examples, action="put aside")
