"""Item factors of a snapshot, in one file that all workers of a service map into their memory."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.errors import SnapshotUnreadable
from recommender.ranking.session_factors import SessionFactors
from recommender.snapshot.encoding import StoredManifest
from recommender.snapshot.factors import FACTORS_KEY, decode_factors, decode_head, factor_key
from recommender.snapshot.store import SnapshotStore

logger = logging.getLogger(__name__)

_MOST_FILES = 4
"""Of the live snapshot, of the one before, and of some that experiments name."""

_PREFIX = "factors-"


def load_factors(
    store: SnapshotStore, manifest: StoredManifest, folder: Path | None
) -> SessionFactors | None:
    """The factors of a snapshot; None where it has none.

    Args:
        store: where it is published.
        manifest: of the snapshot.
        folder: of this run of the service, the same for all workers; None for a worker that knows of no
            other, and has the factors in memory of its own.

    Raises:
        SnapshotUnreadable: an entry is missing or damaged.
        StoreUnavailable: the store did not answer.
    """
    if not manifest.factor_chunks:
        return None
    head = decode_head(_read(store, manifest, FACTORS_KEY), manifest.n_items)
    if folder is None:
        return replace(head, factors=_read_all(store, manifest, head))
    try:
        return replace(head, factors=_mapped(store, manifest, head, folder))
    except OSError as error:
        logger.warning("this worker keeps item factors for itself: %s", error)
        return replace(head, factors=_read_all(store, manifest, head))


def _mapped(
    store: SnapshotStore, manifest: StoredManifest, head: SessionFactors, folder: Path
) -> NDArray[np.float32]:
    file = folder / f"{_PREFIX}{manifest.snapshot}.npy"
    with _alone(folder):
        if not file.exists():
            # Written and not mapped for writing: where the disk is full, that is an error and no signal.
            unfinished = file.with_suffix(".new.npy")
            np.save(unfinished, _read_all(store, manifest, head), allow_pickle=False)
            unfinished.rename(file)
        file.touch()
        _drop_old(folder)
        found: NDArray[np.float32] = np.load(file, mmap_mode="r", allow_pickle=False)
    return found.view(np.ndarray)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other worker reads factors: the second one finds the file of the first."""
    with (folder / f"{_PREFIX}lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _drop_old(folder: Path) -> None:
    # What a worker has mapped stays readable for it without a name.
    files = sorted(folder.glob(f"{_PREFIX}*.npy"), key=lambda file: file.stat().st_mtime_ns)
    for file in files[:-_MOST_FILES]:
        file.unlink(missing_ok=True)


def _read_all(store: SnapshotStore, manifest: StoredManifest, head: SessionFactors) -> NDArray[np.float32]:
    # One chunk a read, as of the item table.
    chunks = [_read(store, manifest, factor_key(chunk)) for chunk in range(manifest.factor_chunks)]
    return decode_factors(head, chunks)


def _read(store: SnapshotStore, manifest: StoredManifest, key: str) -> bytes:
    (raw,) = store.read(manifest.snapshot, [key])
    if raw is None:
        raise SnapshotUnreadable(
            f"snapshot {manifest.snapshot} lacks item factors in the store: publish it again"
        )
    return raw
