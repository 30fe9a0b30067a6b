"""Item factors as they are published."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from recommender.errors import SnapshotUnreadable
from recommender.ranking.session_factors import SessionFactors
from recommender.snapshot.directory import load_snapshot, write_snapshot
from recommender.snapshot.encoding import decode_manifest
from recommender.snapshot.factors import (
    FACTORS_KEY,
    ROWS_PER_CHUNK,
    chunks_of,
    decode_factors,
    decode_head,
    factor_entries,
    factor_key,
)
from recommender.snapshot.publication import Publication
from recommender.snapshot.reader_check import check_readable, is_read_first
from tests.snapshot.snapshots import HAMMER, ITEMS, MILK, NAILS, TEA, small_snapshot

N_ITEMS = 5_000


def many() -> SessionFactors:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(N_ITEMS, 3)).astype(np.float32)
    rows[::7] = 0
    return SessionFactors.of(
        rows, rows.T @ rows, 0.25, listed=rng.integers(0, 2, N_ITEMS), buyers=np.full(N_ITEMS, 9)
    )


def decoded(entries: dict[str, bytes]) -> SessionFactors:
    head = decode_head(entries[FACTORS_KEY], N_ITEMS)
    chunks = [entries[key] for key in entries if key != FACTORS_KEY]
    return replace(head, factors=decode_factors(head, chunks))


def test_what_is_read_is_what_was_written():
    written = many()
    entries = dict(factor_entries(written))
    assert [*entries] == [FACTORS_KEY, *(factor_key(chunk) for chunk in range(chunks_of(written)))]
    assert chunks_of(written) == -(-len(written.items) // ROWS_PER_CHUNK) == 3
    read = decoded(entries)
    for name in ("items", "factors", "proposed", "gram", "pull"):
        assert np.array_equal(getattr(read, name), getattr(written, name)), name
    viewed = written.items[:3]
    assert read.list_for(viewed).items.tolist() == written.list_for(viewed).items.tolist() != []


def test_of_no_factors_nothing_is_written():
    nothing = np.zeros((4, 2), np.float32)
    none = SessionFactors.of(nothing, nothing.T @ nothing, 1.0, listed=np.ones(4, int), buyers=np.full(4, 9))
    assert [*factor_entries(none)] == []
    assert chunks_of(none) == 0


def head_with(**changed: object) -> bytes:
    raw = dict(factor_entries(many()))[FACTORS_KEY]
    return msgspec.msgpack.encode({**msgspec.msgpack.decode(raw), **changed})


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"\xc1", "cannot be read"),
        (b"\x80", "cannot be read"),
        (head_with(gram=b"1234"[:3]), "cannot be read"),
        (head_with(gram=bytes(8)), "cannot be read"),
        (head_with(gram=b""), "of no items"),
        (head_with(gram=np.full(9, np.nan, "<f4").tobytes()), "of no items"),
        (head_with(gram=np.zeros(9, "<f4").tobytes(), pull=0.0), "cannot be read"),
        (head_with(gram=(-np.eye(3, dtype="<f4")).tobytes()), "cannot be read"),
        (head_with(pull=float("nan")), "of no items"),
        (head_with(items=b""), "of no items"),
        (head_with(items=np.array([1, 1], "<i4").tobytes(), proposed=b"11"), "of no items"),
        (head_with(items=np.array([-1, 1], "<i4").tobytes(), proposed=b"11"), "of no items"),
        (head_with(items=np.array([0, N_ITEMS], "<i4").tobytes(), proposed=b"11"), "of no items"),
    ],
)
def test_a_head_that_means_nothing_is_refused(head, said):
    with pytest.raises(SnapshotUnreadable, match=said):
        decode_head(head, N_ITEMS)


def test_factors_that_are_not_whole_are_refused():
    entries = dict(factor_entries(many()))
    first = factor_key(0)
    with pytest.raises(SnapshotUnreadable, match="not as many"):
        decoded({key: value for key, value in entries.items() if key != first})
    with pytest.raises(SnapshotUnreadable, match="no finite number"):
        decoded({**entries, first: b"\xff\xff" + entries[first][2:]})


def with_als():
    """The small snapshot, with factors for which tea and milk go together; nobody bought nails."""
    rows = np.zeros((len(ITEMS), 2), np.float32)
    rows[[TEA, MILK]], rows[HAMMER] = (1, 0), (0, 1)
    some = np.full(len(ITEMS), 9)
    factors = SessionFactors.of(rows, rows.T @ rows, 0.5, listed=some, buyers=some)
    return replace(small_snapshot(), session_factors=factors)


def test_they_stand_in_the_snapshot(tmp_path):
    written = write_snapshot(with_als(), tmp_path / "one")
    again = load_snapshot(tmp_path / "one")
    assert dict(Publication(again).entries()) == dict(Publication(written).entries())
    write_snapshot(small_snapshot(), tmp_path / "two")
    assert load_snapshot(tmp_path / "two").session_factors is None


def test_a_publication_holds_the_factors_of_als():
    entries = dict(Publication(with_als()).entries())
    assert decode_manifest(entries["manifest:{}"]).factor_chunks == 1
    head = decode_head(entries[FACTORS_KEY], len(ITEMS))
    found = replace(head, factors=decode_factors(head, [entries[factor_key(0)]]))
    assert found.items.tolist() == sorted([HAMMER, MILK, TEA])
    assert sorted(found.list_for(np.array([TEA], np.int32)).items.tolist()) == sorted([MILK, TEA])
    assert NAILS not in found.items
    check_readable("", entries)
    assert is_read_first(FACTORS_KEY) and is_read_first(factor_key(0))


def test_without_als_there_are_none():
    entries = dict(Publication(small_snapshot()).entries())
    assert decode_manifest(entries["manifest:{}"]).factor_chunks == 0
    assert not any(key.startswith(("factors", "session")) for key in entries)


@pytest.mark.parametrize("key", [FACTORS_KEY, factor_key(0)])
def test_a_publication_without_what_it_promises_is_refused(key):
    entries = dict(Publication(with_als()).entries())
    with pytest.raises(SnapshotUnreadable, match="is missing"):
        check_readable("", {k: value for k, value in entries.items() if k != key})
    with pytest.raises(SnapshotUnreadable, match="item factors"):
        check_readable("", {**entries, key: b"?"})
