"""Order lines that were put aside, as the shop wrote them."""

import os
from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path

import polars as pl

from recommender.data.order_lines import ROW, numbered
from recommender.errors import ConfigError

from .tables import Table

_SUFFIXES = (".parquet", ".csv")


def prepare_quarantine(path: Path, inputs: Sequence[str | Path]) -> None:
    """Refuse a file that `write_quarantine` must not or could not write, before any work; make its folder.

    Args:
        path: where to.
        inputs: files, folders and globs that are read.

    Raises:
        ConfigError: neither Parquet nor CSV, one of the inputs or among them, or there can be no such file.
    """
    if any(_holds(str(source), path.resolve()) for source in inputs):
        raise ConfigError(f"quarantine {path} lies among the orders that are read: name a file elsewhere")
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"quarantine {path} must end in .parquet or .csv")
    if path.is_dir():
        raise ConfigError(f"cannot write quarantine {path}: it is a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write quarantine {path}: {error.strerror or error}") from error


def _holds(source: str, path: Path) -> bool:
    found = {Path(name).resolve() for name in (source, *glob(source, recursive=True))}
    return path in found or any(folder.is_dir() and path.is_relative_to(folder) for folder in found)


def write_quarantine(path: Path, aside: pl.DataFrame, tables: Sequence[Table]) -> None:
    """Write lines put aside, all their own columns as text, with file, row and reason before them.

    Args:
        path: as `prepare_quarantine` accepts it; replaced if there, whole or not at all.
        aside: `file` (position in `tables`), `row` (1-based) and `reason` of each line.
        tables: where the lines were read; read again here.

    Raises:
        ConfigError: the file cannot be written; nothing is left of it.
    """
    lines = pl.concat([*_lines(aside, tables)], how="diagonal")
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        if path.suffix.lower() == ".parquet":
            lines.write_parquet(unfinished)
        else:
            lines.write_csv(unfinished)
        os.replace(unfinished, path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ConfigError(
            f"cannot write quarantine {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _lines(aside: pl.DataFrame, tables: Sequence[Table]) -> Iterator[pl.DataFrame]:
    """The lines put aside of each table, in its order."""
    yield pl.DataFrame(schema={"file": pl.String, "row": pl.UInt32, "reason": pl.String})
    for file, table in enumerate(tables):
        reasons = aside.filter(pl.col("file") == file).select("row", pl.col("reason").cast(pl.String))
        # Lists and structs have no text that a CSV file could hold.
        own = [name for name, dtype in table.frame.collect_schema().items() if not dtype.is_nested()]
        lines = (
            numbered(table.frame)
            .with_columns(pl.col(ROW).cast(pl.UInt32))
            .join(reasons.lazy(), left_on=ROW, right_on="row", maintain_order="left")
            .select(
                pl.lit(table.name).alias("file"),
                pl.col(ROW).alias("row"),
                "reason",
                *(
                    pl.col(name).cast(pl.String, strict=False)
                    for name in own
                    if name not in ("file", "row", "reason")
                ),
            )
        )
        yield lines.collect(engine="streaming")
