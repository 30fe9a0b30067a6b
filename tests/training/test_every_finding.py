from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from recommender.data.findings import ODDITIES, Finding
from recommender.errors import DataError
from recommender.training.settings import load_settings
from recommender.training.sources import ReadOrders, read_orders
from tests.training.every_finding import CASES, HEADER, PLAIN, SMALL_SHOP, Case, csv

NOW = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())


def read(case: Case, folder: Path) -> ReadOrders:
    """The case's files written, and read with its settings; lines put aside go to aside.parquet."""
    orders = folder / "orders"
    orders.mkdir()
    for name, text in case.orders.items():
        (orders / name).write_text(text)
    (folder / "cartlift.toml").write_text(case.settings)
    if case.items is not None:
        (folder / "items.csv").write_text(case.items)
    return read_orders(
        [orders],
        load_settings(folder / "cartlift.toml"),
        items=folder / "items.csv" if case.items is not None else None,
        quarantine=folder / "aside.parquet",
        now=NOW,
    )


def beside_its_size(result: ReadOrders) -> list[Finding]:
    """What is odd beside that the shop is so small."""
    return [finding for finding in result.findings if finding.code not in SMALL_SHOP]


@pytest.mark.parametrize("code", CASES)
def test_a_finding_has_its_count_and_its_example(code, tmp_path):
    case = CASES[code]
    result = read(case, tmp_path)
    finding = result.findings.get(code)
    assert finding is not None, f"found only {[f.code for f in result.findings]}"
    first = finding.examples[0]
    assert (finding.count, (first.file, first.row, first.value)) == (case.count, case.example)
    assert 0 < finding.share <= 1


@pytest.mark.parametrize("code", CASES)
def test_lines_are_kept_or_stand_in_quarantine_under_their_reason(code, tmp_path):
    case = CASES[code]
    result = read(case, tmp_path)
    assert len(result.orders) == case.kept and result.lines == case.kept + result.quarantined
    aside = pl.read_parquet(tmp_path / "aside.parquet")
    assert len(aside) == result.quarantined
    assert set(aside["reason"]) <= {code}


def test_an_ordinary_shop_has_no_findings(tmp_path):
    bought = (
        f"{n},customer {n % 30},item {n % 12},1,2.50,2024-0{1 + n % 6}-{1 + n % 28:02} {n % 24:02}:00"
        for n in range(120)
    )
    plain = Case({"a.csv": csv(*bought)}, 0, ("", 0, ""), 120)
    assert list(read(plain, tmp_path).findings) == []


def test_every_finding_is_tested():
    assert {oddity.code for oddity in ODDITIES} - set(CASES) == {
        "missing_column",
        "guessed_encoding",
        "private_customer",
    }


def test_a_missing_column_stops_and_names_the_likely_one(tmp_path):
    wrong = Case(
        {"a.csv": csv(PLAIN, header=HEADER.replace("customer_id", "Customer ID"))}, 0, ("", 0, ""), 0
    )
    with pytest.raises(DataError, match=r"a\.csv: missing_column: .*customer_id \(is it 'Customer ID'\?\)"):
        read(wrong, tmp_path)


def test_a_guessed_encoding_is_told(tmp_path):
    (tmp_path / "old.csv").write_bytes((HEADER + ",title\n" + PLAIN + ",Rosé\n").encode("cp1252"))
    result = read_orders([tmp_path / "old.csv"], load_settings(), now=NOW)
    (finding,) = beside_its_size(result)
    assert (finding.code, finding.count, finding.unit) == ("guessed_encoding", 1, "files")
    assert result.catalog.title == ("Rosé",)


def test_a_guessed_encoding_of_the_item_file_is_told_too(tmp_path):
    (tmp_path / "orders.csv").write_text(csv(PLAIN))
    (tmp_path / "items.csv").write_bytes("item_id,title\ntea,Rosé\n".encode("cp1252"))
    result = read_orders([tmp_path / "orders.csv"], load_settings(), items=tmp_path / "items.csv", now=NOW)
    (finding,) = beside_its_size(result)
    assert (finding.code, finding.count, finding.share) == ("guessed_encoding", 1, 0.5)
    assert finding.examples[0].file == "items.csv"


def test_ids_taken_as_one_are_told_so(tmp_path):
    settings = "[cleaning]\nfold_customer_case = true"
    shop = Case({"a.csv": csv(PLAIN, "2,ANN ,tea,1,2.50,2024-01-02")}, 0, ("", 0, ""), 2, settings)
    finding = read(shop, tmp_path).findings.get("customer_id_blanks")
    assert finding is not None and finding.action == "blanks taken off"


def test_not_sold_lately_is_what_the_settings_say_is_not_recommended(tmp_path):
    rows = [
        PLAIN,
        "2,ann,jam,1,2.50,2024-01-08",
        "3,ann,tea,1,2.50,2024-01-09",
        "4,ann,tea,-1,2.50,2024-01-09",
    ]
    shop = Case({"a.csv": csv(*rows)}, 0, ("", 0, ""), 4, "[lists]\nretired_after_days = 7.5")
    finding = read(shop, tmp_path).findings.get("not_sold_lately")
    assert finding is not None and finding.count == 1
    # The tea of the 9th was sent back.
    assert finding.examples[0].value == "tea: last sold 2024-01-01"
    assert finding.action == "kept in the history, not recommended: not sold for more than 7.5 days"


def test_a_line_with_several_reasons_counts_in_each_finding_and_is_put_aside_under_the_first(tmp_path):
    worst = Case(
        {"a.csv": csv(PLAIN, "2,ann,POST,0,-1,2030-01-01")},
        0,
        ("", 0, ""),
        1,
        "cleaning.non_product = 'POST'",
    )
    result = read(worst, tmp_path)
    assert {finding.code for finding in beside_its_size(result)} == {
        "future_date", "non_product", "zero_quantity", "negative_price",
    }  # fmt: skip
    assert pl.read_parquet(tmp_path / "aside.parquet")["reason"].to_list() == ["future_date"]
