import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.amounts import amounts, id_text


def read(*texts, decimal="."):
    return amounts(pl.Series(texts, dtype=pl.String), decimal=decimal).to_list()


def test_points_are_decimals_and_commas_group_thousands():
    assert read("1.5", "-2", "+3", "1,234.5", "1,234,567", "1e3", ".5") == [
        1.5,
        -2,
        3,
        1234.5,
        1234567,
        1000,
        0.5,
    ]


def test_with_a_decimal_comma_it_is_the_other_way_round():
    assert read("1,5", "-2", "1.234,5", "1.234", "1.234.567", decimal=",") == [1.5, -2, 1234.5, 1234, 1234567]


def test_currency_signs_and_blanks_are_passed_over():
    assert read("£3.50", "$ 4", " 5 ", "1 234.5", "6 €") == [3.5, 4, 5, 1234.5, 6]


@pytest.mark.parametrize(
    "text", ["", " ", None, "x", "1,5", "1,23,456", "12,34.5", "1.2.3", "inf", "nan", "--1"]
)
def test_what_is_no_number_is_null_never_another_number(text):
    assert read(text) == [None]


@pytest.mark.parametrize("text", ["1.5", "12.34,5", "1.23.456", "1,2,3"])
def test_a_point_that_groups_nothing_is_null_under_a_decimal_comma(text):
    assert read(text, decimal=",") == [None]


def test_typed_numbers_lose_only_what_is_infinite_or_none():
    assert amounts(pl.Series([1, None])).to_list() == [1.0, None]
    assert amounts(pl.Series([1.5, float("nan"), float("inf")])).to_list() == [1.5, None, None]


@given(st.decimals(-(10**9), 10**9, places=2))
def test_both_ways_to_group_and_point_read_alike(number):
    english = f"{number:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert read(english) == read(german, decimal=",") == [float(number)]


def ids(values, dtype=None):
    frame = pl.DataFrame({"id": pl.Series(values, dtype=dtype, strict=False)})
    return frame.select(id_text(pl.col("id"), frame.schema["id"])).to_series().to_list()


def test_whole_numbers_become_text_without_decimals():
    assert ids([13085, None], pl.Int32) == ["13085", None]
    assert ids([13085.0, None]) == ["13085", None]
    assert ids(["13085.00"], pl.Decimal(10, 2)) == ["13085"]


def test_text_is_kept_exactly():
    assert ids(["007", " A1 ", "x.0", "1.0"]) == ["007", " A1 ", "x.0", "1.0"]


def test_blank_text_is_no_id():
    assert ids(["", "  ", None, "a"]) == [None, None, None, "a"]


def test_text_that_was_floats_throughout_is_healed():
    assert ids(["13085.0", None, "7.0"]) == ["13085", None, "7"]


def test_other_numbers_stay_what_they_are():
    assert ids([1.5]) == ["1.5"]


@given(st.lists(st.integers(0, 2**53).map(float), min_size=1))
def test_floats_and_their_text_give_the_same_ids(numbers):
    written = [f"{number:.1f}" for number in numbers]
    assert ids(numbers) == ids(written) == [str(int(number)) for number in numbers]
