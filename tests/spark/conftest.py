"""One shop trained on by both engines."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from benchmarks.datasets import planted_shop
from recommender.snapshot.directory import Snapshot, load_snapshot, write_snapshot
from recommender.training.engines import Asked
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import ReadOrders, read_orders
from recommender.training.spark.pipeline import trained

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True)
class Trained:
    """What came of a training, and where it was written."""

    read: ReadOrders
    snapshot: Snapshot
    folder: Path


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Small models, and windows so long that one of them is judged and one is learned from."""
    found = Settings()
    models = replace(
        found.models,
        als=replace(found.models.als, factors=8, iterations=6),
        als_long_term=replace(found.models.als_long_term, factors=8, iterations=6),
        customer_knn=replace(found.models.customer_knn, factors=8),
    )
    return replace(
        found,
        models=models,
        ranker=replace(found.ranker, windows=1, trees=100, fewest_customers=50),
        evaluation=replace(found.evaluation, days=60.0),
    )


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a shop's orders in two files."""
    folder, lines = tmp_path_factory.mktemp("shop") / "orders", planted_shop(customers=240)
    folder.mkdir()
    half = lines.height // 2
    lines[:half].write_csv(folder / "a.csv")
    lines[half:].write_csv(folder / "b.csv")
    return folder


@pytest.fixture(scope="session")
def by_spark(
    spark: SparkSession, export: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """The shop as Spark learns it, read back from disk."""
    folder = tmp_path_factory.mktemp("by_spark") / "1"
    with trained(Asked([export], None, None, folder, NOW), settings, Silent()) as (read, snapshot):
        write_snapshot(snapshot, folder)
    return Trained(read, load_snapshot(folder), folder)


@pytest.fixture(scope="session")
def by_one_machine(export: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The shop as this program learns it alone."""
    folder, read = tmp_path_factory.mktemp("by_one_machine") / "1", read_orders([export], settings)
    write_snapshot(train(read, settings, now=NOW, progress=Silent()), folder)
    return Trained(read, load_snapshot(folder), folder)
