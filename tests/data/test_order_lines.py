from datetime import UTC, datetime

import polars as pl
import pytest

from recommender.data.columns import OrderColumns
from recommender.data.order_lines import LINE_SCHEMA, LineFormat, order_lines
from recommender.errors import DataError

MORNING = int(datetime(2024, 1, 1, 8, tzinfo=UTC).timestamp())
LINE = {
    "order_id": "1", "customer_id": "ann", "item_id": "tea", "quantity": "2", "unit_price": "2.50",
    "ordered_at": "2024-01-01 08:00",
}  # fmt: skip


def lines(*rows, form=None, schema=None):
    raw = pl.DataFrame(rows, schema=schema).lazy()
    return order_lines(raw, 3, form or LineFormat(), where="shop.csv").collect()


def columns(**names):
    return LineFormat(columns=OrderColumns(**{name: tuple(given) for name, given in names.items()}))


def test_a_line_of_text_is_read():
    read = lines(LINE)
    assert read.schema == pl.Schema(LINE_SCHEMA)
    assert read.row(0, named=True) == {
        **dict.fromkeys(LINE_SCHEMA), "file": 3, "row": 1, "order_id": "1", "customer_id": "ann",
        "item_id": "tea", "quantity": 2.0, "unit_price": 2.5, "ordered_at": MORNING,
    }  # fmt: skip


def test_typed_columns_say_the_same():
    typed = {
        "order_id": 1, "customer_id": "ann", "item_id": "tea", "quantity": 2, "unit_price": 2.5,
        "ordered_at": datetime(2024, 1, 1, 8),
    }  # fmt: skip
    assert lines(typed).equals(lines(LINE))


def test_rows_are_numbered_from_one_and_blank_rows_only_leave_a_gap():
    assert lines(LINE, dict.fromkeys(LINE), LINE)["row"].to_list() == [1, 3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"order_id": " "}, "no order_id"),
        ({"item_id": None}, "no item_id"),
        ({"quantity": ""}, "no quantity"),
        ({"quantity": "two"}, "quantity two"),
        ({"unit_price": "much"}, "unit_price much"),
        ({"ordered_at": "soon"}, "ordered_at soon"),
        ({"ordered_at": None}, "no ordered_at"),
    ],
)
def test_what_cannot_be_read_is_said(change, said):
    assert lines(LINE, {**LINE, **change})["unreadable"].to_list() == [None, said]


def test_a_guest_or_an_unknown_price_is_not_unreadable():
    assert lines({**LINE, "customer_id": "", "unit_price": ""})["unreadable"].to_list() == [None]


def test_texts_that_mean_no_value_are_none():
    read = lines({**LINE, "customer_id": "NULL", "unit_price": "\\N"})
    assert (read["customer_id"][0], read["unit_price"][0], read["unreadable"][0]) == (None, None, None)


def test_nan_is_no_value():
    read = lines({**LINE, "customer_id": float("nan"), "unit_price": float("nan")})
    assert (read["customer_id"][0], read["unit_price"][0], read["unreadable"][0]) == (None, None, None)


def test_a_line_total_is_divided_by_the_quantity():
    total = {**LINE, "line_total": "7"}
    del total["unit_price"]
    read = lines(total, {**total, "quantity": "0"})
    assert read["unit_price"].to_list() == [3.5, None]


def test_a_unit_price_goes_before_a_line_total():
    both = {**LINE, "line_total": "7"}
    assert lines(both, {**both, "unit_price": ""})["unit_price"].to_list() == [2.5, 3.5]


def test_without_a_quantity_column_every_line_is_one_unit():
    once = {name: value for name, value in LINE.items() if name != "quantity"}
    assert lines(once, form=columns(quantity=[]))["quantity"].to_list() == [1.0]


def test_without_a_customer_column_everybody_is_a_guest():
    assert lines(LINE, form=columns(customer_id=[]))["customer_id"].to_list() == [None]


def test_of_several_columns_the_first_with_a_value_counts():
    form = columns(item_id=["sku", "name"])
    rows = [
        {**LINE, "sku": "T1", "name": "Tea"},
        {**LINE, "sku": " ", "name": "Jam"},
        {**LINE, "sku": None, "name": None},
    ]
    assert lines(*rows, form=form)["item_id"].to_list() == ["T1", "Jam", None]


def test_values_of_the_order_are_filled_down_within_the_order():
    first = {**LINE, "status": "paid"}
    later = {**LINE, "item_id": "jam", "customer_id": "", "ordered_at": "", "status": ""}
    other = {**LINE, "order_id": "2", "customer_id": "", "status": ""}
    read = lines(first, later, other, form=LineFormat(order_once=True))
    assert read["customer_id"].to_list() == ["ann", "ann", None]
    assert read["ordered_at"].to_list() == [MORNING] * 3
    assert read["status"].to_list() == ["paid", "paid", None]


def test_decimal_commas_formats_and_zones_are_as_the_shop_says():
    form = LineFormat(decimal=",", timestamp_format="%d.%m.%Y %H:%M", zone="Europe/Berlin")
    read = lines({**LINE, "unit_price": "1.002,50", "ordered_at": "01.01.2024 09:00"}, form=form)
    assert (read["unit_price"][0], read["ordered_at"][0]) == (1002.5, MORNING)


def test_further_texts_come_along():
    read = lines(
        {**LINE, "title": "Tea", "category": "drinks", "currency": "EUR", "channel": "", "country": "FR"}
    )
    assert read.select("title", "category", "currency", "channel", "country").row(0) == (
        "Tea", "drinks", "EUR", None, "FR",
    )  # fmt: skip


def test_a_missing_column_is_refused_with_the_files_name():
    with pytest.raises(DataError, match=r"shop\.csv: missing_column: no 'quantity' for quantity"):
        lines({name: value for name, value in LINE.items() if name != "quantity"})


def test_lists_are_refused_with_the_names_of_file_and_column():
    with pytest.raises(DataError, match=r"shop\.csv: column 'item_id' for item_id holds lists or structs"):
        lines({**LINE, "item_id": ["tea"]})


def test_without_quantities_and_prices_a_line_is_one_unit_of_unknown_price():
    bare = {name: LINE[name] for name in ("order_id", "customer_id", "item_id", "ordered_at")}
    read = lines(bare, form=columns(quantity=[], unit_price=[], line_total=[]))
    assert read.select("quantity", "unit_price", "unreadable").row(0) == (1.0, None, None)
