import logging

import msgspec
import pytest

from recommender.serving.breaker import CircuitBreaker
from recommender.serving.row_memory import RowMemory
from recommender.serving.row_reader import ALWAYS_THERE, Reading, RowReader
from tests.serving.small_shop import Clock, UnreliableStore


@pytest.fixture
def store() -> UnreliableStore:
    store = UnreliableStore()
    store.write("monday", [(ALWAYS_THERE, b""), *((f"key {number}", bytes([number])) for number in range(5))])
    return store


def reader_of(store: UnreliableStore, **settings: RowMemory) -> RowReader:
    return RowReader(store, CircuitBreaker(Clock()), **settings)


def test_entries_are_read_together_and_those_that_do_not_exist_left_out(store):
    reading = reader_of(store).read("monday", ["key 1", "nothing", "key 2"], {})
    assert reading == Reading({"key 1": b"\1", "key 2": b"\2"})
    assert store.reads == 1


def test_reading_nothing_asks_nobody(store):
    assert reader_of(store).read("monday", [], {}) == Reading({})
    assert store.reads == 0


def test_what_was_read_is_remembered(store):
    reader = reader_of(store)
    reader.read("monday", ["key 1"], {})
    store.down = True
    assert reader.read("monday", ["key 1"], {}) == Reading({"key 1": b"\1"}, stale=True)
    assert reader.read("monday", ["key 2"], {}) == Reading({}, unread=frozenset({"key 2"}))
    both = reader.read("monday", ["key 1", "key 2"], {})
    assert both == Reading({"key 1": b"\1"}, stale=True, unread=frozenset({"key 2"}))


def test_a_store_that_lost_an_entry_is_not_believed(store):
    reader = reader_of(store)
    reader.read("monday", ["key 1"], {})
    store.emptied = True
    lost = reader.read("monday", ["key 1", "key 2"], {})
    assert lost == Reading({"key 1": b"\1"}, stale=True, unread=frozenset({"key 2"}))
    store.emptied = False
    assert reader.read("monday", ["key 1", "key 2"], {}) == Reading({"key 1": b"\1", "key 2": b"\2"})


def test_a_store_that_was_emptied_before_the_first_question_is_not_believed_either(store):
    store.emptied = True
    assert reader_of(store).read("monday", ["key 1"], {}) == Reading({}, unread=frozenset({"key 1"}))


def test_entries_of_another_snapshot_are_never_taken_for_these(store):
    reader = reader_of(store)
    reader.read("monday", ["key 1"], {})
    store.down = True
    assert reader.read("tuesday", ["key 1"], {}) == Reading({}, unread=frozenset({"key 1"}))


def test_two_readers_of_one_memory_know_what_either_read(store, tmp_path):
    shared = tmp_path / "rows"
    shared.write_bytes(bytes(1 << 20))
    one, other = (reader_of(store, memory=RowMemory(shared)) for _ in range(2))
    read = one.read("monday", ["key 1"], {}, ["key 2", "nothing"])
    store.down = True
    assert other.recall("monday", ["key 1"]) == Reading({"key 1": b"\1"}, stale=True)
    assert other.known("nothing") == (read.at, None) and read.at > 0
    assert other.known("never asked for") == (0, None)


def test_an_outage_is_logged_once_and_its_end_once(store, caplog):
    reader = reader_of(store)
    with caplog.at_level(logging.INFO):
        store.down = True
        reader.read("monday", ["key 1"], {})
        reader.read("monday", ["key 1"], {})
        store.down = False
        reader.poll()
        reader.read("monday", ["key 1"], {})
        reader.read("monday", ["key 1"], {})
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "answering from memory",
        "reading lists again",
    ]


PAGES = {"customer": 1}
ANN, BOB, CID = (f"customer:{{{name}}}" for name in ("ann", "bob", "cid"))


def put_page(store: UnreliableStore, page: bytes | None, **others: bytes | None) -> None:
    """Publish one page of customers beside what a service reads along."""
    entries = {ALWAYS_THERE: b"", "customer-page:{0}": page, "similar:{tea}": b"list", **others}
    store.write("monday", [(key, value) for key, value in entries.items() if value is not None])


def test_rows_are_found_in_their_pages(store):
    put_page(store, msgspec.msgpack.encode({"ann": b"tea", "bob": b"milk"}))
    store.reads = 0
    reading = reader_of(store).read("monday", [ANN, "similar:{tea}", BOB, CID], PAGES)
    assert reading == Reading({ANN: b"tea", BOB: b"milk", "similar:{tea}": b"list"})
    assert store.reads == 1


@pytest.mark.parametrize("page", [b"damaged", None], ids=["damaged", "gone"])
def test_of_a_page_that_cannot_be_read_nobody_knows_what_it_held(store, page):
    reader = reader_of(store)
    put_page(store, page)
    assert {ANN, BOB} <= reader.read("monday", [ANN, BOB], PAGES).unread
    assert reader.read("monday", ["similar:{tea}"], PAGES) == Reading({"similar:{tea}": b"list"})


LIST, REASONS, OF_BOTH = "customer:{ann}", "reasons:{ann}", {"customer": 1, "reasons": 1}


@pytest.mark.parametrize("page", [b"damaged", None], ids=["damaged", "gone"])
def test_a_page_that_cannot_be_read_costs_nothing_but_its_own_rows(store, page):
    put_page(store, msgspec.msgpack.encode({"ann": b"tea"}), **{"reasons-page:{0}": page})
    assert reader_of(store).read("monday", [LIST, REASONS], OF_BOTH) == Reading(
        {LIST: b"tea"}, unread=frozenset({REASONS})
    )


@pytest.mark.parametrize("page", [b"damaged", None], ids=["damaged", "gone"])
def test_rows_of_a_page_that_cannot_be_read_any_more_are_remembered(store, page):
    reader = reader_of(store)
    rows = msgspec.msgpack.encode({"ann": b"tea", "bob": b"milk"})
    put_page(store, rows, **{"reasons-page:{0}": msgspec.msgpack.encode({"ann": b"why"})})
    reader.read("monday", [LIST, REASONS], OF_BOTH)
    put_page(store, page, **{"reasons-page:{0}": msgspec.msgpack.encode({"ann": b"why"})})
    assert reader.read("monday", [LIST, BOB, REASONS], OF_BOTH) == Reading(
        {LIST: b"tea", REASONS: b"why"}, stale=True, unread=frozenset({BOB})
    )


def test_a_snapshot_dropped_under_the_reader_is_not_believed_about_anybody(store):
    reader = reader_of(store)
    put_page(store, msgspec.msgpack.encode({"ann": b"tea"}))
    reader.read("monday", [ANN], PAGES)
    store.write("monday", [("customer-page:{0}", msgspec.msgpack.encode({}))])
    assert reader.read("monday", [ANN, BOB], PAGES) == Reading(
        {ANN: b"tea"}, stale=True, unread=frozenset({BOB})
    )


@pytest.mark.parametrize("page", [b"damaged", None], ids=["damaged", "gone"])
def test_a_page_that_cannot_be_read_is_logged_once(store, page, caplog):
    reader = reader_of(store)
    put_page(store, page)
    for _ in range(3):
        reader.read("monday", [ANN, BOB], PAGES)
    (said,) = caplog.messages
    assert said.startswith("customer-page:{0} is put aside: ")


def test_a_page_that_is_gone_is_remembered_row_by_row(store):
    reader = reader_of(store)
    put_page(store, msgspec.msgpack.encode({"ann": b"tea", "bob": b"milk"}))
    reader.read("monday", [ANN], PAGES)
    put_page(store, None)
    assert reader.read("monday", [ANN, BOB], PAGES) == Reading(
        {ANN: b"tea"}, stale=True, unread=frozenset({BOB})
    )
