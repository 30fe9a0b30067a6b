import msgspec
import pytest

from recommender.errors import SnapshotUnreadable, StoreUnavailable
from recommender.serving.live_snapshot import load_snapshot
from recommender.snapshot.encoding import encode_items, entry_key
from tests.serving.small_shop import (
    BEST_SELLERS,
    ITEMS,
    ODD_ID,
    UnreliableStore,
    manifest,
    publish,
    stored_list,
)


def _manifest(**changed) -> dict[str, bytes]:
    return {
        entry_key("manifest"): msgspec.json.encode(msgspec.structs.replace(manifest("monday"), **changed))
    }


def test_everything_but_the_lists_of_customers_and_items_is_in_memory():
    store = UnreliableStore()
    publish(store)
    live = load_snapshot(store, "monday")
    assert list(live.vocabulary.ids) == [item.item_id for item in ITEMS]
    assert set(live.best_sellers) == set(BEST_SELLERS)
    assert live.available.tolist() == [True, True, True, True, True, False, True]
    assert live.in_category("tools").tolist() == [False, False, False, True, True, True, False]
    assert not live.in_category("garden").any()
    assert [live.category_of(id_) for id_ in ("tea", ODD_ID, "unicorn")] == ["food", None, None]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({entry_key("manifest"): None}, "has no manifest"),
        ({entry_key("manifest"): b"{}"}, "has format None"),
        ({entry_key("manifest"): b'{"format":'}, "cannot be read"),
        (_manifest(format=99), "has format 99"),
        (_manifest(snapshot="sunday"), "calls itself sunday"),
        (_manifest(generated_at="yesterday"), "no RFC 3339 time"),
        (_manifest(generated_at="2026-11-20T04:00:00"), "no RFC 3339 time"),
        (_manifest(n_items=8), "has 7 items in its table and 8 in its manifest"),
        (_manifest(item_chunks=2), "lacks chunk 1"),
        (_manifest(categories=("garden",)), "lacks the best-seller list of 'garden'"),
        (_manifest(sources=()), "names a source that the manifest does not"),
        ({entry_key("items", "0"): b"damaged"}, "cannot be read"),
        ({entry_key("items", "0"): b"".join(encode_items([ITEMS[0]] * 7))}, "same id twice"),
        ({entry_key("best-sellers", ""): None}, "lacks its best sellers"),
        ({entry_key("best-sellers", ""): b"123"}, "is not whole"),
        (
            {entry_key("best-sellers", "food"): stored_list(("tea", "tea"), "als")},
            "holds an item twice",
        ),
    ],
)
def test_a_snapshot_that_does_not_hold_together_is_refused(changed, said):
    store = UnreliableStore()
    publish(store, changed=changed)
    with pytest.raises(SnapshotUnreadable, match=said):
        load_snapshot(store, "monday")


def test_a_store_that_is_gone_says_nothing_about_the_snapshot():
    store = UnreliableStore()
    publish(store)
    store.down = True
    with pytest.raises(StoreUnavailable):
        load_snapshot(store, "monday")


def test_a_shop_of_many_categories_is_read_in_parts():
    store = UnreliableStore()
    categories = tuple(f"category {number}" for number in range(450))
    lists = {entry_key("best-sellers", name): stored_list(("tea",), "best_sellers") for name in categories}
    publish(store, changed={**lists, **_manifest(categories=categories)})
    live = load_snapshot(store, "monday")
    assert len(live.best_sellers) == 451
    assert store.reads == 1 + 1 + 3
