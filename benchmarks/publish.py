"""How fast do customers' lists get into Redis, beside a redis-py pipeline, and what does each cost there?

The lists are made up: 50 places a customer, with scores. Ours encodes them, writes them as pages of rows with
all its bookkeeping, and as a second figure does all that `cartlift publish` does: checks, writes, reads back,
switches. Theirs is given the very same rows already encoded, and sends a SET a customer, or MSETs. All take
turns on one private Redis behind a unix socket, emptied in between. Run it with
`python -m benchmarks.publish [SHOP …]`; the figures are kept in benchmarks/results/publish.json.
"""

import argparse
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np
import redis
from rich.console import Console
from rich.table import Table

from benchmarks.paired import TIMES, Paired, paired
from benchmarks.results import keep
from recommender.ranking.lists import SOURCES, ListTable
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.encoding import FORMAT_VERSION, ItemRecord, StoredManifest, encode_items, entry_key
from recommender.snapshot.paged_rows import PagedRows, RowOwners, paged_ranks
from recommender.snapshot.pages import decode_page
from recommender.snapshot.redis_servers import in_chunks
from recommender.snapshot.redis_store import RedisStore, connect
from recommender.snapshot.rows import encode_list
from recommender.snapshot.store import Entry
from recommender.training.publish import publish

PLACES = 50

GENERATED = {"S/4": (25_000, 10_000), "S": (100_000, 10_000), "M": (500_000, 50_000)}
"""Shop → customers, items."""

PIPELINED = 1_000
"""Commands that the pipeline holds at a time; ten times as many are no faster."""

_SNAPSHOT = "20261121T040000Z-01234567"


@dataclass(frozen=True, slots=True)
class MadeUpLists:
    """A publication of one list a customer.

    Attributes:
        ids: of the customers.
        items: how many there are.
        table: the lists, a row a customer.
    """

    ids: tuple[str, ...]
    items: int
    table: ListTable

    @classmethod
    def of(cls, customers: int, items: int) -> "MadeUpLists":
        """Lists of random items, ids of eight digits, scores that fall as those of models do."""
        rng = np.random.default_rng(0)
        n, steps = customers * PLACES, np.arange(PLACES) * (items // PLACES)
        table = ListTable(
            np.arange(0, n + 1, PLACES),
            ((rng.integers(0, items, (customers, 1)) + steps) % items).astype(np.int32).ravel(),
            np.sort(rng.exponential(size=(customers, PLACES)))[:, ::-1].astype(np.float32).ravel(),
            rng.integers(0, len(SOURCES), n).astype(np.uint8),
            rng.random(n) < 0.3,
        )
        return cls(tuple(str(10_000_000 + number) for number in range(customers)), items, table)

    @property
    def snapshot_id(self) -> str:
        """Always the same."""
        return _SNAPSHOT

    def rows(self) -> PagedRows:
        """The lists, as a real publication encodes them."""
        return paged_ranks("customer", RowOwners.of(self.ids), self.table, wide=False)

    def entries(self) -> Iterator[Entry]:
        """The lists and what a service reads before them."""
        for chunk, value in enumerate(encode_items([ItemRecord(str(item)) for item in range(self.items)])):
            yield entry_key("items", str(chunk)), value
        yield entry_key("best-sellers"), encode_list(self.table.row(0))
        rows = self.rows()
        yield from rows.entries()
        yield entry_key("manifest"), msgspec.json.encode(self.manifest(rows.pages))

    def manifest(self, pages: int) -> StoredManifest:
        """What a service reads first."""
        return StoredManifest(
            format=FORMAT_VERSION,
            snapshot=self.snapshot_id,
            generated_at="2026-11-21T05:00:00Z",
            data_until="2026-11-21T04:00:00Z",
            sources=SOURCES,
            n_customers=len(self.ids),
            n_items=self.items,
            item_chunks=sum(1 for _ in range(0, self.items, 2_000)),
            categories=(),
            pages={"customer": pages},
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """One shop.

    Attributes:
        customers: lists.
        written: seconds of our encoding and writing and of the pipeline of SETs, turn by turn.
        published: seconds of our whole publication and of the pipeline.
        by_mset: seconds of our encoding and writing and of MSETs of one key a customer.
        ratios: how many times as fast ours is, in the same order.
        bytes: what a customer's list costs in Redis, everything counted: ours, and a key a customer.
        expected: what ours was expected to cost before it was written.
    """

    customers: int
    written: Paired
    published: Paired
    by_mset: Paired
    ratios: tuple[float, float, float]
    bytes: tuple[float, float]
    expected: float


def measure(customers: int, items: int, *, times: int = TIMES) -> Measured:
    """Write made-up lists in every way, by turns."""
    source = MadeUpLists.of(customers, items)
    plain = {
        f"cartlift:1:shop:{_SNAPSHOT}:customer:{{{id_}}}": row
        for _, page in source.rows().entries()
        for id_, row in decode_page(page).items()
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        running_redis(Path(folder), os.environ.get("PATH", "")) as url,
        connect(url) as client,
    ):
        client.config_set("save", "")

        def ours() -> None:
            RedisStore(client, "shop").write(_SNAPSHOT, source.rows().entries())

        def whole() -> None:
            publish(source, RedisStore(client, "shop"))

        def pipeline() -> None:
            for part in in_chunks(plain.items(), PIPELINED):
                with client.pipeline(transaction=False) as commands:
                    for key, value in part:
                        commands.set(key, value)
                    commands.execute()

        def msets() -> None:
            for part in in_chunks(plain.items(), 200):
                client.mset(dict(part))

        def emptied(work: Callable[[], None]) -> Callable[[], None]:
            # A publication clears away what an earlier one left; here nothing is left.
            return lambda: (client.flushall(), work())[1]

        expected = RedisStore(client, "shop").capacity(
            source.rows().pages, sum(len(key) + len(value) for key, value in source.rows().entries())
        )
        written, published, by_mset = (
            paired(emptied(one), emptied(other), times=times)
            for one, other in ((ours, pipeline), (whole, pipeline), (ours, msets))
        )
        return Measured(
            customers=customers,
            written=written,
            published=published,
            by_mset=by_mset,
            ratios=tuple(round(pair.ratio, 2) for pair in (written, published, by_mset)),
            bytes=tuple(round(_taken(client, work) / customers, 1) for work in (ours, pipeline)),
            expected=round(expected.needed / customers, 1),
        )


def _taken(client: "redis.Redis", work: Callable[[], None]) -> int:
    """Bytes of memory that Redis takes for it."""
    client.flushall()
    before = client.info("memory")["used_memory"]
    work()
    return int(client.info("memory")["used_memory"]) - int(before)


def growth(measured: dict[str, Measured]) -> float:
    """Exponent of the time that writing takes, between the smallest and the largest shop."""
    small, *_, large = sorted(measured.values(), key=lambda row: row.customers)
    longer = min(large.written.ours) / min(small.written.ours)
    return math.log(longer) / math.log(large.customers / small.customers)


def table_of(measured: dict[str, Measured]) -> Table:
    """The figures, a shop a row."""
    table = Table(title=f"Lists of {PLACES} places into Redis", title_justify="left")
    for heading in (
        "shop", "customers", "lists/s", "× SETs", "whole, × SETs", "× MSETs",
        "bytes a customer", "expected", "a key each",
    ):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "shop" else "right")
    for name, row in measured.items():
        rate = row.customers / min(row.written.ours)
        ratios = (f"{ratio:.1f}" for ratio in row.ratios)
        sizes = (f"{size:.0f}" for size in (row.bytes[0], row.expected, row.bytes[1]))
        table.add_row(name, f"{row.customers:,}", f"{rate:,.0f}", *ratios, *sizes)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the shops asked for, or all of them, and keep the figures of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description=__doc__)
    parser.add_argument("shop", nargs="*", help=f"{', '.join(GENERATED)}; by default all")
    options, console = parser.parse_args(arguments), Console(width=130)
    measured = {}
    for name, size in GENERATED.items():
        if not options.shop or name in options.shop:
            measured[name] = measure(*size)
            console.print(table_of(measured))
    if not options.shop:
        figures = {name: asdict(row) for name, row in measured.items()}
        exponent = round(growth(measured), 3)
        console.print(f"growth exponent of writing: {exponent}", highlight=False)
        kept = keep("publish", {"shops": figures, "growth": exponent})
        console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
