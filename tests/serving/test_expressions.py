"""What filters and boosts may say, and how they are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.serving.expressions import MOST_BOOST, ExpressionRefused, expression
from recommender.snapshot.encoding import ItemRecord

TEA = ItemRecord("tea", title="Green tea", category="food", brand="Leaf", price=3.5)
BREAD = ItemRecord("Käse/Brot 50%", title="Cheese bread")


@pytest.mark.parametrize(
    ("text", "of_tea", "of_bread"),
    [
        ("item.price < 20", 1, 0),
        ("item.price >= 3.5", 1, 0),
        ("!(item.price < 20)", 0, 1),
        ('item.category == "food"', 1, 0),
        ('item.category == ""', 0, 1),
        ('item.brand in ["Leaf", "Root"] && item.price < 4', 1, 0),
        ('item.title.matches("(?i)BREAD")', 0, 1),
        ('item.title.contains("tea") || item.id.startsWith("Käse")', 1, 1),
        ("size(item.title) > 10", 0, 1),
        ('item.title.contains(".all(")', 0, 0),
    ],
)
def test_a_filter_says_of_an_item_whether_it_holds(text, of_tea, of_bread):
    held = expression(text, "filter")
    assert (held.of(TEA), held.of(BREAD)) == (of_tea, of_bread)


@pytest.mark.parametrize(
    ("text", "of_tea", "of_bread"),
    [
        ('item.brand == "Leaf" ? 1.5 : 1.0', 1.5, 1.0),
        ('item.brand == "Leaf" ? 2 : 1', 2.0, 1.0),
        ("item.price * 2.0", 7.0, 1.0),
        ("1.0 - item.price", 0.0, 1.0),
        ("item.price / 0.0", 1.0, 1.0),
        ("item.price * 1000000.0", MOST_BOOST, 1.0),
    ],
)
def test_a_boost_is_a_factor_within_bounds(text, of_tea, of_bread):
    factor = expression(text, "boost")
    assert (factor.of(TEA), factor.of(BREAD)) == (of_tea, of_bread)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("item.price <", "filter", "at character 13: Syntax error"),
        ('item.colour == "red"', "filter", "at character 5: undeclared reference to 'item.colour'"),
        ('item.categoryy == "food"', "filter", "did you mean item.category?"),
        (
            "weather > 3",
            "filter",
            "known are item.id, item.title, item.category, item.brand, item.price, item.stock",
        ),
        ('item.title == "a" &&\nitem.brand = "b"', "filter", "at character 33: Syntax error"),
        ("item.title + 1", "filter", "at character 12: found no matching overload"),
        ("item.price", "filter", "must give true or false, and gives double"),
        ('item.title == "a"', "boost", "must give a number, and gives bool"),
        ("item.price * 2", "boost", "mind that 2 and 2.0 do not multiply"),
        ("[1, 2].all(x, x > 0)", "filter", "at character 8: all() goes through a list"),
        ('"\\"".contains("a") && ["a"] . exists (x, x == item.id)', "filter", "exists() goes through a list"),
        ("(" * 200 + "true" + ")" * 200, "filter", "recursion limit"),
        ("true" + " " * 1_000, "filter", "must be at most 1000 characters, got 1004"),
        ("", "filter", "at character 1: Syntax error"),
        ('timestamp(item.id) > timestamp("2020-01-01T00:00:00Z")', "filter", "fails on any item"),
    ],
)
def test_what_means_nothing_is_refused_with_the_place_and_the_remedy(text, kind, said):
    with pytest.raises(ExpressionRefused) as refused:
        expression(text, kind)
    assert said in str(refused.value)


def test_a_regular_expression_that_backtracks_elsewhere_ends():
    endless = ItemRecord("a", title="a" * 250 + "!")
    assert expression('item.title.matches("^(a+)+$")', "filter").of(endless) == 0


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_refused(text):
    try:
        assert expression(text, "filter").of(BREAD) in (0, 1)
    except ExpressionRefused as refused:
        assert str(refused)


WORDS = [
    "item.price",
    "item.title",
    "item.id",
    "<",
    "==",
    "+",
    "?",
    ":",
    "1",
    "2.5",
    '"a"',
    "(",
    ")",
    "!",
    "-",
]
WORDS += [
    "&&",
    "in",
    "[",
    "]",
    ",",
    "null",
    "true",
    ".matches",
    ".size()",
    "*",
    "/",
    "%",
    "double",
    "int",
    "{",
    "}",
]


@given(st.lists(st.sampled_from(WORDS), max_size=12), st.sampled_from(["filter", "boost"]))
def test_any_row_of_words_is_an_expression_within_bounds_or_refused(words, kind):
    try:
        value = expression(" ".join(words), kind).of(TEA)
    except ExpressionRefused:
        return
    assert value in (0, 1) if kind == "filter" else 0 <= value <= MOST_BOOST
