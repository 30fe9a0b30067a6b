"""Times of orders, whatever an export writes, as seconds since 1970 UTC."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from recommender.errors import ConfigError

_ISO_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d")
_ZONED = r"^(\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d{2}\S*?)\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
_EPOCH = r"^\d{9,10}(\d{3})?$"
_FIRST_MILLISECONDS = 100_000_000_000
_CLOCK_PARTS = ("%H", "%I", "%T", "%R", "%X", "%c", "%s", "%+", "%k", "%l")


def known_zone(name: str, where: str) -> str:
    """The name of an IANA time zone, checked.

    Raises:
        ConfigError: there is no such zone.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"{where}: no time zone {name!r}; write an IANA name such as 'Europe/Berlin'"
        ) from error
    return name


def epoch_seconds(column: pl.Series, *, zone: str = "UTC", timestamp_format: str | None = None) -> pl.Series:
    """Seconds since 1970 UTC of each value, int64; null where it is blank or cannot be read.

    Times that carry a zone are converted; others are local times in `zone`. An hour that occurs twice
    when clocks go back is its first occurrence; one that is skipped when they go forward counts as the
    hour after. Plain numbers are seconds since 1970, or milliseconds from 100,000,000,000 on.

    Args:
        column: times, dates, numbers or text.
        zone: IANA zone of times that carry none.
        timestamp_format: strptime format of text; without it, ISO 8601 and its usual variants.
    """
    if column.dtype == pl.Datetime:
        return _of_times(column, zone)
    if column.dtype == pl.Date:
        return _of_times(column.cast(pl.Datetime("us")), zone)
    if column.dtype.is_integer() or column.dtype.is_float():
        return _of_numbers(column)
    text = column.cast(pl.String).str.strip_chars()
    return _of_format(text, zone, timestamp_format) if timestamp_format else _of_iso(text, zone)


def _of_times(times: pl.Series, zone: str) -> pl.Series:
    carried = times.dtype.time_zone if isinstance(times.dtype, pl.Datetime) else None
    if carried is not None or zone == "UTC":
        return times.dt.epoch("s")
    return _localised(times, zone).dt.epoch("s")


def _localised(times: pl.Series, zone: str) -> pl.Series:
    there = times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    later = times.dt.offset_by("1h")
    return there.fill_null(later.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null"))


def _of_numbers(numbers: pl.Series) -> pl.Series:
    seconds = numbers.cast(pl.Int64, strict=False)
    milliseconds = seconds.abs() >= _FIRST_MILLISECONDS
    return seconds.zip_with(~milliseconds.fill_null(False), seconds // 1000)


def _of_format(text: pl.Series, zone: str, timestamp_format: str) -> pl.Series:
    return _of_times(_by_format(text, timestamp_format), zone)


def _by_format(text: pl.Series, timestamp_format: str) -> pl.Series:
    """Times of a strptime format, null where it does not fit; midnight where the format has no hour."""
    if any(part in timestamp_format for part in _CLOCK_PARTS):
        return text.str.to_datetime(timestamp_format, strict=False, time_unit="us")
    return text.str.to_date(timestamp_format, strict=False).cast(pl.Datetime("us"))


def _of_iso(text: pl.Series, zone: str) -> pl.Series:
    # Not any T: 'UTC' has one, too.
    plain = text.str.replace_all("/", "-", literal=True).str.replace(r"^([\d-]+)[Tt]", "${1} ")
    seconds = _of_times(_local_times(plain), zone)
    # Most exports are read by now; zones and plain numbers cost a second look only where they occur.
    for read_rest in (_of_zoned, _of_digits):
        unread = seconds.is_null() & text.is_not_null()
        if not unread.any():
            break
        seconds = seconds.scatter(unread.arg_true(), read_rest(plain.filter(unread)))
    return seconds


def _local_times(plain: pl.Series) -> pl.Series:
    """Local time of each text, null where no ISO format fits all of it."""
    times = pl.Series(plain.name, [None] * len(plain), dtype=pl.Datetime("us"))
    for timestamp_format in _ISO_FORMATS:
        unread = times.is_null() & plain.is_not_null()
        if not unread.any():
            break
        times = times.scatter(unread.arg_true(), _by_format(plain.filter(unread), timestamp_format))
    return times


def _of_zoned(plain: pl.Series) -> pl.Series:
    parts = plain.str.extract_groups(_ZONED)
    local, offset = parts.struct.field("1"), parts.struct.field("2")
    return _local_times(local).dt.epoch("s") - _offset_seconds(offset)


def _offset_seconds(offset: pl.Series) -> pl.Series:
    """East of Greenwich in seconds: '-0530' → -19800, 'Z' → 0."""
    digits = offset.str.replace_all(r"\D", "").str.pad_end(4, "0").cast(pl.Int64, strict=False).fill_null(0)
    seconds = (digits // 100) * 3600 + (digits % 100) * 60
    return seconds.zip_with(~offset.str.starts_with("-").fill_null(False), -seconds)


def _of_digits(plain: pl.Series) -> pl.Series:
    digits = plain.set(~plain.str.contains(_EPOCH).fill_null(False), None)
    return _of_numbers(digits.cast(pl.Int64, strict=False))
