from dataclasses import replace

import numpy as np
import pytest

from recommender.data.catalog import Catalog
from recommender.errors import ConfigError
from recommender.ranking.item_traits import ItemTraits
from recommender.ranking.likeness import Likeness
from tests.ranking.item_traits import traits_of
from tests.shops import history_of

LINES = [
    ("o1", "ann", "cup", 1.0, 10),
    ("o2", "bob", "cup", 1.0, 40),
    ("o2", "bob", "pot", 2.0, 40),
    ("o3", "bob", "cup", 1.0, 50),
    ("o4", None, "tin", 1.0, 95),
]


NONE_NEW = np.zeros(3, bool)


def traits(*, newcomers=NONE_NEW, **columns):
    history = history_of(LINES, 100)
    catalog = replace(Catalog.unknown(history.items), **columns)
    return ItemTraits.of(catalog, history.interactions(np.inf), newcomers=newcomers)


def test_categories_and_brands_are_numbered_by_name_and_unknown_ones_are_none():
    found = traits(category=("tea", None, "tea"), brand=("b", "a", "b"))
    assert found.category.tolist() == [0, -1, 0]
    assert found.brand.tolist() == [1, 0, 1]


def test_buyers_are_customers_once_each_and_one_more_than_there_are():
    # Both customers bought the cup, one the pot; the tin was bought by a guest, who is nobody known.
    assert traits().buyers.tolist() == pytest.approx([3 / 3, 2 / 3, 1 / 3])


def test_what_is_new_is_told_to_it():
    assert traits(newcomers=np.array([True, False, False])).is_new.tolist() == [True, False, False]


def test_variants_come_from_the_column_asked_for():
    catalog = replace(Catalog.unknown(history_of(LINES, 100).items), attributes={"style": ("s", "s", None)})
    found = ItemTraits.of(
        catalog, history_of(LINES, 100).interactions(np.inf), newcomers=NONE_NEW, variant_column="style"
    )
    assert found.variant.tolist() == [0, 0, -1]
    with pytest.raises(ConfigError, match="no column 'size'"):
        ItemTraits.of(
            catalog, history_of(LINES, 100).interactions(np.inf), newcomers=NONE_NEW, variant_column="size"
        )


def test_traits_of_unequal_length_or_without_buyers_are_refused():
    with pytest.raises(ValueError, match="one entry an item"):
        traits_of(3, category=[0, 1])
    with pytest.raises(ValueError, match="above 0"):
        traits_of(2, buyers=[0.5, 0.0])


def test_likeness_is_the_mean_of_what_the_shop_tells():
    items = traits_of(
        4, category=[0, 0, 1, 1], brand=[0, 0, 0, -1], factors=[[3, 4], [4, 3], [-3, -4], [0, 0]]
    )
    alike = Likeness.of(items).among(np.arange(4)[None, :])[0]
    # Half of the items share the category, three quarters the brand; the cosine of (3, 4) and (4, 3) is .96.
    assert alike[0, 1] == pytest.approx((0.5 + 0.25 + 0.96) / 3, abs=1e-3)
    assert alike[0, 2] == pytest.approx(0.25 / 3)
    assert alike[2, 3] == pytest.approx(0.5 / 3)
    assert np.array_equal(alike, alike.T)


def test_what_the_shop_does_not_tell_is_left_out_of_the_mean():
    alike = Likeness.of(traits_of(4, category=[0, 0, 1, 2])).among(np.array([[0, 1, 2]]))[0]
    assert alike[0].tolist() == [0.5, 0.5, 0.0]
    assert Likeness.of(traits_of(2)).among(np.array([[0, 1]])).tolist() == [[[0, 0], [0, 0]]]
