"""Lists of items that a worker keeps ready."""

import pytest

from recommender.serving import item_lists
from recommender.serving.item_lists import ItemLists
from tests.serving.served_shop import ServedShop, ids
from tests.serving.small_shop import publish, stored_list

LIST = "a list"  # what is kept is not looked into


@pytest.fixture
def few(monkeypatch) -> ItemLists:
    monkeypatch.setattr(item_lists, "_MOST_YOUNG", 2)
    return ItemLists()


def test_what_is_kept_is_found_by_its_key_and_row(few: ItemLists):
    few.put("similar:{tea}", b"row", LIST)
    assert few.row("similar:{tea}") == b"row"
    assert few.read("similar:{tea}", b"row") is LIST
    assert few.read("similar:{tea}", b"repaired") is None
    assert few.row("similar:{milk}") is None


def test_what_was_asked_for_the_longest_ago_is_let_go(few: ItemLists):
    for key in "abc":
        few.put(key, b"", LIST)
    assert few.row("a") == b""  # which makes it young again
    few.put("d", b"", LIST)
    few.put("e", b"", LIST)
    assert [few.row(key) is None for key in "ab"] == [False, True]


def test_a_new_snapshot_has_lists_of_its_own():
    shop = ServedShop()
    publish(shop.store)
    shop.follower.poll()
    assert ids(shop.get("/v1/items/tea/similar")) == ["honey", "milk"]
    publish(shop.store, "tuesday", {"similar:{tea}": stored_list(["milk"], "item_knn")})
    shop.follower.poll()
    assert ids(shop.get("/v1/items/tea/similar")) == ["milk"]
