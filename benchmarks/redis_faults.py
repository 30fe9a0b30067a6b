"""Everything that can happen to a Redis, and a Redis that it happens to."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import free_port
from benchmarks.publish import MadeUpLists
from recommender.snapshot.embedded_redis import find_server
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.rows import encode_lists

CUSTOMERS, ITEMS = 5_000, 500
SLOW_SECONDS = 0.1

_PATIENCE = 30.0


class Relay:
    """A port in front of Redis that can be slow, and can be led to another Redis."""

    def __init__(self, upstream: int) -> None:
        self.upstream, self.delay = upstream, 0.0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def lead_to(self, upstream: int) -> None:
        """Cut every connection, and connect new ones to another Redis."""
        self.upstream = upstream
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Accept no more."""
        self._server.close()
        self.lead_to(self.upstream)

    def _accept(self) -> None:
        while True:
            try:
                near = self._server.accept()[0]
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.upstream), timeout=1)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for connection in (near, far):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {near, far}
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, from_: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := from_.recv(1 << 16):
                if self.delay:
                    threading.Event().wait(self.delay / 2)  # there and back
                to.sendall(data)
        for connection in (from_, to):
            self._open.discard(connection)
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        from_.close()  # the other thread closes the other one


@dataclass
class Machines:
    """A Redis with a replica, behind a relay.

    Attributes:
        folder: where the first one keeps its data.
        redis, replica: their ports.
        relay: what the service connects to.
        process: of the first one.
    """

    folder: Path
    redis: int
    replica: int
    relay: Relay
    process: subprocess.Popen[bytes]

    def command(self, *words: str) -> object:
        """Ask the first one."""
        with connect(f"redis://127.0.0.1:{self.redis}") as client:
            return client.execute_command(*words)

    def restart(self) -> None:
        """Start it again with the data in its folder."""
        self.process = _redis(self.folder, self.redis)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to Redis.

    Attributes:
        name: for people.
        begin: makes it happen.
        end: makes it good again.
    """

    name: str
    begin: Callable[[Machines], object]
    end: Callable[[Machines], object]


def _restart_empty(machines: Machines) -> None:
    (machines.folder / "dump.rdb").unlink()
    machines.restart()
    publish(machines)


def _fail_over(machines: Machines) -> None:
    machines.kill()
    with connect(f"redis://127.0.0.1:{machines.replica}") as client:
        client.execute_command("REPLICAOF", "NO", "ONE")
    machines.relay.lead_to(machines.replica)


def _fail_back(machines: Machines) -> None:
    machines.restart()
    machines.relay.lead_to(machines.redis)
    with connect(f"redis://127.0.0.1:{machines.replica}") as client:
        client.execute_command("REPLICAOF", "127.0.0.1", str(machines.redis))


def _slow(seconds: float) -> Callable[[Machines], None]:
    def make(machines: Machines) -> None:
        machines.relay.delay = seconds

    return make


FAULTS = (
    Fault("killed, restarted", Machines.kill, Machines.restart),
    Fault(
        "stopped (SIGSTOP)",
        lambda machines: machines.process.send_signal(signal.SIGSTOP),
        lambda machines: machines.process.send_signal(signal.SIGCONT),
    ),
    Fault("emptied", lambda machines: machines.command("FLUSHALL"), lambda machines: publish(machines)),
    Fault(
        "read-only",
        lambda machines: machines.command("REPLICAOF", "127.0.0.1", "1"),
        lambda machines: machines.command("REPLICAOF", "NO", "ONE"),
    ),
    Fault(
        "out of memory",
        lambda machines: machines.command("CONFIG", "SET", "maxmemory", "1"),
        lambda machines: machines.command("CONFIG", "SET", "maxmemory", "0"),
    ),
    Fault("slow by 100 ms", _slow(SLOW_SECONDS), _slow(0.0)),
    Fault("killed, restarted empty", Machines.kill, _restart_empty),
    Fault("failed over", _fail_over, _fail_back),
)


def publish(machines: Machines) -> None:
    """Publish the shop into the first Redis."""
    lists = MadeUpLists.of(CUSTOMERS, ITEMS)
    rows = encode_lists(lists.table.rows(slice(0, ITEMS)))
    beside = [(entry_key("bought-together", str(item)), row) for item, row in enumerate(rows)]
    with connect(f"redis://127.0.0.1:{machines.redis}") as client:
        store = RedisStore(client, "shop")
        store.write(lists.snapshot_id, [*lists.entries(), *beside])
        store.activate(lists.snapshot_id)


@contextmanager
def redis_machines(folder: Path) -> Iterator[Machines]:
    first, second = folder / "redis", folder / "replica"
    for home in (first, second):
        home.mkdir()
    ports = free_port(), free_port()
    process = _redis(first, ports[0])
    replica = _redis(second, ports[1], "--replicaof", "127.0.0.1", str(ports[0]))
    machines = Machines(first, *ports, Relay(ports[0]), process)
    try:
        yield machines
    finally:
        machines.relay.close()
        machines.process.send_signal(signal.SIGCONT)
        for server in (machines.process, replica):
            server.kill()
            server.wait()


def _redis(folder: Path, port: int, *more: str) -> subprocess.Popen[bytes]:
    command = [str(find_server(os.environ["PATH"])), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    options = ["--dir", str(folder), "--repl-diskless-sync-delay", "0", *more]
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)
    with connect(f"redis://127.0.0.1:{port}") as client:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with suppress(Exception):
                if client.ping():
                    break
            threading.Event().wait(0.02)
    return process
