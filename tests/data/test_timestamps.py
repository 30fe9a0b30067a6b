from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.timestamps import epoch_seconds, known_zone
from recommender.errors import ConfigError


def read(*texts, zone="UTC", timestamp_format=None):
    """What texts are read as: '2010-12-01 08:26:00' in UTC, or None."""
    seconds = epoch_seconds(pl.Series(texts, dtype=pl.String), zone=zone, timestamp_format=timestamp_format)
    return [
        None if s is None else datetime.fromtimestamp(s, UTC).strftime("%Y-%m-%d %H:%M:%S") for s in seconds
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2010-12-01 08:26:00",
        "2010-12-01T08:26:00",
        "2010-12-01 08:26",
        "2010/12/01 08:26",
        " 2010-12-01 08:26 ",
        "2010-12-1 8:26",
        "2010-12-01 08:26:00.500",
        "2010-12-01T08:26:00Z",
        "2010-12-01T08:26:00.123456Z",
        "2010-12-01 08:26:00 UTC",
        "2010-12-01 09:26:00+01:00",
        "2010-12-01 09:26:00 +0100",
        "2010-12-01 09:26+01",
        "2010-12-01 03:26:00 -0500",
        "2010-12-01 04:56:00-03:30",
        "1291191960",
        "1291191960000",
    ],
)
def test_iso_and_its_usual_variants_are_read(text):
    assert read(text) == ["2010-12-01 08:26:00"]


def test_a_date_alone_is_its_midnight():
    assert read("2010-12-01") == ["2010-12-01 00:00:00"]


@pytest.mark.parametrize(
    "text", ["", "  ", None, "soon", "2010-13-01", "2010-12-01 25:00", "12/1/2010 8:26", "0"]
)
def test_what_cannot_be_read_is_null_and_never_guessed(text):
    assert read(text) == [None]


def test_one_column_may_mix_variants():
    assert read("2010-12-01", "x", "2010-12-01T08:26:00Z", None, "1291191960") == [
        "2010-12-01 00:00:00", None, "2010-12-01 08:26:00", None, "2010-12-01 08:26:00",
    ]  # fmt: skip


def test_local_times_are_taken_in_their_zone():
    winter, summer = read("2010-12-01 08:26", "2010-07-01 08:26", zone="Europe/London")
    assert (winter, summer) == ("2010-12-01 08:26:00", "2010-07-01 07:26:00")


def test_a_time_with_its_own_zone_does_not_care():
    assert read("2010-07-01 08:26:00Z", zone="Europe/London") == ["2010-07-01 08:26:00"]


def test_an_hour_that_clocks_skip_is_the_hour_after_and_one_that_comes_twice_is_the_first():
    skipped, twice = read("2011-03-27 01:30", "2011-10-30 01:30", zone="Europe/London")
    assert (skipped, twice) == ("2011-03-27 01:30:00", "2011-10-30 00:30:00")  # 02:30 and 01:30 summer time


def test_a_format_of_the_shop_is_read_and_only_that():
    assert read("12/1/2010 8:26", "2010-12-01 08:26", timestamp_format="%m/%d/%Y %H:%M") == [
        "2010-12-01 08:26:00",
        None,
    ]
    assert read("01.12.2010", timestamp_format="%d.%m.%Y", zone="Europe/Berlin") == ["2010-11-30 23:00:00"]
    assert read("2010-12-01 09:26 +0100", timestamp_format="%Y-%m-%d %H:%M %z") == ["2010-12-01 08:26:00"]


MOMENT = datetime(2010, 12, 1, 8, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([datetime(2010, 12, 1, 8, 26)]),
        pl.Series([datetime(2010, 12, 1, 8, 26)], dtype=pl.Datetime("ns")),
        pl.Series([datetime(2010, 12, 1, 8, 26)], dtype=pl.Datetime("ms")),
        pl.Series([MOMENT.astimezone(ZoneInfo("Asia/Tokyo"))], dtype=pl.Datetime("us", "Asia/Tokyo")),
        pl.Series([1291191960]),
        pl.Series([1291191960.75]),
        pl.Series([1291191960000]),
    ],
    ids=str,
)
def test_typed_columns_need_no_reading(column):
    assert epoch_seconds(column).to_list() == [int(MOMENT.timestamp())]


def test_dates_are_local_midnights():
    assert epoch_seconds(pl.Series([date(2010, 7, 1)]), zone="Europe/London").to_list() == [
        int(datetime(2010, 6, 30, 23, tzinfo=UTC).timestamp())
    ]


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),
    st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters))),
)
def test_whatever_python_writes_as_iso_is_read_back(local, zone):
    moment = local.replace(microsecond=0, tzinfo=zone)
    assert epoch_seconds(pl.Series([moment.isoformat()])).to_list() == [int(moment.timestamp())]


@given(st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)))
def test_text_and_typed_columns_agree(local):
    local = local.replace(microsecond=0)
    text, typed = pl.Series([local.isoformat()]), pl.Series([local])
    assert epoch_seconds(text, zone="America/New_York").equals(epoch_seconds(typed, zone="America/New_York"))


def test_a_zone_that_is_none_is_refused_with_an_example():
    assert known_zone("Europe/London", "timezone") == "Europe/London"
    with pytest.raises(ConfigError, match=r"timezone: no time zone 'Europe/Londn'.*Europe/Berlin"):
        known_zone("Europe/Londn", "timezone")
