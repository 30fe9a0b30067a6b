"""Item factors of a snapshot, in one file that all workers of a service map into their memory."""

import fcntl
import hashlib
import logging
import time
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

_MOST_FILES = 16
"""Of the live snapshot, of those before, and of those that experiments name."""

_PREFIX = "factors-"

_LOCK_SECONDS = 5.0
"""Longer than another worker reads; whoever waits meanwhile has other things to look after."""


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
    if not manifest.factor_chunks or "als" not in manifest.sources:
        return None
    raw = _read(store, manifest, FACTORS_KEY)
    head = replace(decode_head(raw, manifest.n_items), source=manifest.sources.index("als"))
    if folder is None:
        return replace(head, factors=_read_all(store, manifest, head))
    # The head is in the name, since another version of cartlift may have published the same id otherwise.
    file = folder / f"{_PREFIX}{manifest.snapshot}-{hashlib.blake2b(raw, digest_size=8).hexdigest()}.npy"
    try:
        with _alone(folder):
            if (found := _map(file, head)) is None:
                _write(_read_all(store, manifest, head), file)
                found = _map(file, head)
            _drop_old(folder)
    except OSError as error:
        logger.warning("this worker keeps item factors for itself: %s", error)
        found = None
    return replace(head, factors=_read_all(store, manifest, head) if found is None else found)


def _map(file: Path, head: SessionFactors) -> NDArray[np.float32] | None:
    """The factors in a file; None where it is not there, or holds something else."""
    try:
        found = np.load(file, mmap_mode="r", allow_pickle=False)
        file.touch()
    except (FileNotFoundError, ValueError, EOFError):
        return None
    sound = found.shape == head.factors.shape and found.dtype == np.float32
    return found.view(np.ndarray) if sound else None


def _write(factors: NDArray[np.float32], file: Path) -> None:
    # Written and not mapped for writing: where the disk is full, that is an error and no signal.
    unfinished = file.with_suffix(".new.npy")
    try:
        np.save(unfinished, factors, allow_pickle=False)
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other worker reads factors: the second one finds the file of the first.

    Raises:
        OSError: another one has been reading for too long, or the folder cannot be written.
    """
    until = time.monotonic() + _LOCK_SECONDS
    with (folder / f"{_PREFIX}lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
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
