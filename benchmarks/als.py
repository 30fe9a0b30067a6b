"""How fast is alternating least squares beside `implicit`: one pass, and all until it finds what it can?

A pass of either solver begins with the same factors and ends at about the same objective. Whole runs are as
`Als` makes them, stopped early, its checks and everything else counted in, beside the library's own fit of
15 iterations; what both find of purchases that neither has seen is compared. Run it with
`python -m benchmarks.als [SHOP …]`; the ratios are kept in benchmarks/results/als.json.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.paired import TIMES, Paired, paired
from benchmarks.results import keep
from benchmarks.top_n import shops
from recommender.models.als import Als
from recommender.models.als_first import sketched
from recommender.models.als_passes import HeldBack, Passes
from recommender.models.als_solver import Factors, objective, one_pass, solver_of
from recommender.ranking.warm_up import warm_up

K = 50
"""Places among which a purchase has to be found."""

FACTORS = (64, 128)

ASKED = 20_000
"""Customers of whom a purchase is held back: of 2,000, what is found is uncertain by a twentieth of it."""

_BLOCK = 64
"""Customers whose scores are held dense at a time."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One shop with one number of factors.

    Attributes:
        customers, items, purchases: its size; a purchase is a customer and an item.
        factors: of each.
        one_pass: seconds of a pass, turn by turn.
        pass_ratio: how many times as fast ours is.
        objective_gap: how much higher our objective is after as many passes, relative to the library's; below
            0 it is better.
        whole: seconds of a whole run, turn by turn.
        whole_ratio: how many times as fast ours is.
        passes: that ours made.
        recall: share of purchases that neither has seen that ours finds among the best 50.
        library_recall: the most that the library found after any of its 15 iterations.
    """

    customers: int
    items: int
    purchases: int
    factors: int
    one_pass: Paired
    pass_ratio: float
    objective_gap: float
    whole: Paired
    whole_ratio: float
    passes: int
    recall: float
    library_recall: float


def measure(bought: csr_array, spec: Als, *, times: int = TIMES) -> Measured:
    """Time single passes, then whole runs.

    Args:
        bought: shape (n_customers, n_items), how often each customer bought each item.
        spec: factors, confidence and pull; the library gets the same.
        times: turns.
    """
    warm_up()
    excess = csr_array(bought, dtype=np.float32)
    excess.data = spec.alpha * np.log1p(excess.data)
    pull = spec.regularization * float(np.sqrt(excess.shape).sum())
    single, gap = _single_passes(excess, pull, spec, times)
    # With another seed than that of the run's own checks.
    held_back = HeldBack.of(excess, spec.seed + 1, ASKED)
    if held_back is None:
        raise ValueError("too few customers to say what is found")
    whole, passes, ours, best = _whole_runs(held_back, pull, spec, times)
    return Measured(
        *(int(size) for size in excess.shape), purchases=int(excess.nnz), factors=spec.factors,
        one_pass=single, pass_ratio=round(single.ratio, 2), objective_gap=gap,
        whole=whole, whole_ratio=round(whole.ratio, 2), passes=passes, recall=ours, library_recall=best,
    )  # fmt: skip


def _single_passes(excess: csr_array, pull: float, spec: Als, times: int) -> tuple[Paired, float]:
    first = sketched(excess, pull, spec.factors, spec.seed)
    reached = {name: first.copy() for name in ("batched", "implicit")}
    solvers = {name: solver_of(name, excess, pull) for name in ("batched", "implicit")}
    took = paired(
        lambda: one_pass(solvers["batched"], reached["batched"]),
        lambda: one_pass(solvers["implicit"], reached["implicit"]),
        times=times,
    )
    ours, theirs = (objective(excess, pull, reached[name]) for name in ("batched", "implicit"))
    return took, (ours - theirs) / theirs


def _whole_runs(held_back: HeldBack, pull: float, spec: Als, times: int) -> tuple[Paired, int, float, float]:
    """Seconds, passes of ours, and what was found."""
    excess = held_back.excess
    confidence = csr_matrix((1 + excess.data, excess.indices, excess.indptr), shape=excess.shape)
    passes = Passes("batched", spec.iterations, spec.least_gain, spec.seed)
    made: list[tuple[Factors, int]] = []

    def ours() -> None:
        made.append(passes.from_nothing(excess, pull, spec.factors))

    def library() -> AlternatingLeastSquares:
        return AlternatingLeastSquares(
            spec.factors, regularization=pull, iterations=spec.iterations, random_state=spec.seed
        )

    with threadpool_limits(1, "blas"):
        took = paired(ours, lambda: library().fit(confidence, show_progress=False), times=times)
        als, found = library(), []
        als.fit(
            confidence,
            show_progress=False,
            callback=lambda *_: found.append(_recall(held_back, Factors(als.user_factors, als.item_factors))),
        )
    factors, passes_made = made[-1]
    return took, passes_made, _recall(held_back, factors), max(found)


def _recall(held_back: HeldBack, factors: Factors) -> float:
    """Share of the purchases held back that stand among a customer's best."""

    def found(start: int) -> NDArray[np.bool_]:
        some = slice(start, start + _BLOCK)
        scores = factors.customers[held_back.customers[some]] @ factors.items.T
        wanted = scores[np.arange(len(scores)), held_back.items[some]]
        scores[held_back.excess[held_back.customers[some]].nonzero()] = -np.inf
        return np.count_nonzero(scores > wanted[:, None], axis=1) < K

    return float(np.concatenate([found(at) for at in range(0, len(held_back.customers), _BLOCK)]).mean())


def table_of(measured: dict[str, list[Measured]]) -> Table:
    """The figures, a shop and a number of factors a row."""
    table = Table(title="ALS beside implicit", title_justify="left")
    headings = (
        "shop", "factors", "pass, times as fast", "objective apart", "run, times as fast", "passes",
        f"recall@{K}", "implicit's best",
    )  # fmt: skip
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "shop" else "right")
    for name, rows in measured.items():
        for row in rows:
            figures = (
                f"{row.factors}", f"{row.pass_ratio:.1f}", f"{row.objective_gap:.1e}",
                f"{row.whole_ratio:.1f}", f"{row.passes}", f"{row.recall:.3f}", f"{row.library_recall:.3f}",
            )  # fmt: skip
            table.add_row(name, *figures)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the shops asked for, or all of them, and keep the figures of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.als", description=__doc__)
    parser.add_argument("shop", nargs="*", help="S, M or the beginning of a real shop's name; by default all")
    parser.add_argument("--factors", type=int, nargs="+", default=FACTORS)
    options, console = parser.parse_args(arguments), Console(width=110)
    measured: dict[str, list[Measured]] = {}
    for name, bought in shops().items():
        if not options.shop or name.startswith(tuple(options.shop)):
            matrix = csr_array(bought())
            measured[name] = [measure(matrix, Als(factors=factors)) for factors in options.factors]
            console.print(table_of(measured))
    if not options.shop:
        kept = keep("als", {name: [asdict(row) for row in rows] for name, rows in measured.items()})
        console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
