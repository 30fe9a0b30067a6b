"""`cartlift serve` as a process of its own, for tests that ask it over HTTP."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 30.0  # seconds until we say that something never happened


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict:
        return json.loads(self.body)


@dataclass
class Service:
    """A running `cartlift serve`."""

    process: subprocess.Popen
    port: int
    log: Path

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own, so that every worker gets its share."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(
                method, path, body, {key.replace("_", "-"): value for key, value in headers.items()}
            )
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> dict:
        answer = self.ask(path)
        assert answer.status == 200, answer.body
        return answer.json()

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.ask("/health/ready").status == 200
        except OSError:
            return False

    def workers(self) -> list[int]:
        return children(self.process.pid)


@dataclass
class Hammer:
    """Asks one question again and again from a thread, and keeps every answer."""

    service: Service
    path: str
    answers: list[Answer] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def __enter__(self) -> "Hammer":
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers.append(self.service.ask(self.path))
            except Exception as failure:
                self.failures.append(failure)


def eventually(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        threading.Event().wait(0.02)


def children(pid: int) -> list[int]:
    return [
        int(child) for child in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True).stdout.split()
    ]


def parent(pid: int) -> int:
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True).stdout)


def is_running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state) and not state.startswith("Z")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def started(log: Path, *options: str, port: int | None = None) -> Iterator[Service]:
    port = port or free_port()
    command = [
        sys.executable,
        "-m",
        "recommender.training",
        "serve",
        "--port",
        str(port),
        "--workers",
        "2",
        *options,
    ]
    with log.open("wb") as output:
        # A session of its own, as a terminal gives it: Ctrl-C reaches the whole group.
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Under nohup the tests themselves ignore a hang-up, and would hand that down.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
    try:
        yield Service(process, port, log)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(PATIENCE)
