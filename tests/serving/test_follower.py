import logging
import zlib

import pytest

from recommender.serving.follower import RETRY_REFUSED_SECONDS
from recommender.snapshot.encoding import entry_key
from tests.serving.served_shop import ServedShop
from tests.serving.small_shop import publish

BAD = {entry_key("items", "0"): None}


def live_id(shop: ServedShop) -> str | None:
    return shop.follower.live and shop.follower.live.id


def test_a_newer_snapshot_goes_live_and_a_roll_back_is_followed(shop: ServedShop):
    publish(shop.store, "tuesday")
    assert live_id(shop) == "monday"
    shop.follower.poll()
    assert live_id(shop) == "tuesday"
    shop.store.roll_back()
    shop.follower.poll()
    assert live_id(shop) == "monday"


def test_a_snapshot_that_is_live_is_not_loaded_again(shop: ServedShop):
    before = shop.follower.live
    shop.follower.poll()
    assert shop.follower.live is before


def test_a_bad_snapshot_is_refused_and_the_old_one_kept(shop: ServedShop):
    publish(shop.store, "tuesday", BAD)
    shop.follower.poll()
    assert live_id(shop) == "monday"
    assert "lacks chunk 0 of its item table" in shop.follower.trouble


def test_a_refused_snapshot_is_tried_again_only_after_a_while(shop: ServedShop):
    publish(shop.store, "tuesday", BAD)
    shop.follower.poll()
    after_refusal = shop.store.reads
    shop.follower.poll()
    assert shop.store.reads == after_refusal + 1  # the live one's manifest alone
    publish(shop.store, "tuesday")
    shop.clock.now += RETRY_REFUSED_SECONDS
    shop.follower.poll()
    assert (live_id(shop), shop.follower.trouble) == ("tuesday", None)


def test_a_snapshot_that_is_bad_in_a_way_nobody_foresaw_is_refused_like_any_other(empty_shop: ServedShop):
    not_utf_8 = zlib.compress(b'[{"item_id":"\xed\xa0\x80"}]')
    publish(empty_shop.store, changed={entry_key("items", "0"): not_utf_8})
    empty_shop.follower.poll()
    assert live_id(empty_shop) is None
    assert empty_shop.follower.trouble
    publish(empty_shop.store, "tuesday")
    empty_shop.follower.poll()
    assert live_id(empty_shop) == "tuesday"


def test_a_trouble_is_logged_when_it_begins_and_when_it_ends(shop: ServedShop, caplog):
    with caplog.at_level(logging.INFO):
        shop.store.down = True
        for _ in range(5):
            shop.follower.poll()
        shop.store.down = False
        shop.follower.poll()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_request_under_way_keeps_the_snapshot_it_began_with(shop: ServedShop):
    read = shop.store.read

    def publish_meanwhile(snapshot, keys, beside=()):
        shop.store.read = read
        publish(shop.store, "tuesday")
        shop.follower.poll()
        return read(snapshot, keys, beside)

    shop.store.read = publish_meanwhile
    assert shop.get("/v1/customers/ann/recommendations")["snapshot"] == "monday"
    assert shop.get("/v1/customers/ann/recommendations")["snapshot"] == "tuesday"


@pytest.mark.parametrize("unheard", [True, False])
def test_an_outage_leaves_what_is_known_of_the_live_snapshot(shop: ServedShop, unheard):
    shop.store.emptied = unheard
    shop.follower.poll()
    shop.store.down = True
    shop.follower.poll()
    assert shop.follower.withdrawn is unheard
    assert live_id(shop) == "monday"
