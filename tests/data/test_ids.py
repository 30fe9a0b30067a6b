import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.ids import alike_in_all_files, as_bought, id_text


def ids(values, dtype=None, null_values=()):
    frame = pl.DataFrame({"id": pl.Series(values, dtype=dtype, strict=False)})
    return frame.select(id_text(pl.col("id"), frame.schema["id"], null_values)).to_series().to_list()


def test_whole_numbers_become_text_without_decimals():
    assert ids([13085, None], pl.Int32) == ["13085", None]
    assert ids([13085.0, None]) == ["13085", None]
    assert ids(["13085.00"], pl.Decimal(10, 2)) == ["13085"]


def test_text_is_kept_exactly():
    assert ids(["007", " A1 ", "x.0", "1.0"]) == ["007", " A1 ", "x.0", "1.0"]


def test_blank_text_is_no_id():
    assert ids(["", "  ", None, "a"]) == [None, None, None, "a"]


def test_what_means_no_value_is_no_id_and_does_not_keep_numbers_from_being_healed():
    assert ids(["a", "NULL", "NULL", "b"], null_values=["NULL"]) == ["a", None, None, "b"]
    assert ids(["7.0", "NULL", "8.0"], null_values=["NULL"]) == ["7", None, "8"]
    assert ids([7, 8], null_values=["7"]) == ["7", "8"]


def test_an_id_stays_with_its_lines():
    assert ids(["b", "b", "a", None, None, "b", " "]) == ["b", "b", "a", None, None, "b", None]
    assert ids([2.0, 2.0, float("nan"), 1.5, None, 2.0]) == ["2", "2", None, "1.5", None, "2"]
    assert ids([None, None], pl.Null) == [None, None]
    assert ids([], pl.String) == []


def test_text_that_was_floats_throughout_is_healed():
    assert ids(["13085.0", None, "7.0"]) == ["13085", None, "7"]


def test_other_numbers_stay_what_they_are():
    assert ids([1.5]) == ["1.5"]


@given(st.lists(st.integers(0, 2**53).map(float), min_size=1))
def test_floats_and_their_text_give_the_same_ids(numbers):
    written = [f"{number:.1f}" for number in numbers]
    assert ids(numbers) == ids(written) == [str(int(number)) for number in numbers]


def in_files(*files):
    """The ids of several files, made alike."""
    rows = [(file, id_) for file, given in enumerate(files) for id_ in given]
    schema = {"file": pl.UInt32, "customer_id": pl.Categorical}
    alike = alike_in_all_files(pl.DataFrame(rows, schema=schema, orient="row"), ["customer_id"])
    return alike["customer_id"].cast(pl.String).to_list()


def test_a_number_is_one_id_in_all_files_if_one_file_knows_only_whole_numbers():
    assert in_files(["17850.0", "walk-in"], ["17850", "12.0", None]) == [
        "17850", "walk-in", "17850", "12", None,
    ]  # fmt: skip


def test_point_zero_stays_where_no_file_has_only_numbers():
    assert in_files(["2.0", "beta"], ["2", "v1.0"]) == ["2.0", "beta", "2", "v1.0"]


def bought(*lines):
    """What one group of ids is called; lines are id, quantity and reason."""
    schema = {"given": pl.Categorical, "quantity": pl.Float32, "reason": pl.String}
    frame = pl.DataFrame(lines, schema=schema, orient="row")
    named = as_bought(
        frame.with_columns(pl.lit("TEA").cast(pl.Categorical()).alias("group")), "given", "group"
    )
    (name,) = named["group"].cast(pl.String).unique()
    return name


def test_a_group_of_ids_is_called_as_most_of_its_purchases_spell_it():
    assert bought(("tea", 1, None), ("tea ", 1, None), ("Tea", 1, None)) == "tea"


def test_of_equally_frequent_spellings_the_first_in_the_alphabet_counts():
    assert bought(("tea", 1, None), ("Tea", 1, None)) == "Tea"


def test_returns_and_lines_put_aside_have_no_say_in_the_spelling():
    assert bought(("tea", 1, None), ("TEA", -1, None), ("Tea", 1, "future_date"), ("TEA", -1, None)) == "tea"
