from datetime import UTC, datetime

import polars as pl
import pytest

from recommender.data.columns import ItemColumns
from recommender.data.item_rows import item_rows
from recommender.data.order_lines import LineFormat
from recommender.errors import DataError

FORM = LineFormat()


def rows(*items, columns=None, form=FORM, **options):
    return item_rows(pl.DataFrame(items), columns or ItemColumns(), form, where="items.csv", **options)


def test_an_item_is_read():
    item = {
        "item_id": "tea", "title": "Tea", "category": "drinks", "brand": "Leaf", "price": "2.50",
        "available": "yes", "released_at": "2024-01-01",
        "url": "https://shop.example/tea", "image_url": " ", "colour": "green",
    }  # fmt: skip
    read = rows(item)
    (row,) = read.frame.rows(named=True)
    assert row["item_id"] == "tea" and row["category"] == "drinks" and row["image_url"] is None
    assert (row["price"], row["available"]) == (2.5, True)
    assert row["released_at"] == int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
    assert read.attributes == ("colour",) and row["attribute_colour"] == "green"
    assert len(read.findings) == 0


def test_an_item_file_of_ids_alone_is_enough():
    (row,) = rows({"item_id": 13085.0}).frame.rows(named=True)
    assert (row["item_id"], row["title"], row["price"], row["available"]) == ("13085", None, None, None)


@pytest.mark.parametrize(
    ("given", "available"),
    [
        ("yes", True), ("TRUE", True), (" in stock ", True), ("12", True), ("0.5", True), (3, True),
        (True, True), ("no", False), ("False", False), ("out of stock", False), ("0", False), ("-2", False),
        (0, False),         (False, False), ("", None), (None, None),
    ],
)  # fmt: skip
def test_availability_is_yes_no_or_units_in_stock(given, available):
    read = rows({"item_id": "tea", "available": given})
    assert read.frame["available"].to_list() == [available]
    assert len(read.findings) == 0


def test_what_cannot_be_read_is_unknown_and_told():
    read = rows({"item_id": "tea", "price": "cheap", "available": "perhaps"})
    assert read.frame.select("price", "available").row(0) == (None, None)
    assert read.findings.get("unreadable_item").examples[0].value == "price cheap"


def test_the_first_row_of_an_item_counts():
    read = rows(
        {"item_id": "tea", "title": "Tea"},
        {"item_id": "tea", "title": "Other"},
        {"item_id": "", "title": "Ghost"},
    )
    assert read.frame.select("item_id", "title").rows() == [("tea", "Tea")]
    assert (read.findings.count("repeated_item"), read.findings.count("item_without_id")) == (1, 1)


def test_folding_makes_one_item_of_ids_that_differ_in_case_or_blanks():
    read = rows({"item_id": " tea"}, {"item_id": "TEA "}, fold=True)
    assert read.frame.select("group", "item_id").rows() == [("TEA", "tea")]


def test_numbers_are_known_by_the_id_that_order_lines_use():
    items = [{"item_id": "13085.0"}, {"item_id": "POST"}]
    assert rows(*items, numbers=True).frame["item_id"].to_list() == ["13085", "POST"]
    assert rows(*items).frame["item_id"].to_list() == ["13085.0", "POST"]


def test_a_row_that_is_not_as_wide_as_the_header_is_ignored_and_told():
    misshapen = pl.DataFrame({"row": [2], "values": [7]}, schema={"row": pl.UInt32, "values": pl.UInt32})
    read = rows({"item_id": "tea"}, {"item_id": "jam"}, misshapen=misshapen)
    assert read.frame["item_id"].to_list() == ["tea"]
    (finding,) = read.findings
    assert (finding.code, finding.count, finding.share) == ("misshapen_item", 1, 0.5)
    assert finding.examples[0].value == "7 values, not as many as the header"


def test_lists_in_a_column_that_is_needed_are_refused_by_its_name():
    with pytest.raises(DataError, match=r"items\.csv: column 'title' for title holds lists or structs"):
        rows({"item_id": "tea", "title": ["a", "b"]})


def test_an_attribute_may_be_called_like_a_column_that_another_one_holds():
    read = rows({"item_id": "tea", "name": "Tea", "title": "Dr"}, columns=ItemColumns(title=("name",)))
    assert read.frame["title"].to_list() == ["Tea"]
    assert read.attributes == ("title",) and read.frame["attribute_title"].to_list() == ["Dr"]


def test_lists_are_no_attributes():
    assert rows({"item_id": "tea", "tags": ["a", "b"], "colour": "green"}).attributes == ("colour",)


def test_texts_that_mean_no_value_are_none():
    (row,) = rows({"item_id": "tea", "title": "NULL", "price": "\\N", "colour": "NULL"}).frame.rows(
        named=True
    )
    assert (row["title"], row["price"], row["attribute_colour"]) == (None, None, None)
