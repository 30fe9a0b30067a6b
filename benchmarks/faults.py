"""What do storefronts notice when Redis fails?

Two workers of `cartlift serve` answer a shop of 5,000 customers, known ones, guests and carts, over eight
kept connections while something happens to Redis: killed and restarted, with its data or empty, stopped
(SIGSTOP), emptied, made read-only, out of memory, slow by 100 ms, failed over to its replica. Counted are
answers that were no 200 and connections that broke; measured are the 99th percentile before and during, the
slowest answer, and how long after the end of the fault it took until every worker answered from Redis again.
Run it with `python -m benchmarks.faults`; the figures are kept in benchmarks/results/faults.json, and the
table goes into docs/reliability.md.
"""

import argparse
import http.client
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.load import free_port, running, wait_for
from benchmarks.publish import MadeUpLists
from benchmarks.redis_faults import CUSTOMERS, FAULTS, ITEMS, Fault, Machines, publish, redis_machines
from benchmarks.results import keep, write_between_marks

ASKERS = 8
SECONDS = 5.0

PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"

_PATIENCE = 30.0
_PAUSE = 0.002  # between two questions of one asker


@dataclass
class Asker:
    """Asks over one kept connection, again and again, and notes how long each answer took.

    Attributes:
        seen: when each question was put and the seconds until its answer.
        failures: what came instead of answers.
    """

    port: int
    seed: int
    ids: Sequence[str]
    seen: list[tuple[float, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def run(self, ended: threading.Event) -> None:
        """Until told to end."""
        rng, connection = random.Random(self.seed), None
        while not ended.wait(_PAUSE):
            path, body = self._question(rng)
            began = time.perf_counter()
            try:
                # Opens with the first request, and anew after one that failed.
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                headers = {} if body is None else {"Content-Type": "application/json"}
                connection.request("GET" if body is None else "POST", path, body, headers)
                answer = connection.getresponse()
                said = answer.read()
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {said.decode(errors='replace')[:200]}")
            except (OSError, http.client.HTTPException) as failure:
                self.failures.append(repr(failure))
                connection.close()
                connection = None
            self.seen.append((began, time.perf_counter() - began))
        if connection is not None:
            connection.close()

    def _question(self, rng: random.Random) -> tuple[str, bytes | None]:
        draw = rng.random()
        if draw < 0.6:
            return f"/v1/customers/{rng.choice(self.ids)}/recommendations", None
        if draw < 0.7:
            return "/v1/customers/somebody%20new/recommendations", None
        if draw < 0.8:
            return f"/v1/items/{rng.randrange(ITEMS)}/bought-together", None
        cart = {"cart": [str(rng.randrange(ITEMS)) for _ in range(3)]}
        return "/v1/cart/recommendations", json.dumps(cart).encode()


@dataclass(frozen=True, slots=True)
class Suffered:
    """What was noticed of a fault.

    Attributes:
        fault: its name.
        answers: how many questions were put from its beginning until all was well.
        failed: answers that were none, or no 200.
        why: the first of these.
        p99_before, p99: milliseconds in as long a time before, and from its beginning until all was well.
        worst: milliseconds of the slowest answer.
        live_again: seconds from its end until every worker answered from Redis.
    """

    fault: str
    answers: int
    failed: int
    why: str
    p99_before: float
    p99: float
    worst: float
    live_again: float


def measure(faults: Sequence[Fault] = FAULTS, *, seconds: float = SECONDS) -> list[Suffered]:
    """Let each fault happen once, for so long, after as long without one."""
    lists = MadeUpLists.of(CUSTOMERS, ITEMS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        machines = stack.enter_context(redis_machines(folder))
        publish(machines)
        port = stack.enter_context(_service(folder, machines.relay.port))
        askers = [Asker(port, number, lists.ids) for number in range(ASKERS)]
        with _asking(askers):
            for asker in askers:
                while len(asker.seen) < 500:  # everything was asked for once
                    threading.Event().wait(0.05)
            return [_suffered(fault, machines, askers, port, seconds) for fault in faults]


def _suffered(
    fault: Fault, machines: Machines, askers: Sequence[Asker], port: int, seconds: float
) -> Suffered:
    before = time.perf_counter()
    threading.Event().wait(seconds)
    machines.command("SAVE")
    failed = sum(len(asker.failures) for asker in askers)
    began = time.perf_counter()
    fault.begin(machines)
    threading.Event().wait(seconds)
    fault.end(machines)
    ended = time.perf_counter()
    _wait_until_live(port)
    live = time.perf_counter()
    quiet = [took for asker in askers for put, took in asker.seen if before <= put < began]
    during = [took for asker in askers for put, took in asker.seen if began <= put < live]
    failures = [failure for asker in askers for failure in asker.failures]
    return Suffered(
        fault.name,
        len(during),
        len(failures) - failed,
        failures[failed] if len(failures) > failed else "",
        p99_before=_milliseconds(np.percentile(quiet, 99)),
        p99=_milliseconds(np.percentile(during, 99)),
        worst=_milliseconds(max(during)),
        live_again=round(live - ended, 2),
    )


def _milliseconds(seconds: float) -> float:
    return round(float(seconds) * 1e3, 1)


def _wait_until_live(port: int) -> None:
    """Until twenty new connections in a row, which reach all workers, get a list that was not kept."""
    good, number, deadline = 0, 0, time.monotonic() + _PATIENCE
    while good < 20:
        if time.monotonic() > deadline:
            raise TimeoutError("the service never answered from Redis again")
        number += 1
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        # Another query each time, so that no kept answer is sent.
        connection.request("GET", f"/v1/customers/10000001/recommendations?exclude={number},{time.time_ns()}")
        said = json.loads(connection.getresponse().read())
        connection.close()
        good = good + 1 if not said["stale"] and not said["degraded"] else 0


@contextmanager
def _asking(askers: Sequence[Asker]) -> Iterator[None]:
    ended = threading.Event()
    threads = [threading.Thread(target=asker.run, args=(ended,)) for asker in askers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@contextmanager
def _service(folder: Path, redis: int) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "recommender.training", "serve", "--port", str(port), "--workers", "2"]
    options = ["--redis", f"redis://127.0.0.1:{redis}", "--state", str(folder / "state")]
    with running([*command, *options]):
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield port


def table_of(suffered: Sequence[Suffered]) -> Table:
    """The figures, a fault a row."""
    table = Table(title="While Redis is …", title_justify="left")
    for heading in ("fault", "answers", "failed", "p99 before", "p99", "slowest", "live again"):
        table.add_column(heading, justify="left" if heading == "fault" else "right")
    for row in suffered:
        times = (f"{number:.1f} ms" for number in (row.p99_before, row.p99, row.worst))
        table.add_row(row.fault, f"{row.answers:,}", f"{row.failed}", *times, f"{row.live_again:.2f} s")
    return table


def markdown_of(suffered: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    lines = [
        "| Redis is | answers | failed | p99 before | p99 meanwhile | slowest | live again after |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in suffered:
        times = " | ".join(f"{row[name]:.1f} ms" for name in ("p99_before", "p99", "worst"))
        counts = f"{row['answers']:,} | {row['failed']}"
        lines.append(f"| {row['fault']} | {counts} | {times} | {row['live_again']:.2f} s |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    suffered, console = measure(), Console(width=120)
    console.print(table_of(suffered))
    rows = [asdict(row) for row in suffered]
    write_between_marks(PAGE, "benchmarks.faults", markdown_of(rows))
    kept = keep("faults", rows)
    console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
