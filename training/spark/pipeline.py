"""The whole way on Spark: from a shop's files to the same snapshot that one machine makes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import polars as pl
import pyspark.sql.functions as F
from pyspark.sql import DataFrame, SparkSession

from recommender.data.findings import Finding, Findings
from recommender.data.item_rows import ItemRows
from recommender.errors import ConfigError, DataError
from recommender.models.content import OwnTaste
from recommender.snapshot.directory import Snapshot
from recommender.snapshot.manifest import Counts, rfc3339

from ..carried import Carried
from ..engines import Asked
from ..evaluation import evaluate
from ..item_lists import cart_trees, plain_lists
from ..learning import Learned, Learner, item_traits
from ..list_making import all_lists
from ..moment import load_loops
from ..pipeline import DataFacts, plain_values, snapshot_of
from ..progress import Progress
from ..settings import Settings
from ..sources import ReadOrders
from ..sources.database import is_database
from ..sources.files import files_of
from ..sources.item_file import open_items, read_items
from ..sources.quarantine import prepare_quarantine
from ..sources.stored import is_store
from ..sources.tables import Source
from ..windows import EarlierWindows
from .clean_lines import CleanLines, clean_lines, read_lines
from .customer_lists import Recipe, write_parts
from .frames import collected
from .learner import SparkLearner
from .orders import ShopOrders
from .parts import stitch, with_customers
from .private_lines import without_private
from .sample import Sample
from .session import refusals_of_executors, spark_session


@contextmanager
def trained(asked: Asked, settings: Settings, progress: Progress) -> Iterator[tuple[ReadOrders, Snapshot]]:
    """Learn from orders and make every list of a snapshot, as `training.pipeline.train` does.

    Yields:
        The orders of the customers that the driver looked at, with the whole shop's findings and counts; and
        the snapshot, whose customers' side is read from disk as it is written, and is gone afterwards.

    Raises:
        ConfigError: Java is missing, the sources are no files, or lines put aside cannot be written.
        DataError: a file cannot be read, or there is no purchase to learn from.
    """
    name, parent = asked.snapshot.name, asked.snapshot.resolve().parent
    parent.mkdir(parents=True, exist_ok=True)
    # Spark writes a folder of files.
    items = asked.items or settings.source.items
    inputs = [*(asked.orders or settings.source.orders), *([items] if items else [])]
    prepare_quarantine(_aside(asked) / "part.parquet", inputs)
    with (
        refusals_of_executors(),
        spark_session(asked.master) as session,
        TemporaryDirectory(prefix=f".{name}.", dir=parent) as folder,
    ):
        yield train(session, asked, settings, Path(folder), progress)


def train(
    session: SparkSession, asked: Asked, settings: Settings, workspace: Path, progress: Progress
) -> tuple[ReadOrders, Snapshot]:
    """The same in a session that is there; parts of the snapshot are left in the workspace."""
    load_loops(progress)
    clean, orders = _read(session, asked, settings, progress)
    with progress.step("Draw customers for the driver"):
        sample = Sample.drawn(clean, orders)
    read, learner, earlier = sample.read, SparkLearner(orders, sample), EarlierWindows()
    everybody = Learner(learner.purchases, learner.learn)
    verdict = evaluate(read, settings, progress=progress, earlier=earlier, learner=everybody)
    now = orders.last_time
    purchases = learner.purchases(read.orders, orders.catalog, settings, now, progress)
    trees = cart_trees(purchases, settings, progress)
    # Nobody's list is made here: customers have theirs from the blocks, and items are all made anew.
    everything = Carried.nothing(purchases)
    nobody = Carried(np.zeros(len(everything.customers), np.int32), everything.items)
    plain = plain_lists(purchases, read.places, settings, progress, trees=trees, carried=nobody)
    learned = learner.learn(
        read.orders, orders.catalog, settings, now=now, progress=progress, earlier=earlier
    )
    lists = all_lists(learned, plain, settings, progress, carried=nobody)
    figures = None if verdict is None else plain_values(asdict(verdict))
    snapshot = snapshot_of(
        DataFacts.of(read, purchases),
        learned,
        lists,
        settings,
        trees=trees,
        fingerprints=None,
        figures=figures,
        now=asked.now,
    )
    return read, _of_everybody(snapshot, orders, learner, learned, settings, workspace, progress)


def _read(
    session: SparkSession, asked: Asked, settings: Settings, progress: Progress
) -> tuple[CleanLines, ShopOrders]:
    files = _files(asked.orders or settings.source.orders)
    with progress.step("Read orders"):
        all_lines = read_lines(session, files, settings, until=asked.until)
        lines = without_private(all_lines, asked.private, fold=settings.cleaning.fold_customer_case)
        items = _items(lines, asked, settings)
    with progress.step("Clean orders"):
        clean = clean_lines(lines, files, settings, items, now=int(asked.now.timestamp()))
        if lines is not all_lines:
            clean = replace(clean, findings=clean.findings + _left_out(all_lines.count(), clean.lines))
        aside = _aside(asked)
        clean.aside.write.mode("overwrite").parquet(aside.as_uri())
        if not clean.kept.where("quantity > 0").limit(1).count():
            raise DataError(f"no purchase is left of {clean.lines:,} lines: see {aside}")
    with progress.step("Number customers and items"):
        orders = ShopOrders.of(clean, settings, items)
        all_lines.unpersist()
    return clean, orders


def _left_out(of: int, left: int) -> Findings:
    return Findings.collect([Finding.of("private_customer", of - left, of)])


def _aside(asked: Asked) -> Path:
    return asked.snapshot.with_name(asked.snapshot.name + ".quarantine.parquet").resolve()


def _files(sources: Sequence[Source]) -> list[Path]:
    if not sources:
        raise ConfigError("no orders named: give files, folders or globs")
    if any(is_database(source) or is_store(source) for source in sources):
        raise ConfigError(
            "--engine spark reads files: export the database to Parquet or CSV, or name the exports "
            "that the order store was made of"
        )
    return list(dict.fromkeys(file.resolve() for source in sources for file in files_of(source)))


def _items(lines: DataFrame, asked: Asked, settings: Settings) -> ItemRows | None:
    tables = open_items(asked.items or settings.source.items, asked.orders, settings.source)
    if not tables:
        return None
    # What an item file is asked about the lines is how they write ids, file by file.
    ids = collected(lines.select("file", "item_id").distinct())
    return read_items(tables, ids.with_columns(pl.col("item_id").cast(pl.Categorical())), settings)


def _of_everybody(
    snapshot: Snapshot,
    orders: ShopOrders,
    learner: SparkLearner,
    learned: Learned,
    settings: Settings,
    workspace: Path,
    progress: Progress,
) -> Snapshot:
    """The snapshot with every customer of the shop instead of those on the driver."""
    everything = learner.at(orders.last_time, orders.catalog, settings, progress)
    shared = everything.shared
    recipe = Recipe(
        shared=shared,
        ranker=learned.ranker,
        traits=item_traits(learned, settings),
        common_taste=OwnTaste.of(learned.models["content"]).common,
        best_sellers=snapshot.lists.best_sellers,
        n_customers=len(orders.customers),
        items=orders.catalog.items,
    )
    size, n_items = shared.size, len(shared.items.catalog.items)
    counts = Counts(size.lines, size.orders, size.customers, n_items)
    manifest = msgspec.structs.replace(
        snapshot.manifest,
        counts=counts,
        data_from=rfc3339(orders.first_time),
        data_until=rfc3339(orders.last_time),
        data_fingerprint=_fingerprint(orders),
        versions={**snapshot.manifest.versions, "pyspark": version("pyspark")},
    )
    snapshot = replace(snapshot, manifest=manifest, customers=orders.customers)
    if not len(orders.customers):
        return snapshot
    with progress.step("Write customer lists"):
        n_blocks = write_parts(orders, everything, recipe, workspace / "parts")
    with progress.step("Put the parts together"):
        stitch([workspace / "parts" / str(block) for block in range(n_blocks)], workspace / "whole")
        return with_customers(snapshot, workspace / "whole")


def _fingerprint(orders: ShopOrders) -> str:
    """Sums of digests of lines, 256 bits: tells two histories apart, however their lines are ordered."""
    columns = ("order", "customer", "item", "quantity", "unit_price", "ordered_at")
    sums = [
        F.sum(F.xxhash64(F.lit(seed), *columns).cast("decimal(38,0)")).alias(str(seed)) for seed in range(4)
    ]
    found = orders.lines.agg(*sums).first()
    assert found is not None
    return "".join(f"{int(found[str(seed)]) % (1 << 64):016x}" for seed in range(4))
