"""Lists beside what was then bought, customer by customer: what tables and reports are made of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.accuracy import Marked
from recommender.evaluation.comparison import Comparison, compare, corrected
from recommender.evaluation.health import Health, health_of, pooled_health
from recommender.evaluation.judge import Verdict, judge, marked_on
from recommender.evaluation.repeats import repeat_split
from recommender.evaluation.slices import FEWEST_CUSTOMERS, Slice, categories_of, groups_of, slices
from recommender.evaluation.tasks import TASKS
from recommender.evaluation.window import Window
from recommender.ranking.build import of_mode
from recommender.ranking.lists import ListTable

OURS = "ours"
"""Name of the lists that are judged."""

BEST_SELLERS = "best sellers"
"""Name of the baseline."""

SLICED_TASKS = ("all", "discover")
"""Tasks whose figures are told for every group of customers."""


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """A method beside ours on one task.

    Attributes:
        task: see `tasks.TASKS`.
        method: nDCG@k of the method, and its difference to ours.
    """

    task: str
    method: Comparison


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Lists of one or more methods for the same customers in the same windows.

    A *row* is one judged list: a customer in a window. Rows are numbered through the windows, newest first.

    Attributes:
        catalog: what is known of the items; its vocabulary is that of every list and window.
        customers: ids of the log's customers.
        windows: what is judged, newest first.
        lists: one table a window by name of the method, row r for `windows[w].customers[r]`: `OURS`,
            `BEST_SELLERS`, then the others in the order of the comparison.
        eligible: shape (n_items,) a window, items that our lists may show.
        k: places that count where there is one figure only.
        ks: lengths of list that are judged.
        findings: what is odd about the judging, in sentences.
    """

    catalog: Catalog
    customers: Vocabulary
    windows: tuple[Window, ...]
    lists: Mapping[str, tuple[ListTable, ...]]
    eligible: tuple[NDArray[np.bool_], ...]
    k: int
    ks: tuple[int, ...]
    findings: tuple[str, ...] = ()

    @property
    def customer(self) -> NDArray[np.int32]:
        """Customer of every row, shape (n_rows,), positions in `customers`."""
        return np.concatenate([window.customers for window in self.windows])

    @property
    def others(self) -> tuple[str, ...]:
        """Methods that ours are compared with."""
        return tuple(name for name in self.lists if name not in (OURS, BEST_SELLERS))

    def row(self, row: int) -> tuple[int, int]:
        """Number of a row's window, and the row's number in it."""
        starts = np.cumsum([0, *map(len, self.windows)])
        window = int(np.searchsorted(starts, row, side="right")) - 1
        return window, row - int(starts[window])

    def marked(self, task: str = "all", name: str = OURS, n_places: int | None = None) -> Marked:
        """Every row's list of the task's mode, marked place by place.

        Args:
            task: see `tasks.TASKS`.
            name: of the method.
            n_places: places that are marked; by default as many as the longest of `ks`.
        """
        return marked_on(task, self.windows, self.lists[name], n_places or max(self.k, *self.ks))

    def values(
        self, metric: str, task: str = "all", k: int | None = None, name: str = OURS
    ) -> NDArray[np.float64]:
        """A metric of every row, shape (n_rows,); NaN where the customer bought nothing that counts.

        Args:
            metric: see `accuracy.METRICS`.
            task: see `tasks.TASKS`.
            k: places that count; by default `Evaluation.k`.
            name: of the method.
        """
        places = k or self.k
        return self.marked(task, name, places).values(metric, places)

    def health(self, name: str = OURS) -> Health:
        """Health of a method's lists, each window weighing as much as it has lists."""
        _, category = categories_of(self.catalog)
        healths = [
            health_of(window, table, sold, eligible=eligible, category=category, k=self.k)
            for window, table, sold, eligible in zip(
                self.windows, self.lists[name], self.lists[BEST_SELLERS], self.eligible, strict=True
            )
        ]
        return pooled_health(healths, [len(window) for window in self.windows])

    def slices(self, task: str) -> Iterator[Slice]:
        """Figures of every group of customers on a task."""
        ours, theirs = (self.values("ndcg", task, name=name) for name in (OURS, BEST_SELLERS))
        for groups in groups_of(self.windows, *categories_of(self.catalog)):
            yield from slices(groups, task, ours, theirs, self.customer)

    def verdict(self) -> Verdict:
        """What one table, or a snapshot's manifest, should say."""
        ours, newest = self.lists[OURS], self.windows[0]
        tasks = judge(self.windows, ours, self.lists[BEST_SELLERS], k=self.k, ks=self.ks)
        nothing_cold = not _shows_cold_items(self.windows, ours)
        findings = _findings(self.windows, nothing_cold=nothing_cold)
        return Verdict(
            cut=newest.cut,
            days=newest.days,
            k=self.k,
            cuts=tuple(window.cut for window in self.windows),
            tasks=tuple(f for f in tasks if not (f.task == "cold_items" and nothing_cold)),
            health=self.health(),
            baseline_health=self.health(BEST_SELLERS),
            repeats=repeat_split(self.windows, ours, k=self.k),
            slices=tuple(one for task in SLICED_TASKS for one in self.slices(task)),
            findings=(*self.findings, *findings),
        )


def compared(evaluation: Evaluation) -> tuple[TaskComparison, ...]:
    """The other methods beside ours on every task, with Holm's correction over all of these rows."""
    rows = [
        (task, method)
        for task in TASKS
        for method in compare(
            evaluation.values("ndcg", task),
            {name: evaluation.values("ndcg", task, name=name) for name in evaluation.others},
            customer=evaluation.customer,
        )
        if method.customers
    ]
    adjusted = corrected([method for _, method in rows])
    return tuple(TaskComparison(task, method) for (task, _), method in zip(rows, adjusted, strict=True))


def _shows_cold_items(windows: Sequence[Window], lists: Sequence[ListTable]) -> bool:
    shown = (
        of_mode(table, TASKS["cold_items"], len(window.known))
        for window, table in zip(windows, lists, strict=True)
    )
    return any((~window.known[table.items]).any() for window, table in zip(windows, shown, strict=True))


def _findings(windows: Sequence[Window], *, nothing_cold: bool) -> Iterator[str]:
    customers = len(np.unique(np.concatenate([window.customers for window in windows])))
    if customers < FEWEST_CUSTOMERS:
        yield f"only {customers} customers ordered again: the intervals say little"
    cold, known = (sum(getattr(window, name).nnz for window in windows) for name in ("new_items", "truth"))
    if cold and nothing_cold:
        share = cold / (cold + known)
        yield (
            f"{share:.0%} of what was bought after the cut are items too new or too rare to be known at it: "
            "no list holds one"
        )
