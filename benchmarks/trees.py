"""How fast do candidates pass through the ranker's trees, beside LightGBM's own `predict`?

Both are asked for the same scores of the same candidates, on one thread each, by a ranker of the product's
size. Run it with `python -m benchmarks.trees`; the ratio is kept in benchmarks/results/trees.json.
"""

from dataclasses import asdict, dataclass

import lightgbm
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.paired import TIMES, Paired, paired
from benchmarks.results import keep
from recommender.ranking.examples import Examples
from recommender.ranking.ranker import Ranker, TreeRanker

FEATURES = 68
"""As many as the product's ranker has, in a shop with categories."""

CANDIDATES = 50_000
_OF_A_CUSTOMER = 100


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found.

    Attributes:
        trees: of both sets together.
        candidates: that passed through them.
        times: seconds of ours and of LightGBM's, turn by turn.
        ratio: how many times as fast ours is.
        equal: whether every score is the same to the last bit.
    """

    trees: int
    candidates: int
    times: Paired
    ratio: float
    equal: bool


def measure(settings: Ranker, candidates: int = CANDIDATES, *, times: int = TIMES) -> Measured:
    """Learn a ranker from made-up examples, and time both on others."""
    learned = settings.fit(made_up(candidates, seed=0))
    if learned is None:
        raise ValueError("the made-up examples taught no order")
    features = made_up(candidates, seed=1).features
    boosters = [lightgbm.Booster(model_str=text) for text in (learned.order, learned.chance)]
    found: dict[str, list[NDArray[np.float64]]] = {}

    def ours() -> None:
        found["ours"] = [forest.scores(features) for forest in learned.forests]

    def theirs() -> None:
        found["theirs"] = [each.predict(features, raw_score=True, num_threads=1) for each in boosters]

    _compiled_before(learned, features)
    took = paired(ours, theirs, times=times)
    return Measured(
        trees=sum(each.num_trees() for each in boosters),
        candidates=candidates,
        times=took,
        ratio=round(took.ratio, 2),
        equal=all(np.array_equal(a, b) for a, b in zip(found["ours"], found["theirs"], strict=True)),
    )


def _compiled_before(learned: TreeRanker, features: NDArray[np.float32]) -> None:
    for forest in learned.forests:
        forest.scores(features[:1])


def made_up(n: int, *, seed: int) -> Examples:
    """Examples whose outcome hangs on a few of many features, some of them missing."""
    rng = np.random.default_rng(seed)
    features = rng.lognormal(size=(n, FEATURES)).astype(np.float32)
    features[:, ::5][rng.random(features[:, ::5].shape) < 0.3] = np.nan
    wish = np.log(features[:, 1]) + np.log(features[:, 2]) * (features[:, 3] > 1) + rng.normal(size=n)
    bought = wish > np.quantile(wish, 0.95)
    group = np.full(n // _OF_A_CUSTOMER, _OF_A_CUSTOMER)
    return Examples(
        tuple(f"feature_{number}" for number in range(FEATURES)),
        features,
        bought,
        np.ones(n, np.float32),
        group,
    )


def main() -> None:
    """Measure a ranker of the product's size, and keep the ratio."""
    found, console = measure(Ranker()), Console()
    same = "the same scores to the last bit" if found.equal else "other scores"
    console.print(
        f"{found.trees} trees, {found.candidates:,} candidates: {found.ratio:.1f} times as fast as LightGBM, "
        f"{same}",
        highlight=False,
    )
    console.print(f"kept in {keep('trees', asdict(found))}", highlight=False)


if __name__ == "__main__":
    main()
