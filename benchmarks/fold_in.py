"""How long does a session take to be placed among the factors, beside implicit's recommend(recalculate_user)?

Both are given the factors of 50,000 items and the same sessions of 20 items looked at, solve the equations of
ALS, score every item, and hand over the best 50. Ours goes by what a snapshot holds, which is at most 64
directions of the factors, divides each score by the root of the item's length and leaves out what may not be
proposed, as the service needs it. Both have one thread, as a worker of the service has. Run it with
`python -m benchmarks.fold_in`; the ratios are kept in benchmarks/results/fold_in.json.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.paired import TIMES, Paired, paired
from benchmarks.results import keep
from recommender.ranking.session_factors import CONFIDENCE, LENGTH, SessionFactors

ITEMS, VIEWED = 50_000, 20
FACTORS = (64, 128)
SESSIONS = 500
PULL = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of factors.

    Attributes:
        times: seconds of ours and of implicit's for all sessions, turn by turn.
        milliseconds: of ours, a session.
        share: time that ours takes as a share of implicit's.
    """

    times: Paired
    milliseconds: float
    share: float


def measure(n_factors: int, *, items: int = ITEMS, sessions: int = SESSIONS, times: int = TIMES) -> Measured:
    """Time both on made-up factors.

    Args:
        n_factors: of each item.
        items: how many there are.
        sessions: a turn.
        times: turns.
    """
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(items, n_factors)).astype(np.float32)
    everybodys = np.full(items, sessions)
    ours = SessionFactors.of(factors, factors.T @ factors, PULL, listed=everybodys, buyers=everybodys)
    viewed = [np.sort(rng.choice(items, VIEWED, replace=False)).astype(np.int32) for _ in range(sessions)]
    with threadpool_limits(1, "blas"):
        als = AlternatingLeastSquares(factors=n_factors, regularization=PULL, num_threads=1)
        als.item_factors, als.user_factors = factors, np.zeros((1, n_factors), np.float32)
        confidence = np.full(VIEWED, 1 + CONFIDENCE, np.float32)
        rows = [csr_matrix((confidence, some, [0, VIEWED]), shape=(1, items)) for some in viewed]

        def by_us() -> None:
            for some in viewed:
                ours.list_for(some)

        def by_implicit() -> None:
            for row in rows:
                als.recommend(0, row, N=LENGTH, recalculate_user=True, filter_already_liked_items=False)

        paired(by_us, by_implicit, times=1)  # warms both up
        took = paired(by_us, by_implicit, times=times)
    return Measured(
        times=took,
        milliseconds=round(min(took.ours) / sessions * 1e3, 3),
        share=round(1 / took.ratio, 2),
    )


def table_of(measured: dict[str, Measured]) -> Table:
    """The figures, a number of factors a row."""
    title = f"A session of {VIEWED} items among {ITEMS:,}, beside implicit's recommend(recalculate_user)"
    table = Table(title=title, title_justify="left")
    for heading in ("factors of the model", "ms", "share of implicit's time"):
        table.add_column(heading, justify="right")
    for name, row in measured.items():
        table.add_row(name, f"{row.milliseconds:.2f}", f"{row.share:.2f}")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and keep the figures."""
    argparse.ArgumentParser(
        prog="python -m benchmarks.fold_in",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    console = Console(width=110)
    measured = {str(n_factors): measure(n_factors) for n_factors in FACTORS}
    console.print(table_of(measured))
    kept = keep("fold_in", {name: asdict(row) for name, row in measured.items()})
    console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
