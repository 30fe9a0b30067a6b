"""Keeps a Redis server running for as long as somebody uses it; run as a process of its own.

`embedded_redis` starts it by file path, without the rest of this project, so it needs only the standard
library and little memory: `python -I -S redis_keeper.py STATE SERVER SOCKET`.

Who uses the server holds a shared lock on `STATE/in-use.lock`. The keeper waits for the exclusive one: when
it gets it, all users are gone, even those that were killed. While it lives it holds `STATE/keeper.lock`.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from types import FrameType

IN_USE = "in-use.lock"
KEEPER = "keeper.lock"
DUMP = "dump.rdb"
LOG = "redis.log"

SAVING_SECONDS = 60.0
"""How long the server may take to write its data when it ends."""

_RAN_SECONDS = 2.0  # a server that lives that long has started
_TRIES = 4
_LONGEST_PAUSE = 5.0


class ToldToEnd(Exception):
    """SIGTERM, from outside or because the server never started."""


def main(state: str, server: str, socket_path: str) -> None:
    """Return once a keeper is at work, in a process of its own."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _told_to_end)
    only_one = os.open(os.path.join(state, KEEPER), os.O_RDWR | os.O_CREAT, 0o600)
    if not _lock_patiently(only_one):
        return
    end_orphan(socket_path)
    # The child inherits the lock, and no user of the server has a child to wait for.
    if os.fork() == 0:
        with suppress(ToldToEnd):
            keep(state, server, socket_path)


def keep(state: str, server: str, socket_path: str) -> None:
    """Keep the server running until nobody uses it."""
    in_use = os.open(os.path.join(state, IN_USE), os.O_RDWR | os.O_CREAT, 0o600)
    kept = KeptServer(state, command(state, server, socket_path))
    kept.start()
    try:
        # Held until this process ends: a user who comes meanwhile waits, then starts a new keeper.
        fcntl.flock(in_use, fcntl.LOCK_EX)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kept.stop()


def command(state: str, server: str, socket_path: str) -> list[str]:
    """Command line of the server: no network, everything in the state folder, nothing ever evicted."""
    settings = {
        "--port": ["0"],
        "--unixsocket": [socket_path],
        "--unixsocketperm": ["700"],
        "--dir": [state],
        "--dbfilename": [DUMP],
        "--save": ["30", "1"],
        "--logfile": [os.path.join(state, LOG)],
        "--maxmemory-policy": ["noeviction"],
        "--daemonize": ["no"],
    }
    return [server, *(word for name, values in settings.items() for word in (name, *values))]


class KeptServer:
    """A server that is started again whenever it ends by itself."""

    def __init__(self, state: str, command: list[str]) -> None:
        self._state = state
        self._command = command
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Keep the server running from a thread."""
        threading.Thread(target=self._keep, daemon=True).start()

    def stop(self) -> None:
        """End the server, and wait until it has saved its data."""
        self._stopping.set()
        with self._starting:
            process = self._process
        if process is None:
            return
        # With its folder removed under it, the server refuses to end because it cannot save.
        if os.path.isdir(self._state):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(SAVING_SECONDS)
        process.kill()
        process.wait()

    def _keep(self) -> None:
        failures, ever_ran = 0, False
        while not self._stopping.is_set():
            started = time.monotonic()
            self._run_once()
            ran = time.monotonic() - started >= _RAN_SECONDS
            ever_ran, failures = ever_ran or ran, 0 if ran else failures + 1
            if not ever_ran and failures >= _TRIES:
                # To the main thread by name, which alone waits in a call that a signal can interrupt.
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
                return
            self._stopping.wait(min(0.1 * 2**failures, _LONGEST_PAUSE))

    def _run_once(self) -> None:
        with self._starting:
            if self._stopping.is_set():
                return
            try:
                self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
            except OSError as error:
                print(f"cannot start {self._command[0]}: {error}", file=sys.stderr, flush=True)
                return
        self._process.wait()


def ping(socket_path: str) -> bytes:
    """What the server at this socket answers to a PING; empty when there is none."""
    return _ask(socket_path, b"PING\r\n")


def end_orphan(socket_path: str) -> None:
    """End a server whose keeper was killed, so that two never share one data file."""
    deadline = time.monotonic() + SAVING_SECONDS
    while ping(socket_path):
        if time.monotonic() > deadline:
            sys.exit(f"a redis-server of before still answers at {socket_path} and does not end")
        _ask(socket_path, b"SHUTDOWN SAVE\r\n")
        time.sleep(0.05)


def _lock_patiently(descriptor: int) -> bool:
    # Users look whether there is a keeper by locking for an instant, which must not pass for a keeper.
    for _ in range(20):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _ask(socket_path: str, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(socket_path)
            connection.sendall(request)
            return connection.recv(512)
        except OSError:
            return b""


def _told_to_end(number: int, frame: FrameType | None) -> None:
    raise ToldToEnd


if __name__ == "__main__":
    main(*sys.argv[1:])
