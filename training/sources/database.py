"""Order lines and items out of a shop's database."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Connection, CursorResult, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from recommender.errors import ConfigError, DataError

from .tables import Table

_BATCH = 100_000

_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql",
            "mariadb": "mariadb+pymysql"}  # fmt: skip
_EXTRAS = {"psycopg": "postgresql", "pymysql": "mysql"}
_NAMES = re.compile(r"(sqlite|postgres|mysql|mariadb)[\w+]*:")
_SECRET = re.compile(r"pass|secret|key|token", re.IGNORECASE)
_ESCAPED = (
    "special characters in its password must be percent-encoded: "
    "@ is %40, : is %3A, / is %2F, ? is %3F, % is %25"
)
_KEPT = (bool, int, float, str)


def is_database(source: str | Path) -> bool:
    """Whether a source is a database URL, or was meant for one, rather than a file."""
    return isinstance(source, str) and ("://" in source or _NAMES.match(source) is not None)


def open_query(url: str, query: str, *, name: str) -> Table:
    """The rows that a query selects, all of them in memory.

    Args:
        url: `postgresql://…`, `mysql://…` or `sqlite:///…`, as SQLAlchemy writes them.
        query: SQL that selects the rows.
        name: what to call the query in messages and findings.

    Raises:
        ConfigError: the URL is wrong, or its driver is not installed.
        DataError: the database cannot be reached, or refuses the query.
    """
    address = _address(url)
    _check_file(address)
    try:
        engine = create_engine(address)
    except ModuleNotFoundError as error:
        raise ConfigError(_missing_driver(address, error)) from error
    except (NoSuchModuleError, ArgumentError, TypeError, ValueError) as error:
        raise ConfigError(f"{_shown(address)}: {_reason(error, address)}") from None
    try:
        with engine.connect() as connection:
            return Table(name, _selected(connection, query).lazy())
    # Drivers refuse unknown arguments of a URL by a TypeError, and some values by a ValueError.
    except (SQLAlchemyError, TypeError, ValueError) as error:
        raise DataError(f"{_shown(address)}: {_reason(error, address)}") from None
    finally:
        engine.dispose()


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    # What they say repeats parts of the URL, which may be of the password.
    except (ArgumentError, ValueError):
        raise ConfigError(
            f"this is no database URL; write e.g. postgresql://user:password@host/shop; {_ESCAPED}"
        ) from None
    # A second @ means that a password has one, and the rest of it now passes for a host.
    if address.get_backend_name() != "sqlite" and url.count("@") > 1:
        raise ConfigError(f"this database URL has more than one @; {_ESCAPED}")
    return address.set(drivername=_DRIVERS.get(address.drivername, address.drivername))


def _check_file(address: URL) -> None:
    # SQLite would quietly make an empty database of a misspelt name.
    in_file = address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:")
    if in_file and not Path(str(address.database)).exists():
        raise DataError(f"no such file: {address.database}")


def _shown(address: URL) -> str:
    """Driver, host and database: users and passwords stand everywhere else."""
    database = (address.database or "").partition(";")[0]
    return f"{address.drivername}://{address.host or ''}/{database}"


def _missing_driver(address: URL, error: ModuleNotFoundError) -> str:
    extra = _EXTRAS.get(error.name or "")
    remedy = f"install cartlift[{extra}]" if extra else f"install {error.name}"
    return f"{_shown(address)}: the driver {error.name} is not installed: {remedy}"


def _reason(error: Exception, address: URL) -> str:
    """What the database said, in one line, without the query, the advertising link and any password."""
    said = str(getattr(error, "orig", None) or error).strip()
    line = said.splitlines()[0] if said else type(error).__name__
    for secret in _secrets(address):
        line = line.replace(secret, "***")
    return line


def _secrets(address: URL) -> list[str]:
    asked = [values for name, values in address.normalized_query.items() if _SECRET.search(name)]
    return [secret for secret in (address.password or "", *chain.from_iterable(asked)) if secret]


def _selected(connection: Connection, query: str) -> pl.DataFrame:
    # Colons in a query are casts and times, never parameters of ours.
    escaped = query.replace(":", "\\:")
    result = connection.execution_options(stream_results=True, max_row_buffer=_BATCH).execute(text(escaped))
    if not result.returns_rows:
        raise DataError("the query selects nothing: it must be a SELECT")
    names = list(result.keys())
    if len(set(names)) < len(names):
        raise DataError(f"the query selects two columns of one name: {', '.join(names)}; name them with AS")
    return _joined(names, [_batch(names, rows) for rows in _batches(result)])


def _batches(result: CursorResult[Any]) -> Iterator[Sequence[Sequence[Any]]]:
    yield from result.partitions(_BATCH)


def _batch(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    columns = zip(*rows, strict=True)
    return pl.DataFrame([_series(name, values) for name, values in zip(names, columns, strict=True)])


def _series(name: str, values: Sequence[Any]) -> pl.Series:
    """A column as the database types it if it is of one plain type; as text otherwise."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) == 1 and kinds <= set(_KEPT):
        return pl.Series(name, values, dtype=pl.Int64 if kinds == {int} else None)
    return pl.Series(name, [_text(value) for value in values], dtype=pl.String)


def _text(value: Any) -> str | None:
    """Dates as ISO 8601, decimals and UUIDs as they are written."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value)


def _joined(names: Sequence[str], batches: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All batches; a column whose type differs between them is text."""
    empty = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    if not batches:
        return empty
    types = {
        name: {batch[name].dtype for batch in batches if batch[name].null_count() < len(batch)}
        for name in names
    }
    casts = [
        pl.col(name).cast(kinds.pop() if len(kinds) == 1 else pl.String) for name, kinds in types.items()
    ]
    return pl.concat(batch.select(casts) for batch in batches)
