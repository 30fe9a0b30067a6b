"""Texts in alphabetical order, by numbers made of their bytes."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.text_order import bytes_of, text_order

NEAR = st.text(st.sampled_from("a\0\N{LATIN SMALL LETTER SHARP S}\N{GRINNING FACE}9"), max_size=20)
"""Texts that often begin alike, and of which one is often the beginning of another."""


def in_order(texts):
    return pl.Series(texts, dtype=pl.String).gather(text_order(pl.Series(texts, dtype=pl.String))).to_list()


def test_numbers_of_orders_are_sorted_as_text():
    assert in_order(["O10", "O9", "O1", "O100"]) == ["O1", "O10", "O100", "O9"]


def test_what_differs_only_after_many_letters_is_told_apart():
    alike = [f"{shop}-2024-0000{number}" for number in (3, 1, 2) for shop in ("b", "a")]
    assert in_order(alike) == sorted(alike)


@given(st.lists(NEAR | st.text(), unique=True))
def test_texts_stand_in_the_order_of_python(texts):
    assert in_order(texts) == sorted(texts)


def test_bytes_stand_one_after_another():
    data, ends = bytes_of(pl.Series(["tea", "\u00e9", ""]))
    assert data == "tea\u00e9".encode()
    assert ends.tolist() == [3, 5, 5]
