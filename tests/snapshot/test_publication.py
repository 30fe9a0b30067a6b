import struct
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.errors import SnapshotUnreadable
from recommender.ranking.lists import RecommendationList
from recommender.ranking.reasons import BOUGHT_AGAIN, KINDS, Reasons
from recommender.snapshot import encoding
from recommender.snapshot.encoding import (
    decode_evidence,
    decode_items,
    decode_list,
    decode_manifest,
    decode_reasons,
    encode_items,
    encode_list,
    encode_reasons,
)
from recommender.snapshot.publication import Publication, item_records
from tests.ranking.tables import table_of
from tests.snapshot.snapshots import TEA, small_snapshot

N = st.shared(st.integers(0, 60))


@given(
    N.flatmap(lambda n: arrays(np.int32, n, elements=st.integers(0, encoding.MOST_ITEMS - 1))),
    N.flatmap(lambda n: arrays(np.float16, n, elements=st.floats(-100, 100, width=16))),
    N.flatmap(lambda n: arrays(np.uint8, n, elements=st.integers(0, 127))),
    N.flatmap(lambda n: arrays(bool, n)),
)
def test_decoding_undoes_encoding(items, scores, sources, bought):
    row = encode_list(RecommendationList(items, scores.astype(np.float32), sources, bought))
    assert len(row) == 6 * len(items)
    back = decode_list(row)
    assert back.items.tolist() == items.tolist()
    assert back.scores.tolist() == scores.tolist()
    assert back.sources.tolist() == sources.tolist()
    assert back.bought.tolist() == bought.tolist()


def test_scores_beyond_half_precision_are_scaled_down_and_keep_their_order():
    ranked = table_of([[1, 2, 3]]).row(0)
    large = RecommendationList(ranked.items, ranked.scores * np.float32(1e6), ranked.sources, ranked.bought)
    scores = decode_list(encode_list(large)).scores
    assert np.isfinite(scores).all()
    assert scores / scores[0] == pytest.approx(ranked.scores / ranked.scores[0], rel=1e-3)


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_a_score_that_is_no_number_is_refused(score):
    one, scores = np.ones(1, np.int32), np.full(1, score, np.float32)
    with pytest.raises(ValueError, match="no number"):
        encode_list(RecommendationList(one, scores, one.astype(np.uint8), one.astype(bool)))


def test_half_a_list_is_refused():
    with pytest.raises(SnapshotUnreadable, match="not whole"):
        decode_list(b"\x00" * 7)


def test_the_item_table_travels_in_chunks(monkeypatch):
    monkeypatch.setattr(encoding, "ITEMS_PER_CHUNK", 3)
    records = item_records(small_snapshot().catalog)
    chunks = list(encode_items(records))
    assert len(chunks) == 2
    assert [record for chunk in chunks for record in decode_items(chunk)] == records


def test_prices_read_as_the_shop_wrote_them_and_unknown_ones_are_missing():
    hammer, _, nails, tea = item_records(small_snapshot().catalog)
    assert (hammer.price, nails.price, tea.price) == (12.5, None, 2.55)
    assert b"2.55" in msgspec.json.encode(tea)


def test_a_damaged_chunk_or_manifest_is_refused():
    with pytest.raises(SnapshotUnreadable, match="publish the snapshot again"):
        decode_items(b"broken")
    for raw in (b"broken", b"[]", b'{"format": 1, "snapshot": "\xff"}'):
        with pytest.raises(SnapshotUnreadable, match="cannot be read"):
            decode_manifest(raw)
    with pytest.raises(SnapshotUnreadable, match="format 99, this version reads 1"):
        decode_manifest(b'{"format": 99}')


def test_every_list_that_is_not_empty_is_an_entry():
    entries = dict(Publication(small_snapshot()).entries())
    assert set(entries) == {
        "items:{0}", "best-sellers:{}", "best-sellers:{diy}", "best-sellers:{food}", "place:{France}",
        "similar:{milk}", "similar:{tea}", "bought-together:{hammer}", "bought-together:{milk}",
        "bought-together:{nails}", "bought-together:{tea}", "customer:{ann}", "customer:{bob}",
        "orders:{ann}", "orders:{bob}", "reasons:{ann}", "reasons:{bob}", "evidence:{hammer}",
        "evidence:{milk}", "evidence:{nails}", "evidence:{tea}", "manifest:{}",
    }  # fmt: skip
    assert decode_list(entries["customer:{ann}"]).items[0] == TEA
    assert decode_list(entries["customer:{ann}"]).bought.tolist() == [True, False]


def test_reasons_stand_beside_their_list():
    entries = dict(Publication(small_snapshot()).entries())
    ann, bob = (decode_reasons(entries[f"reasons:{{{name}}}"]) for name in ("ann", "bob"))
    assert [KINDS[kind] for kind in ann.kinds] == ["bought_again", "because_you_bought"]
    assert ann.values.tolist() == [30, TEA]
    assert len(bob) == len(decode_list(entries["customer:{bob}"])) == 1


@given(st.lists(st.tuples(st.integers(0, len(KINDS) - 1), st.integers(0, encoding.MOST_ITEMS - 1))))
def test_decoding_reasons_undoes_encoding(pairs):
    kinds, values = ([pair[part] for pair in pairs] for part in (0, 1))
    row = encode_reasons(Reasons(np.array(kinds, np.uint8), np.array(values, np.int32)))
    assert len(row) == 4 * len(pairs)
    back = decode_reasons(row)
    assert (back.kinds.tolist(), back.values.tolist()) == (kinds, values)


def test_evidence_stands_beside_its_list():
    entries = dict(Publication(small_snapshot()).entries())
    nails = decode_evidence(entries["evidence:{nails}"])
    assert (nails.orders.tolist(), nails.customers.tolist()) == ([3], [3])
    assert (nails.lift.tolist(), nails.lift_low.tolist()) == ([2.5], [pytest.approx(1.1)])
    assert len(entries["evidence:{nails}"]) == 16


def evidence_row(orders=3, customers=2, lift=2.0, lift_low=1.5):
    return struct.pack("<IIff", orders, customers, lift, lift_low)


@pytest.mark.parametrize(
    "row",
    [
        evidence_row()[:-1],
        evidence_row(orders=3_000_000_000),
        evidence_row(lift=np.inf),
        evidence_row(lift_low=np.nan),
        evidence_row(lift=-1, lift_low=-2),
        evidence_row(lift_low=2.5),
    ],
    ids=["cut off", "too many", "infinite", "no number", "negative", "low above"],
)
def test_damaged_evidence_is_refused(row):
    assert decode_evidence(evidence_row()).orders.tolist() == [3]
    with pytest.raises(SnapshotUnreadable):
        decode_evidence(row)


def test_lists_without_their_reasons_are_no_lists():
    lists = small_snapshot().lists
    with pytest.raises(ValueError, match="has a reason"):
        replace(lists, reasons=lists.reasons.part(slice(0, 1)))


def test_a_number_too_large_for_a_reason_is_stored_as_the_largest():
    many = Reasons(np.array([BOUGHT_AGAIN], np.uint8), np.array([1 << 30], np.int32))
    assert decode_reasons(encode_reasons(many)).values.tolist() == [(1 << 24) - 1]


@pytest.mark.parametrize("row", [b"\x00" * 5, b"\x00\x00\x00\x7f"], ids=["cut off", "unknown kind"])
def test_damaged_reasons_are_refused(row):
    with pytest.raises(SnapshotUnreadable):
        decode_reasons(row)


def test_the_manifest_comes_last_and_says_what_a_reader_needs():
    key, value = list(Publication(small_snapshot()).entries())[-1]
    manifest = decode_manifest(value)
    assert key == "manifest:{}"
    assert (manifest.n_customers, manifest.n_items, manifest.item_chunks) == (2, 4, 1)
    assert manifest.categories == ("diy", "food")


def test_entries_come_in_the_same_order_every_time():
    assert list(Publication(small_snapshot()).entries()) == list(Publication(small_snapshot()).entries())
