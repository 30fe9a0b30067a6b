"""A folder for one run of the service: what its workers tell each other, and what they share."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

_PREFIX = "cartlift-"
_LOCK = "in-use"
_SURELY_LOCKED_SECONDS = 60.0
"""A folder is there a moment before its lock is held."""


@contextmanager
def run_folder() -> Iterator[Path]:
    """A folder that is there for as long as the run; what killed runs of this user left is removed first."""
    for folder in Path(gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _remove_if_left(folder)
    with TemporaryDirectory(prefix=_PREFIX) as name, (Path(name) / _LOCK).open("w") as lock:
        # Held by the workers, too: it is free once the last of them has ended, however it did.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(name)


def _remove_if_left(folder: Path) -> None:
    if folder.stat().st_mtime > time.time() - _SURELY_LOCKED_SECONDS:
        return
    with (folder / _LOCK).open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
