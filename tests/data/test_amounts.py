import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.amounts import amounts


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
