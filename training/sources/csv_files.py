"""CSV as shops write it: four delimiters, byte order marks, old encodings, gzip, broken rows."""

import codecs
import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import polars as pl

from recommender.errors import ConfigError, DataError

from ..source_settings import SourceSettings
from .csv_rows import has_misshapen, repaired
from .tables import Table

DELIMITERS = (",", ";", "\t", "|")
OLD_ENCODING = "cp1252"

_CHUNK = 1 << 20
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def open_csv(file: Path, name: str, settings: SourceSettings) -> Table:
    """One CSV file, every value as text; rows of another width than the header's are named as misshapen.

    polars reads the file wherever it can. Rows that are too long, and quotation marks inside plain values,
    make it stop; then Python's reader goes over the file, row by row, and keeps what can be kept.

    Raises:
        DataError: the file is empty, cannot be decoded or is no gzip.
        ConfigError: the settings name an encoding that Python does not know.
    """
    try:
        return _open(file, name, settings)
    except (OSError, EOFError, UnicodeError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{name} cannot be read: {str(error).splitlines()[0]}") from error


def _open(file: Path, name: str, settings: SourceSettings) -> Table:
    encoding = _encoding(file, settings.encoding)
    source = file if encoding == "utf-8" else _as_utf8(file, encoding)
    delimiter = settings.delimiter or _delimiter(source)
    guess = encoding if encoding == OLD_ENCODING and settings.encoding is None else None
    frame = pl.scan_csv(source, separator=delimiter, infer_schema=False, glob=False)
    columns = frame.collect_schema().names()
    if _reads_whole(frame, source, delimiter, columns):
        return Table(name, frame, guessed_encoding=guess)
    with _text(source) as lines:
        whole, misshapen = repaired(lines, columns, delimiter)
    return Table(name, whole.lazy(), misshapen, guessed_encoding=guess)


def _encoding(file: Path, wanted: str | None) -> str:
    """The encoding that the settings name; else by the file's mark; else UTF-8 if it is that."""
    if wanted is not None:
        try:
            return codecs.lookup(wanted).name
        except LookupError as error:
            raise ConfigError(
                f"encoding: there is no {wanted!r}; write e.g. 'utf-8' or 'windows-1252'"
            ) from error
    with _bytes(file) as stream:
        mark = _MARKS.get(stream.read(2))
    return mark or ("utf-8" if _is_utf8(file) else OLD_ENCODING)


def _is_utf8(file: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _bytes(file) as stream:
        try:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _bytes(file: Path) -> BinaryIO:
    zipped = file.name.lower().endswith(".gz")
    return cast(BinaryIO, gzip.open(file) if zipped else file.open("rb"))


def _as_utf8(file: Path, encoding: str) -> bytes:
    # A few bytes mean nothing in Windows-1252; they must not cost the other million lines.
    errors = "replace" if encoding == OLD_ENCODING else "strict"
    with _bytes(file) as stream:
        return stream.read().decode(encoding, errors).encode("utf-8")


def _text(source: Path | bytes) -> io.TextIOWrapper:
    opened = _bytes(source) if isinstance(source, Path) else io.BytesIO(source)
    return io.TextIOWrapper(opened, encoding="utf-8-sig", newline="")


def _delimiter(source: Path | bytes) -> str:
    """The delimiter that the header uses most, outside quotation marks; of equals, in the order listed."""
    with _text(source) as lines:
        header = next((line for line in lines if line.strip()), "")
    unquoted = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)


def _reads_whole(frame: pl.LazyFrame, source: Path | bytes, delimiter: str, columns: Sequence[str]) -> bool:
    """Whether polars reads the file and every row is as wide as the header."""
    try:
        # All columns must be parsed: it notices overlong rows only then.
        blanks = frame.select(pl.all().null_count()).collect(engine="streaming")
    except pl.exceptions.ComputeError:
        return False
    if blanks[columns[-1]][0] == 0:
        return True
    # A row that is too short reads as one with blank values at its end: only the slow way tells them apart.
    with _text(source) as lines:
        return not has_misshapen(lines, len(columns), delimiter)
