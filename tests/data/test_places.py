"""Where orders went, read from their lines."""

import polars as pl
import pytest

from recommender.data.places import NOWHERE, Places


def places(*lines, n_orders):
    frame = pl.DataFrame(lines, schema={"order": pl.Int32, "country": pl.String}, orient="row")
    found = Places.of_lines(frame.with_columns(pl.col("country").cast(pl.Categorical())), n_orders)
    return [found.names[at] if at != NOWHERE else None for at in found.of_order]


def test_every_order_has_the_place_of_its_lines():
    assert places((0, "France"), (0, "France"), (1, "Japan"), n_orders=2) == ["France", "Japan"]


def test_an_order_whose_lines_say_nothing_is_nowhere():
    assert places((1, "Japan"), (2, None), (3, "  "), n_orders=4) == [None, "Japan", None, None]


def test_of_several_places_the_most_frequent_counts_and_of_equals_the_first_in_the_alphabet():
    mostly_japan = [(0, "France"), (0, "Japan"), (0, "Japan")]
    even = [(1, "Japan"), (1, "France")]
    assert places(*mostly_japan, *even, n_orders=2) == ["Japan", "France"]


def test_blanks_around_a_name_are_no_other_place():
    assert places((0, "France "), (1, "France"), n_orders=2) == ["France", "France"]


def test_a_shop_without_places():
    assert places((0, None), n_orders=1) == [None]
    assert places(n_orders=0) == []


def test_a_place_that_is_not_named_is_refused():
    with pytest.raises(ValueError, match="one of those named"):
        Places(of_order=pl.Series([1], dtype=pl.Int32).to_numpy(), names=("France",))
