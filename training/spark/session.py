"""A Spark session: the one that spark-submit gives, or one of our own on this machine."""

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from recommender.errors import ConfigError, DataError

OLDEST_JAVA = 17
LOCAL_MASTER = "local[*]"

_SHUFFLE_PARTITIONS = 4
"""On one machine: a shuffle of 200 parts, which is Spark's default, mostly waits for itself."""

_REFUSAL = re.compile(rf"^{DataError.__module__}\.{DataError.__name__}: (?P<said>.+)$", re.MULTILINE)
"""Last line of the traceback of a task, as Python writes it."""

_Conf = dict[str, bool | float | int | str | None]

_OF_OUR_OWN: _Conf = {
    "spark.app.name": "cartlift",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.memory": "4g",
    "spark.sql.shuffle.partitions": str(_SHUFFLE_PARTITIONS),
}
_ON_THIS_MACHINE: _Conf = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


@contextmanager
def spark_session(master: str | None = None) -> Iterator[SparkSession]:
    """A session to work in. One that is there already is used as it is, and left running.

    Args:
        master: where a session of our own runs, by default on every core of this machine.

    Raises:
        ConfigError: Java is missing or too old, or `master` is given to a session that is there already.
    """
    there = SparkSession.getActiveSession()
    with without_pandas():
        if there is not None or _is_submitted():
            if master is not None:
                raise ConfigError("--master is for spark-submit to say when spark-submit starts the training")
            yield there or SparkSession.builder.getOrCreate()
            return
        require_java()
        own = _started(master or LOCAL_MASTER)
        try:
            yield own
        finally:
            own.stop()


@contextmanager
def refusals_of_executors() -> Iterator[None]:
    """Refuse in the words in which a task refused: Spark makes an error of its own of them, and a traceback.

    Raises:
        DataError: a task raised one.
    """
    try:
        yield
    except PySparkException as error:
        said = _REFUSAL.search(str(error))
        if said is None:
            raise
        raise DataError(said["said"]) from error


@contextmanager
def without_pandas() -> Iterator[None]:
    """Without a warning of pandas 3: PySpark looks for pandas before it works on Arrow, and none is made."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def require_java() -> None:
    """Refuse to start without a Java that Spark 4 runs on.

    Raises:
        ConfigError: there is none, or it is too old.
    """
    found = java_version()
    if found is None or found < OLDEST_JAVA:
        said = "there is no Java" if found is None else f"the Java here is version {found}"
        raise ConfigError(
            f"Spark 4 runs on Java {OLDEST_JAVA} or newer, and {said}: install one "
            f"(Debian: apt-get install openjdk-{OLDEST_JAVA}-jre-headless) or point JAVA_HOME to it"
        )


def java_version() -> int | None:
    """Major version of the Java that Spark would start; None without one."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).is_file():
        return None
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    # Up to 8 the second number is what counts: 1.8.0.
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else None


def _is_submitted() -> bool:
    # spark-submit starts the JVM first, and says where it listens.
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _started(master: str) -> SparkSession:
    # Workers that Spark starts on this machine have to find the same packages.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = _OF_OUR_OWN | (_ON_THIS_MACHINE if master.startswith("local") else {})
    return SparkSession.builder.master(master).config(map=settings).getOrCreate()
