"""Files, folders and globs of CSV and Parquet."""

from collections.abc import Iterable, Sequence
from glob import glob, has_magic
from pathlib import Path

import polars as pl

from recommender.errors import DataError

from ..source_settings import SourceSettings
from .csv_files import open_csv
from .tables import Source, Table

_CSV = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_PARQUET = (".parquet", ".pq")


def open_files(sources: Sequence[Source], settings: SourceSettings) -> list[Table]:
    """Every file that the sources name, each once, in the order given and folders by name.

    Raises:
        DataError: a source names no file, or a file cannot be read.
    """
    files = dict.fromkeys(file.resolve() for source in sources for file in files_of(source))
    names = _short_names(list(files))
    return [_open(file, name, settings) for file, name in zip(files, names, strict=True)]


def files_of(source: Source) -> list[Path]:
    """The files that a source names, in the order of their names.

    Raises:
        DataError: there is none.
    """
    path = Path(source)
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if _is_table(file))
    elif not path.exists() and has_magic(str(source)):
        found = [Path(file) for file in sorted(glob(str(source), recursive=True)) if Path(file).is_file()]
    elif path.exists():
        found = [path]
    else:
        raise DataError(f"no such file or folder: {source}")
    if not found:
        raise DataError(f"{source} holds no CSV or Parquet file")
    return found


def _is_table(file: Path) -> bool:
    return (
        file.is_file()
        and file.name.lower().endswith((*_CSV, *_PARQUET))
        and not file.name.startswith((".", "_"))
    )


def _short_names(files: Iterable[Path]) -> list[str]:
    """File names, with as many folders before them as it takes to tell them apart."""
    files = list(files)
    for depth in range(1, max((len(file.parts) for file in files), default=1) + 1):
        names = ["/".join(file.parts[-depth:]) for file in files]
        if len(set(names)) == len(names):
            return names
    return [str(file) for file in files]


def _open(file: Path, name: str, settings: SourceSettings) -> Table:
    if file.name.lower().endswith(_PARQUET):
        return _open_parquet(file, name)
    if file.name.lower().endswith(_CSV):
        return open_csv(file, name, settings)
    raise DataError(f"{name} is neither CSV ({', '.join(_CSV)}) nor Parquet ({', '.join(_PARQUET)})")


def _open_parquet(file: Path, name: str) -> Table:
    frame = pl.scan_parquet(file, glob=False)
    try:
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{name} is no readable Parquet file: {error}") from error
    return Table(name, frame)
