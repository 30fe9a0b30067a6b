"""Rows of lists, of reasons and of evidence, there and back."""

import struct
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.errors import SnapshotUnreadable
from recommender.ranking.lists import ListTable, RecommendationList
from recommender.ranking.reasons import BOUGHT_AGAIN, KINDS, Reasons
from recommender.snapshot import rows
from recommender.snapshot.paged_rows import PagedRows, RowOwners, paged_orders, paged_ranks, paged_reasons
from recommender.snapshot.pages import decode_page
from recommender.snapshot.reader_check import check_list
from recommender.snapshot.rows import (
    PackedList,
    decode_evidence,
    decode_list,
    decode_reasons,
    encode_list,
    encode_lists,
)
from tests.ranking.tables import table_of

HALF_FLOATS = st.floats(-60_000, 60_000, width=16)


@st.composite
def tables(draw, *, items, sources, scores, fewest=0):
    """A list table of a few rows, each as short as `fewest`, whose scores fall."""
    lengths = draw(st.lists(st.integers(fewest, 60), min_size=1, max_size=4))
    n = sum(lengths)
    starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    falling = [sorted(draw(st.lists(scores, min_size=m, max_size=m)), reverse=True) for m in lengths]
    return ListTable(
        starts,
        draw(arrays(np.int32, n, elements=st.integers(0, items - 1))),
        np.array([score for row in falling for score in row], np.float32),
        draw(arrays(np.uint8, n, elements=st.integers(0, sources - 1))),
        draw(arrays(bool, n)),
    )


def paged(paged_as, *columns, **options) -> list[bytes]:
    """The rows that went into pages, in the order of their table; their ids are "0", "1" and so on."""
    starts = getattr(columns[0], "starts", columns[0])
    rows: PagedRows = paged_as(
        "some", RowOwners.of([str(row) for row in range(len(starts) - 1)]), *columns, **options
    )
    found = {id_: row for _, page in rows.entries() for id_, row in decode_page(page).items()}
    return [found[str(row)] for row in range(len(starts) - 1)]


@dataclass
class Bounds:
    """The part of a manifest that a list is checked against."""

    n_items: int
    sources: tuple[str, ...]


def same_places(back: RecommendationList, ranked: RecommendationList) -> bool:
    columns = ("items", "sources", "bought")
    return all(getattr(back, name).tolist() == getattr(ranked, name).tolist() for name in columns)


@given(tables(items=rows.MOST_ITEMS, sources=128, scores=HALF_FLOATS))
def test_an_exact_list_comes_back_as_it_was(table):
    encoded = encode_lists(table)
    for row, ranked in zip(encoded, table, strict=True):
        assert len(row) == (6 * len(ranked) + 1 if len(ranked) else 0)
        back = decode_list(row)
        assert same_places(back, ranked)
        assert back.scores.tolist() == ranked.scores.tolist()
    assert encoded == [encode_list(ranked) for ranked in table]


def rows_of_all_layouts(data: st.DataObject) -> list[bytes]:
    """Rows of one list each: exact, narrow, wide."""
    table = data.draw(tables(items=3_000, sources=12, scores=HALF_FLOATS, fewest=1))
    narrow, wide = (paged(paged_ranks, table, wide=wide) for wide in (False, True))
    return [*encode_lists(table), *narrow, *wide]


@given(data=st.data())
def test_a_packed_list_says_of_its_places_what_the_decoded_one_does(data):
    for row in rows_of_all_layouts(data):
        packed, whole = PackedList.of(row), decode_list(row)
        assert packed is not None
        assert packed.items == whole.items.tolist()
        assert list(packed.sources) == whole.sources.tolist()
        places = data.draw(st.lists(st.integers(0, len(whole) - 1), unique=True))
        assert packed.scores(places) == whole.scores[places].tolist()


@given(data=st.data())
def test_a_packed_list_fits_where_the_decoded_one_passes_its_check(data):
    for row in rows_of_all_layouts(data):
        at, byte = data.draw(st.integers(1, len(row) - 1)), data.draw(st.integers(0, 255))
        damaged = row[:at] + bytes((byte,)) + row[at + 1 :]
        packed = PackedList.of(damaged)
        assert packed is not None
        sound = True
        try:
            with np.errstate(all="ignore"):
                check_list("it", decode_list(damaged), Bounds(3_000, ("",) * 12))
        except SnapshotUnreadable:
            sound = False
        assert packed.fits(3_000, 12) == sound


@pytest.mark.parametrize("row", [b"", bytes((3, 0)) + bytes(3)])
def test_an_empty_list_and_past_orders_are_no_packed_lists(row):
    assert PackedList.of(row) is None


@pytest.mark.parametrize("row", [b"\x09", b"\x06abc", b"\x04", b"\x05abcdefg"])
def test_a_row_that_is_not_whole_is_no_packed_list(row):
    with pytest.raises(SnapshotUnreadable, match="not whole"):
        PackedList.of(row)


@pytest.mark.parametrize(
    ("wide", "items", "sources", "place"),
    [(False, rows.MOST_NARROW_ITEMS, rows.MOST_NARROW_SOURCES, 4), (True, rows.MOST_ITEMS, 128, 5)],
    ids=["narrow", "wide"],
)
@given(data=st.data())
def test_a_ranked_list_keeps_its_places_and_its_order_and_nearly_its_scores(
    wide, items, sources, place, data
):
    table = data.draw(tables(items=items, sources=sources, scores=HALF_FLOATS, fewest=1))
    for row, ranked in zip(paged(paged_ranks, table, wide=wide), table, strict=True):
        assert len(row) == 5 + place * len(ranked)
        back = decode_list(row)
        assert same_places(back, ranked)
        assert (np.diff(back.scores) <= 0).all()
        span = float(ranked.scores[0]) - float(ranked.scores[-1])
        assert back.scores == pytest.approx(ranked.scores, abs=span / 500 + 0.01)


def test_scores_of_a_ranked_list_are_steps_between_the_best_and_the_worst():
    places, falling = np.arange(3, dtype=np.int32), np.array([3.0, 1.5, 0.0], np.float32)
    table = ListTable(np.array([0, 3]), places, falling, np.zeros(3, np.uint8), np.zeros(3, bool))
    (row,) = paged(paged_ranks, table, wide=False)
    best, worst, *packed = struct.unpack("<x2e3I", row)
    assert (best, worst) == (3, 0)
    assert [place >> 24 for place in packed] == [255, 128, 0]
    assert decode_list(row).scores.tolist() == pytest.approx([3, 1.5, 0], abs=0.006)


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=5), min_size=1, max_size=4), st.randoms())
def test_past_orders_come_back_numbered_from_the_oldest(customers, chance):
    scores = [
        len(sizes) - order for sizes in customers for order, size in enumerate(sizes) for _ in range(size)
    ]
    starts = np.concatenate(([0], np.cumsum([sum(sizes) for sizes in customers]))).astype(np.int64)
    items = np.array([chance.randrange(rows.MOST_ITEMS) for _ in scores], np.int32)
    of_all = np.ones(len(scores), bool)
    table = ListTable(starts, items, np.array(scores, np.float32), np.full(len(scores), 4, np.uint8), of_all)
    for row, ranked in zip(paged(paged_orders, table), table, strict=True):
        assert len(row) == 2 + 3 * len(ranked)
        back = decode_list(row)
        assert same_places(back, ranked)
        assert back.scores.tolist() == ranked.scores.tolist()


@pytest.mark.parametrize("encode", [encode_lists, lambda table: paged(paged_ranks, table, wide=False)])
def test_scores_beyond_half_precision_are_scaled_down_and_keep_their_order(encode):
    table = table_of([[1, 2, 3], [3, 1]])
    large = ListTable(table.starts, table.items, table.scores * np.float32(1e6), table.sources, table.bought)
    for row, ranked in zip(encode(large), table, strict=True):
        scores = decode_list(row).scores
        assert np.isfinite(scores).all()
        assert scores / scores[0] == pytest.approx(ranked.scores / ranked.scores[0], rel=1e-2)


@pytest.mark.parametrize("score", [np.nan, np.inf])
@pytest.mark.parametrize("encode", [encode_lists, lambda table: paged(paged_ranks, table, wide=False)])
def test_a_score_that_is_no_number_is_refused(encode, score):
    table = table_of([[1]])
    with pytest.raises(ValueError, match="no number"):
        encode(ListTable(table.starts, table.items, table.scores * score, table.sources, table.bought))


@pytest.mark.parametrize("first", range(256))
def test_a_list_that_is_cut_off_or_of_a_kind_that_is_not_known_is_refused(first):
    length = {3: 2 + 3 * 2, 4: 5 + 4 * 2, 5: 5 + 5 * 2, 6: 1 + 6 * 2}.get(first, 1)
    whole = bytes((first, *bytes(length - 1)))
    if length > 1:
        assert len(decode_list(whole)) == 2
        whole = whole[:-1]
    with pytest.raises(SnapshotUnreadable, match="not whole"):
        decode_list(whole)


@given(st.lists(st.tuples(st.integers(0, len(KINDS) - 1), st.integers(0, rows.MOST_ITEMS - 1))))
def test_decoding_reasons_undoes_encoding(pairs):
    kinds, values = ([pair[part] for pair in pairs] for part in (0, 1))
    row = reason_row(kinds, values) if kinds else b""
    assert len(row) == 4 * len(pairs)
    back = decode_reasons(row)
    assert (back.kinds.tolist(), back.values.tolist()) == (kinds, values)


def reason_row(kinds, values):
    reasons = Reasons(np.array(kinds, np.uint8), np.array(values, np.int32))
    (row,) = paged(paged_reasons, np.array([0, len(kinds)]), reasons)
    return row


def test_a_number_too_large_for_a_reason_is_stored_as_the_largest():
    assert decode_reasons(reason_row([BOUGHT_AGAIN], [1 << 30])).values.tolist() == [(1 << 24) - 1]


@pytest.mark.parametrize("row", [b"\x00" * 5, b"\x00\x00\x00\x7f"], ids=["cut off", "unknown kind"])
def test_damaged_reasons_are_refused(row):
    with pytest.raises(SnapshotUnreadable):
        decode_reasons(row)


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
