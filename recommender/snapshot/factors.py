"""How factors of items look in bytes, in a store and on disk. Public: docs/snapshot-format.md.

Only numpy and msgspec, because the service imports this on its way up.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from recommender.errors import SnapshotUnreadable
from recommender.ranking.session_factors import SessionFactors
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.store import Entry

ROWS_PER_CHUNK = 2_000

FACTORS_KEY = entry_key("session-factors")
"""The entry that says what the `factors` entries are."""

_AGAIN = "publish the snapshot again"


class _Head(msgspec.Struct, frozen=True):
    items: bytes
    proposed: bytes
    gram: bytes
    pull: float


def chunks_of(factors: SessionFactors) -> int:
    """How many `factors` entries there are."""
    return -(-len(factors.items) // ROWS_PER_CHUNK)


def factor_entries(factors: SessionFactors) -> Iterator[Entry]:
    """The entries of these factors, the one that says what they are first; of no item, none."""
    if not len(factors.items):
        return
    head = _Head(
        factors.items.astype("<i4").tobytes(),
        factors.proposed.astype("u1").tobytes(),
        factors.gram.astype("<f4").tobytes(),
        factors.pull,
    )
    yield FACTORS_KEY, msgspec.msgpack.encode(head)
    for chunk in range(chunks_of(factors)):
        rows = factors.factors[chunk * ROWS_PER_CHUNK : (chunk + 1) * ROWS_PER_CHUNK]
        yield factor_key(chunk), rows.astype("<f2").tobytes()


def factor_key(chunk: int) -> str:
    """Key of a chunk of factors."""
    return entry_key("factors", str(chunk))


def decode_head(raw: bytes, n_items: int) -> SessionFactors:
    """What there is to know of factors, with all of them 0.

    Args:
        raw: the stored entry.
        n_items: length of the item table.

    Raises:
        SnapshotUnreadable: it is damaged, or of other items.
    """
    try:
        head = msgspec.msgpack.decode(raw, type=_Head)
        items = np.frombuffer(head.items, "<i4").astype(np.int32)
        proposed = np.frombuffer(head.proposed, "u1") > 0
        gram = np.frombuffer(head.gram, "<f4").astype(np.float32)
        n_factors = round(len(gram) ** 0.5)
        gram = gram.reshape(n_factors, n_factors)
        np.linalg.cholesky(gram + np.eye(n_factors) * max(head.pull, 0))  # or no session could be placed
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, np.linalg.LinAlgError) as error:
        raise SnapshotUnreadable(f"its item factors cannot be read ({error}): {_AGAIN}") from error
    numbers = np.isfinite(gram).all() and np.isfinite(head.pull)
    sound = len(items) == len(proposed) > 0 and n_factors > 0 and numbers
    if not sound or items[0] < 0 or items[-1] >= n_items or (np.diff(items) <= 0).any():
        raise SnapshotUnreadable(f"its item factors are of no items that it has: {_AGAIN}")
    nothing = np.broadcast_to(np.float32(0), (len(items), n_factors))
    return SessionFactors(items, nothing, proposed, gram, head.pull)


def decode_factors(head: SessionFactors, chunks: Sequence[bytes]) -> NDArray[np.float32]:
    """The factors themselves, shape (n, n_factors).

    Args:
        head: of `decode_head`.
        chunks: all `factors` entries, in order.

    Raises:
        SnapshotUnreadable: one is damaged.
    """
    raw = b"".join(chunks)
    if len(raw) != 2 * head.factors.size:
        raise SnapshotUnreadable(f"its item factors are not as many as it says: {_AGAIN}")
    found = np.frombuffer(raw, "<f2").astype(np.float32).reshape(head.factors.shape)
    if not np.isfinite(found).all():
        raise SnapshotUnreadable(f"an item factor is no finite number: {_AGAIN}")
    return found


def save_factors(factors: SessionFactors, folder: Path) -> None:
    """Write factors into a snapshot's directory, as exact as they are published."""
    folder.mkdir()
    arrays: dict[str, NDArray[np.generic]] = {
        "items": factors.items,
        "factors": factors.factors.astype(np.float16),
        "proposed": factors.proposed,
        "gram": factors.gram,
        "pull": np.asarray(factors.pull, np.float32),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def load_factors(folder: Path) -> SessionFactors:
    """The factors in a snapshot's directory."""
    found = {
        name: np.load(folder / f"{name}.npy", allow_pickle=False)
        for name in ("items", "factors", "proposed", "gram", "pull")
    }
    return SessionFactors(
        found["items"],
        found["factors"].astype(np.float32),
        found["proposed"],
        found["gram"],
        float(found["pull"]),
    )
