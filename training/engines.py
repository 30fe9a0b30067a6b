"""What does the work of a training: this program alone, or Apache Spark."""

import importlib.util
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol

from recommender.errors import ConfigError
from recommender.events.private_customers import NOTHING_ASKED, Standings
from recommender.snapshot.directory import Snapshot

from .progress import Progress
from .settings import Settings
from .sources import ReadOrders
from .sources.tables import Source

EngineName = Literal["local", "spark"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What Spark is to train on.

    Attributes:
        orders: files, folders and globs of order lines; without any, those of the settings.
        items: item file; without it, that of the settings, if any.
        until: seconds since 1970 UTC; later orders are passed over. None for all.
        snapshot: folder that the snapshot will be written to. Beside it stand the lines put aside, and while
            Spark works the parts of the snapshot: every executor must see its parent.
        now: moment of the training.
        master: where Spark runs; None leaves it to spark-submit, or takes every core of this machine.
        private: customers whose orders are left out.
    """

    orders: Sequence[Source]
    items: Source | None
    until: int | None
    snapshot: Path
    now: datetime
    master: str | None = None
    private: Standings = NOTHING_ASKED


class _SparkEngine(Protocol):
    def trained(
        self, asked: Asked, settings: Settings, progress: Progress
    ) -> AbstractContextManager[tuple[ReadOrders, Snapshot]]:
        """What was read and what was learned from it; the session ends with the context."""
        ...


def spark_engine() -> _SparkEngine:
    """The package that trains on Spark, which is loaded only by who asks for it.

    Raises:
        ConfigError: PySpark is not installed.
    """
    missing = [name for name in ("pyspark", "pyarrow", "pandas") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f"--engine spark needs {' and '.join(missing)}: pip install 'cartlift[spark]'")
    engine: _SparkEngine = import_module(".spark.pipeline", __package__)
    return engine
