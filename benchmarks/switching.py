"""Does any answer fail or mix snapshots while snapshots are switched and workers replaced?

Two workers of `cartlift serve` answer customers, items and carts over eight kept connections, 100,000
questions in all, while two snapshots take turns as the live one, every half second, and the workers are
replaced one after the other (SIGUSR1) again and again. The lists of each snapshot hold items that no list of
the other holds, so an answer that is put together from both is seen. Run it with
`python -m benchmarks.switching`; the figures are kept in benchmarks/results/switching.json, and the sentence
goes into docs/reliability.md.
"""

import argparse
import http.client
import json
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console

from benchmarks.load import free_port, own_redis, running, wait_for
from benchmarks.results import keep, write_between_marks
from recommender.ranking.lists import SOURCES, RecommendationList
from recommender.snapshot.encoding import (
    FORMAT_VERSION,
    ItemRecord,
    StoredManifest,
    encode_items,
    entry_key,
)
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.rows import encode_list
from recommender.snapshot.store import Entry

QUESTIONS = 100_000

PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"

_ASKERS = 8
_CUSTOMERS, _ITEMS, _PLACES = 2_000, 1_000, 50
_SNAPSHOTS = ("even", "odd")
_SWITCH_SECONDS = 0.5
_REPLACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Switched:
    """What was seen.

    Attributes:
        answers: to so many questions.
        failed: answers that were none, or no 200.
        mixed: answers that named one snapshot and had items of the other.
        switches: how often another snapshot was made the live one.
        replacements: how often all workers were told to be replaced.
        seen: snapshots that answers named.
        why: what was wrong with the first answer that failed or was mixed.
    """

    answers: int
    failed: int
    mixed: int
    switches: int
    replacements: int
    seen: tuple[str, ...]
    why: str = ""


@dataclass
class _Asker:
    port: int
    seed: int
    left: int
    seen: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)

    def run(self) -> None:
        rng, connection = random.Random(self.seed), None
        while self.left > 0:
            self.left -= 1
            path, body = _question(rng)
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request(
                    "GET" if body is None else "POST", path, body, {"Content-Type": "application/json"}
                )
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException) as failure:
                self.failed.append(repr(failure))
                connection.close()
                connection = None
                continue
            if answer.status != 200:
                self.failed.append(f"{answer.status} {said.decode(errors='replace')[:200]}")
            else:
                self._check(path, json.loads(said))
        if connection is not None:
            connection.close()

    def _check(self, path: str, said: Mapping[str, Any]) -> None:
        snapshot = said["snapshot"]
        self.seen.add(snapshot)
        parity = _SNAPSHOTS.index(snapshot)
        if not said["items"] or any(int(item["item_id"]) % 2 != parity for item in said["items"]):
            self.mixed.append(f"{path}: {json.dumps(said)[:300]}")


def _question(rng: random.Random) -> tuple[str, bytes | None]:
    draw = rng.random()
    if draw < 0.6:
        return f"/v1/customers/{rng.randrange(_CUSTOMERS)}/recommendations", None
    if draw < 0.7:
        return "/v1/best-sellers", None
    if draw < 0.8:
        return f"/v1/items/{rng.randrange(_ITEMS)}/bought-together", None
    cart = {"cart": [str(rng.randrange(_ITEMS)) for _ in range(3)], "customer_id": str(rng.randrange(50))}
    return "/v1/cart/recommendations", json.dumps(cart).encode()


def measure(*, questions: int = QUESTIONS, replace_seconds: float = _REPLACE_SECONDS) -> Switched:
    """Ask so many questions while snapshots and workers come and go."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, _ = stack.enter_context(own_redis(folder))
        store = RedisStore(stack.enter_context(connect(url)), "shop")
        for parity, snapshot in enumerate(_SNAPSHOTS):
            store.write(snapshot, list(_entries(snapshot, parity)))
        store.activate(_SNAPSHOTS[0])
        port = free_port()
        command = [sys.executable, "-m", "recommender.training", "serve", "--port", str(port)]
        options = ["--workers", "2", "--redis", url, "--state", str(folder / "state")]
        process = stack.enter_context(running([*command, *options]))
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        askers = [_Asker(port, number, questions // _ASKERS) for number in range(_ASKERS)]
        threads = [threading.Thread(target=asker.run) for asker in askers]
        for thread in threads:
            thread.start()
        switches = replacements = 0
        replaced = time.monotonic()
        while any(thread.is_alive() for thread in threads):
            threading.Event().wait(_SWITCH_SECONDS)
            switches += 1
            store.activate(_SNAPSHOTS[switches % 2])
            if time.monotonic() - replaced > replace_seconds:
                process.send_signal(signal.SIGUSR1)
                replaced, replacements = time.monotonic(), replacements + 1
        failed = [why for asker in askers for why in asker.failed]
        mixed = [why for asker in askers for why in asker.mixed]
        answers = questions // _ASKERS * _ASKERS
        seen = tuple(sorted(set().union(*(asker.seen for asker in askers))))
        return Switched(
            answers, len(failed), len(mixed), switches, replacements, seen, next(iter(failed + mixed), "")
        )


def _entries(snapshot: str, parity: int) -> Iterator[Entry]:
    """A shop of which every list holds items of one parity only."""
    rng = np.random.default_rng(parity)
    chunks = list(encode_items([ItemRecord(str(item)) for item in range(_ITEMS)]))
    manifest = StoredManifest(
        format=FORMAT_VERSION,
        snapshot=snapshot,
        generated_at="2026-11-21T05:00:00Z",
        data_until="2026-11-21T04:00:00Z",
        sources=SOURCES,
        n_customers=_CUSTOMERS,
        n_items=_ITEMS,
        item_chunks=len(chunks),
        categories=(),
        pages={},
    )
    yield from ((entry_key("items", str(number)), chunk) for number, chunk in enumerate(chunks))
    for kind, ids in (
        ("best-sellers", [""]),
        ("customer", _ids(_CUSTOMERS)),
        ("bought-together", _ids(_ITEMS)),
    ):
        for id_ in ids:
            items = (rng.permutation(_ITEMS // 2)[:_PLACES] * 2 + parity).astype(np.int32)
            scores = np.linspace(1, 0.1, _PLACES, dtype=np.float32)
            of_one = RecommendationList(items, scores, np.zeros(_PLACES, np.uint8), np.zeros(_PLACES, bool))
            yield entry_key(kind, id_), encode_list(of_one)
    yield entry_key("manifest"), msgspec.json.encode(manifest)


def _ids(n: int) -> list[str]:
    return list(map(str, range(n)))


def markdown_of(switched: Mapping[str, Any]) -> str:
    """The figures in a sentence."""
    return (
        f"{switched['answers']:,} questions while the snapshot was switched {switched['switches']:,} times "
        f"and all workers were replaced {switched['replacements']} times: {switched['failed']} failed, "
        f"{switched['mixed']} had items of another snapshot than they named.\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.switching",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    switched, console = asdict(measure()), Console(width=120)
    console.print(markdown_of(switched), switched["why"])
    write_between_marks(PAGE, "benchmarks.switching", markdown_of(switched))
    kept = keep("switching", switched)
    console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
