from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.orders import COLUMNS
from recommender.errors import ConfigError, DataError
from recommender.training.settings import load_settings
from recommender.training.sources import read_orders
from tests.training.every_finding import SMALL_SHOP

NOW = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
HEADER = "order_id,customer_id,item_id,quantity,unit_price,ordered_at"


def write(folder, name, *rows, header=HEADER):
    file = Path(folder) / name
    file.write_text("\n".join((header, *rows)) + "\n")
    return file


def read(*files, **options):
    return read_orders(files, load_settings(), now=NOW, **options)


def same(one, other):
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.orders, one.customers, one.items) == (other.orders, other.customers, other.items)


class Steps:
    """A progress that remembers which steps there were."""

    def __init__(self):
        self.names = []

    def step(self, name, total=None):
        self.names.append(name)
        return nullcontext(lambda done: self.names.append(f"{done} of {total}"))


def test_progress_is_told_of_every_step(tmp_path):
    files = [write(tmp_path, name, "1,ann,tea,1,2.5,2024-01-01") for name in ("a.csv", "b.csv")]
    steps = Steps()
    read(*files, progress=steps)
    assert steps.names == ["Open orders", "Read orders", "1 of 2", "2 of 2", "Clean orders", "Sort orders"]


def test_csv_and_parquet_of_the_same_lines_give_the_same_log(tmp_path):
    file = write(tmp_path, "a.csv", "1,13085,007,2,2.5,2024-01-01", "2,,8,1,,2024-01-02T10:00:00Z")
    typed = pl.read_csv(file, schema_overrides={"item_id": pl.String}).with_columns(
        pl.col("customer_id").cast(pl.Float64),
        pl.Series("ordered_at", [datetime(2024, 1, 1), datetime(2024, 1, 2, 10)]),
    )
    typed.write_parquet(tmp_path / "a.parquet")
    from_csv, from_parquet = read(file).orders, read(tmp_path / "a.parquet").orders
    same(from_csv, from_parquet)
    assert (from_csv.customers.ids, from_csv.items.ids) == (("13085",), ("007", "8"))


lines = st.lists(
    st.tuples(
        st.sampled_from("123"), st.sampled_from(["ann", "bob", ""]), st.sampled_from(["tea", "jam"]),
        st.sampled_from(["1", "2", "-1"]), st.sampled_from(["1.5", ""]),
        st.sampled_from(["2024-01-01", "2024-01-02"]),
    ).map(",".join),
    min_size=1, max_size=10,
)  # fmt: skip


def purchase(*rows):
    """Something must be bought and not sent back for orders to be of use."""
    return ["0,cat,tea,1,1.0,2024-01-01", *rows]


@given(lines, st.data())
def test_the_order_of_rows_does_not_matter(rows, data):
    rows = purchase(*rows)
    with TemporaryDirectory() as folder:
        one = read(write(folder, "a.csv", *rows)).orders
        other = read(write(folder, "b.csv", *data.draw(st.permutations(rows)))).orders
    same(one, other)


@given(lines, st.data())
def test_overlapping_files_count_every_line_once(rows, data):
    rows = purchase(*rows)
    cut = data.draw(st.integers(1, len(rows)))
    overlap = data.draw(st.integers(0, cut))
    with TemporaryDirectory() as folder:
        whole = read(write(folder, "whole.csv", *rows))
        # Both files hold rows[overlap:cut], and equal lines may stand outside it, too: so count.
        first, second = rows[:cut], rows[overlap:]
        twice = read(write(folder, "a.csv", *first), write(folder, "b.csv", *second))
    most = {row: max(first.count(row), second.count(row)) for row in rows}
    assert len(twice.orders) == sum(most.values()) <= len(whole.orders) == len(rows)
    assert twice.findings.count("repeated_line") == len(first) + len(second) - sum(most.values())


@given(lines)
def test_no_line_is_lost_between_the_log_and_the_quarantine(rows):
    rows = purchase(*rows, "9,ann,,1,1,2024-01-01", "9,ann,tea,0,1,2024-01-01", "9,ann,tea,1,1,soon")
    with TemporaryDirectory() as folder:
        aside = Path(folder) / "aside.csv"
        result = read(write(folder, "a.csv", *rows), quarantine=aside)
        put_aside = pl.read_csv(aside, infer_schema=False)
    assert result.lines == len(rows) == len(result.orders) + result.quarantined
    assert sorted(map(int, put_aside["row"])) == list(range(len(rows) - 2, len(rows) + 1))
    assert [rows[int(row) - 1] for row in put_aside["row"]] == [
        ",".join(value or "" for value in line) for line in put_aside.select(HEADER.split(",")).iter_rows()
    ]


def test_lines_of_another_width_are_put_aside_with_what_they_had(tmp_path):
    file = write(
        tmp_path, "a.csv", "1,ann,tea,1,2.5,2024-01-01", "1,ann,jam", "1,ann,jam, plum,1,2.5,2024-01-01"
    )
    result = read(file, quarantine=tmp_path / "aside.parquet")
    (finding,) = (found for found in result.findings if found.code not in SMALL_SHOP)
    assert (finding.code, finding.count) == ("unreadable_row", 2)
    assert finding.examples[0].value == "3 values, not as many as the header"
    assert pl.read_parquet(tmp_path / "aside.parquet")["item_id"].to_list() == ["jam", "jam"]


def test_the_quarantine_holds_lines_of_files_with_other_columns(tmp_path):
    one = write(tmp_path, "a.csv", "1,ann,tea,1,2.5,2024-01-01", "1,ann,tea,0,2.5,2024-01-01")
    other = write(tmp_path, "b.csv", "2,ann,tea,0,2.5,2024-01-01,red", header=HEADER + ",colour")
    read(one, other, quarantine=tmp_path / "deep" / "aside.csv")
    assert (tmp_path / "deep" / "aside.csv").read_text() == (
        f"file,row,reason,{HEADER},colour\n"
        "a.csv,2,zero_quantity,1,ann,tea,0,2.5,2024-01-01,\n"
        "b.csv,1,zero_quantity,2,ann,tea,0,2.5,2024-01-01,red\n"
    )


def test_a_quarantine_of_nothing_is_a_file_without_rows(tmp_path):
    read(write(tmp_path, "a.csv", "1,ann,tea,1,2.5,2024-01-01"), quarantine=tmp_path / "aside.csv")
    assert (tmp_path / "aside.csv").read_text() == f"file,row,reason,{HEADER}\n"


def test_a_quarantine_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path):
    file = write(tmp_path, "a.csv", "1,ann,tea,1,2.5,2024-01-01")
    with pytest.raises(ConfigError, match=r"must end in \.parquet or \.csv"):
        read("none.csv", quarantine=tmp_path / "aside.xlsx")
    with pytest.raises(ConfigError, match=r"cannot write quarantine .*a\.csv/aside\.csv: File exists"):
        read("none.csv", quarantine=file / "aside.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match="it is a folder"):
        read("none.csv", quarantine=tmp_path / "folder.csv")


def test_the_letter_case_of_a_quarantines_ending_does_not_matter(tmp_path):
    file = write(tmp_path, "a.csv", "1,ann,tea,1,2.5,2024-01-01", "1,ann,tea,0,2.5,2024-01-01")
    read(file, quarantine=tmp_path / "aside.PARQUET")
    assert pl.read_parquet(tmp_path / "aside.PARQUET")["reason"].to_list() == ["zero_quantity"]


def test_on_a_full_disk_the_old_quarantine_stays_and_nothing_else_is_left(tmp_path, monkeypatch):
    def half_written(frame, path):
        Path(path).write_text("file,row,rea")
        raise OSError("No space left on device (os error 28)")

    file = write(tmp_path, "a.csv", "1,ann,tea,1,2.5,2024-01-01")
    (tmp_path / "aside.csv").write_text("of yesterday")
    monkeypatch.setattr(pl.DataFrame, "write_csv", half_written)
    with pytest.raises(ConfigError, match=r"cannot write quarantine .*aside\.csv: No space left on device"):
        read(file, quarantine=tmp_path / "aside.csv")
    assert (tmp_path / "aside.csv").read_text() == "of yesterday"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "aside.csv"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no order lines there"),
        (
            ["1,ann,tea,1,1,12/31/2024"],
            r"not one of 1 lines can be read; the first says 'ordered_at 12/31/2024'",
        ),
        (["1,ann,tea,0,1,2024-01-01"], "no purchase is left of 1 lines: zero_quantity 1"),
        (["1,ann,tea,-1,1,2024-01-01"], "no purchase is left of 1 lines: all are returns"),
    ],
)
def test_orders_that_cannot_be_used_are_refused_with_the_reason(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, "a.csv", *rows))


def test_what_explains_a_refusal_is_still_written(tmp_path):
    with pytest.raises(DataError):
        read(write(tmp_path, "a.csv", "1,ann,tea,0,1,2024-01-01"), quarantine=tmp_path / "aside.parquet")
    assert pl.read_parquet(tmp_path / "aside.parquet")["reason"].to_list() == ["zero_quantity"]


def test_without_a_moment_now_is_now(tmp_path):
    file = write(tmp_path, "a.csv", "1,ann,tea,1,1,2024-01-01", "1,ann,tea,1,1,2999-01-01")
    assert read_orders([file], load_settings()).findings.count("future_date") == 1


def test_sources_and_items_may_stand_in_the_settings(tmp_path):
    write(tmp_path, "a.csv", "1,ann,tea,1,1,2024-01-01")
    (tmp_path / "items.csv").write_text("sku;name\ntea;Green tea\n")
    (tmp_path / "cartlift.toml").write_text(
        f"""
        [source]
        orders = "{tmp_path}/a.csv"
        items = "{tmp_path}/items.csv"
        [source.item_columns]
        item_id = "sku"
        title = "name"
        """
    )
    result = read_orders([], load_settings(tmp_path / "cartlift.toml"), now=NOW)
    assert result.catalog.title == ("Green tea",)


def test_several_item_files_are_one(tmp_path):
    orders = write(tmp_path, "orders.csv", "1,ann,tea,1,1,2024-01-01", "1,ann,jam,1,1,2024-01-01")
    items = tmp_path / "items"
    items.mkdir()
    (items / "a.csv").write_text("item_id,title\ntea,Tea\n")
    (items / "b.csv").write_text("item_id,price\njam,7\n")
    catalog = read(orders, items=items).catalog
    assert catalog.title == (None, "Tea") and catalog.price.tolist() == [7, 1]


def test_a_line_whose_order_was_paid_meanwhile_is_still_the_same_line(tmp_path):
    header = HEADER + ",status"
    one = write(tmp_path, "a.csv", "1,ann,tea,1,1,2024-01-01,pending", header=header)
    other = write(tmp_path, "b.csv", "1,ann,tea,1,1,2024-01-01,paid", header=header)
    assert read(one, other).findings.count("repeated_line") == 1


def test_a_line_whose_item_was_renamed_meanwhile_is_still_the_same_line(tmp_path):
    header = HEADER + ",title"
    one = write(tmp_path, "a.csv", "1,ann,tea,1,1,2024-01-01,Tea", header=header)
    other = write(tmp_path, "b.csv", "1,ann,tea,1,1,2024-01-01,Green tea", header=header)
    assert read(one, other).findings.count("repeated_line") == 1


def test_until_a_moment_is_as_if_later_lines_had_not_been_written(tmp_path):
    early = ["1,ann,tea,1,1.0,2024-01-01,Tea", "2,,tea,1,1.5,2024-01-02,Tea"]
    late = [
        "3,bob,tea,1,9.0,2024-01-03,Renamed",
        "4,bob,tea,1,9.0,2024-01-04,Renamed",
        "5,bob,tea,1,9.0,2030-01-01,",
    ]
    whole = write(tmp_path, "whole.csv", *early, *late, header=HEADER + ",title")
    cut = write(tmp_path, "cut.csv", *early, header=HEADER + ",title")
    moment = int(datetime(2024, 1, 2, 23, 59, tzinfo=UTC).timestamp())
    known, written = read(whole, until=moment), read(cut)
    same(known.orders, written.orders)
    assert (known.lines, known.catalog.title, known.catalog.price.tolist()) == (2, ("Tea",), [1.5])
    assert [(f.code, f.count) for f in known.findings] == [(f.code, f.count) for f in written.findings]


def test_before_the_first_order_there_is_nothing_to_read(tmp_path):
    file = write(tmp_path, "a.csv", "1,ann,tea,1,1,2024-01-01", "1,ann,tea,1,1,soon")
    with pytest.raises(DataError, match="no order until then: the first one is of 2024-01-01 00:00:00 UTC"):
        read(file, until=0)


def moment(*date):
    return int(datetime(*date, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("cancelled", "settings_", "bought_until_then"),
    [
        ("2024-01-05 10:00", "", True),
        ("2024-01-05T10:00:00+01:00", "", True),
        ("2024-01-02 10:00", "", False),
        ("1704448800", "", True),
        ("yes", "", False),
        ("05.01.2024", "timestamp_format = '%d.%m.%Y'", True),
        ("02.01.2024", "timestamp_format = '%d.%m.%Y'", False),
    ],
)
def test_a_cancellation_after_the_moment_is_not_known_yet(tmp_path, cancelled, settings_, bought_until_then):
    day = "01.01.2024" if settings_ else "2024-01-01"
    rows = [f"1,ann,tea,1,1,{day},", f"2,bob,tea,1,1,{day},{cancelled}"]
    file = write(tmp_path, "a.csv", *rows, header=HEADER + ",cancelled_at")
    (tmp_path / "cartlift.toml").write_text(f"[source]\n{settings_}")
    form = load_settings(tmp_path / "cartlift.toml")
    then = read_orders([file], form, until=moment(2024, 1, 3), now=NOW)
    assert (then.orders.orders.ids == ("1", "2")) is bought_until_then
    assert then.findings.count("not_completed") == 1 - bought_until_then
    for later in (None, moment(2024, 1, 6)):
        assert read_orders([file], form, until=later, now=NOW).orders.orders.ids == ("1",)


def test_typed_times_of_cancellation_are_known_by_their_moment_too(tmp_path):
    local = pl.Series([None, datetime(2024, 1, 3, 0, 30)], dtype=pl.Datetime)
    at = local.dt.replace_time_zone("Europe/Berlin")
    text = write(tmp_path, "a.csv", "1,ann,tea,1,1,2024-01-01", "2,bob,tea,1,1,2024-01-01")
    pl.read_csv(text).with_columns(at.alias("cancelled_at")).write_parquet(tmp_path / "a.parquet")
    before, after = moment(2024, 1, 2, 23, 29), moment(2024, 1, 2, 23, 30)
    assert len(read(tmp_path / "a.parquet", until=before).orders) == 2
    assert len(read(tmp_path / "a.parquet", until=after).orders) == 1


def test_a_customer_is_the_same_in_files_that_write_numbers_differently(tmp_path):
    one = write(tmp_path, "a.csv", "1,17850.0,tea,1,1,2024-01-01", "2,walk-in,tea,1,1,2024-01-01")
    other = write(tmp_path, "b.csv", "3,17850,tea,1,1,2024-01-02")
    assert read(one, other).orders.customers.ids == ("17850", "walk-in")


def test_the_item_file_is_matched_whichever_way_it_writes_numbers(tmp_path):
    orders = write(tmp_path, "a.csv", "1,ann,13085,1,1,2024-01-01")
    (tmp_path / "items.csv").write_text("item_id,title\n13085.0,Tea\nPOST,Postage\n")
    assert read(orders, items=tmp_path / "items.csv").catalog.title == ("Tea",)


def test_folding_publishes_ids_as_the_shop_writes_them(tmp_path):
    rows = ["1,ann0@example.com,tea,1,1,2024-01-01", "2,ann0@example.com,TEA,1,1,2024-01-02"]
    file = write(tmp_path, "a.csv", *rows, "3,Ann0@Example.com ,tea ,1,1,2024-01-03")
    (tmp_path / "items.csv").write_text("item_id,title\nTea,Green tea\nCoal,Coal\n")
    (tmp_path / "cartlift.toml").write_text("[cleaning]\nfold_customer_case = true\nfold_item_case = true")
    form = load_settings(tmp_path / "cartlift.toml")
    result = read_orders([file], form, items=tmp_path / "items.csv", now=NOW)
    assert (result.orders.customers.ids, result.orders.items.ids) == (("ann0@example.com",), ("tea",))
    assert result.catalog.title == ("Green tea",) and result.findings.count("unknown_item") == 0
    never_sold = result.findings.get("never_sold")
    assert never_sold.count == 1 and never_sold.examples[0].value == "Coal"


def test_an_item_file_that_cannot_be_read_is_refused_by_name(tmp_path):
    orders = write(tmp_path, "a.csv", "1,ann,tea,1,1,2024-01-01")
    items = tmp_path / "items.parquet"
    pl.DataFrame({"item_id": [["tea"]], "title": ["Tea"]}).write_parquet(items)
    with pytest.raises(DataError, match=r"items\.parquet: column 'item_id' for item_id holds lists"):
        read(orders, items=items)
    pl.DataFrame({"item_id": [str(n) for n in range(5000)]}).write_parquet(items)
    damaged = bytearray(items.read_bytes())
    damaged[40:200] = bytes(160)
    items.write_bytes(damaged)
    with pytest.raises(DataError, match=r"^items\.parquet cannot be read: ") as refused:
        read(orders, items=items)
    assert "\n" not in str(refused.value)


def test_rows_of_several_item_files_are_counted_through_all_of_them(tmp_path):
    orders = write(tmp_path, "orders.csv", "1,ann,tea,1,1,2024-01-01")
    items = tmp_path / "items"
    items.mkdir()
    (items / "a.csv").write_text("item_id,title\ntea,Tea\n")
    (items / "b.csv").write_text("item_id,title\njam,Jam, plum\n")
    finding = read(orders, items=items).findings.get("misshapen_item")
    assert (finding.examples[0].file, finding.examples[0].row) == ("a.csv … b.csv", 2)


@pytest.mark.parametrize("where", ["orders.csv", "inside/aside.csv"])
def test_a_quarantine_file_among_the_orders_is_refused_before_anything_is_lost(tmp_path, where):
    (tmp_path / "inside").mkdir()
    orders = write(tmp_path, "orders.csv", "1,ann,tea,1,1,2024-01-01")
    inside = write(tmp_path / "inside", "orders.csv", "2,ann,tea,1,1,2024-01-01")
    before = orders.read_bytes()
    with pytest.raises(ConfigError, match="among the orders"):
        read_orders([orders, inside.parent], load_settings(), quarantine=tmp_path / where, now=NOW)
    assert orders.read_bytes() == before
    assert not (tmp_path / "inside" / "aside.csv").exists()
