"""How much of lists, purchases and hits is what the customer had bought before."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.accuracy import hits_of
from recommender.evaluation.intervals import Interval, bootstrap_ratios
from recommender.evaluation.tasks import repeats_of
from recommender.evaluation.window import Window
from recommender.ranking.build import of_mode
from recommender.ranking.lists import ListTable


@dataclass(frozen=True, slots=True)
class RepeatSplit:
    """Shares that are repeats; the rest explores.

    A list of repeats only is often the most accurate and seldom the most useful: read the figures of
    accuracy beside these (Li et al., "A next basket recommendation reality check", TOIS 2023).

    Attributes:
        k: places of a list that count.
        truth: share of the purchases after the cut.
        places: share of the places of the mixed lists; None where every list is empty.
        hits: share of the places that were bought; None where none was.
    """

    k: int
    truth: Interval
    places: Interval | None
    hits: Interval | None


def repeat_split(windows: Sequence[Window], lists: Sequence[ListTable], *, k: int) -> RepeatSplit:
    """Split the purchases, places and hits of mixed lists.

    Args:
        windows: what is judged.
        lists: one table a window, its row r for row r of the window.
        k: places that count.
    """
    counted = np.concatenate(
        [_counts(window, table, k) for window, table in zip(windows, lists, strict=True)]
    )
    customer = np.concatenate([window.customers for window in windows])
    truth, places, hits = bootstrap_ratios(counted[:, :3], counted[:, 3:], customer=customer)
    total = counted.sum(axis=0)
    return RepeatSplit(k, truth, places if total[4] else None, hits if total[5] else None)


def _counts(window: Window, table: ListTable, k: int) -> NDArray[np.float64]:
    """Repeats among purchases, places and hits, then all of each; shape (n, 6)."""
    best = of_mode(table, "mixed", k)
    repeats = repeats_of(window.truth, window.bought)
    row = best.row_of_place()
    return np.stack(
        (
            np.diff(repeats.indptr),
            np.bincount(row[best.bought], minlength=len(window)),
            hits_of(best, repeats, k).sum(axis=1),
            np.diff(window.truth.indptr),
            np.bincount(row, minlength=len(window)),
            hits_of(best, window.truth, k).sum(axis=1),
        ),
        axis=1,
    ).astype(np.float64)
