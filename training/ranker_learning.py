"""The ranker, learned where a shop is large enough, and in words what orders the lists."""

from recommender.ranking.examples import Examples
from recommender.ranking.ranker import TreeRanker

from .progress import Progress
from .settings import Settings


def learned_ranker(
    examples: list[Examples], settings: Settings, progress: Progress
) -> tuple[TreeRanker | None, str]:
    """The ranker, and in words what orders the candidates and why; None where the blend has to."""
    ranker = settings.ranker
    customers = sum(len(found.group) for found in examples)
    if ranker.windows == 0:
        return None, "the blend of the models, as [ranker] windows = 0 says"
    if customers < ranker.fewest_customers:
        return None, (
            f"the blend of the models: {_bought_again(customers)} in {_earlier_windows(examples)}, "
            f"and the ranker learns from {ranker.fewest_customers} or more"
        )
    with progress.step("Learn the ranker"):
        trees = ranker.fit(Examples.stack(examples))
    if trees is None:
        return (
            None,
            f"the blend of the models: trees learned no order from {customers:,} examples of a customer",
        )
    # A customer who bought again in each of three windows is three examples.
    found = f"{customers:,} examples of a customer who bought again"
    return trees, f"trees, learned from {found} in {_earlier_windows(examples)}"


def _bought_again(customers: int) -> str:
    match customers:
        case 0:
            return "nobody bought again"
        case 1:
            return "only 1 example of a customer who bought again"
        case _:
            return f"only {customers:,} examples of a customer who bought again"


def _earlier_windows(examples: list[Examples]) -> str:
    # A customer counts in each: without their number three of them would read as three customers.
    match len(examples):
        case 0:
            return "earlier windows"
        case 1:
            return "one earlier window"
        case windows:
            return f"{windows} earlier windows"
