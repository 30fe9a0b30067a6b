"""Lists beside what was then bought, customer by customer: what tables and reports are made of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.accuracy import Marked
from recommender.evaluation.comparison import Comparison, compare, corrected
from recommender.evaluation.cross_sell import CART_TASKS, Answer, Carts
from recommender.evaluation.health import Health, health_of, pooled_health
from recommender.evaluation.judge import Figures, Verdict, figures_of, judge, marked_on
from recommender.evaluation.repeats import repeat_split
from recommender.evaluation.reranked import Reranked
from recommender.evaluation.slices import FEWEST_CUSTOMERS, Slice, categories_of, groups_of, slices
from recommender.evaluation.tasks import TASKS
from recommender.evaluation.window import Window
from recommender.ranking.build import of_mode
from recommender.ranking.lists import ListTable

OURS = "ours"
"""Name of the lists that are judged."""

BEST_SELLERS = "best sellers"
"""Name of the baseline."""

COUNTS = "orders in common"
"""Name of what carts are answered from without any statistics: how many orders hold both items."""

SLICED_TASKS = ("all", "discover")
"""Tasks whose figures are told for every group of customers."""


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """A method beside ours on one task.

    Attributes:
        task: see `tasks.TASKS` and `cross_sell.CART_TASKS`.
        method: nDCG@k of the method, and its difference to ours.
    """

    task: str
    method: Comparison


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Lists of one or more methods for the same customers in the same windows.

    A *row* is one judged list: of a customer in a window, or on the tasks of cross-sell of a cart. Rows are
    numbered through the windows, newest first.

    Attributes:
        catalog: what is known of the items; its vocabulary is that of every list and window.
        customers: ids of the log's customers.
        windows: what is judged, newest first.
        lists: one table a window by name of the method, row r for `windows[w].customers[r]`: `OURS`,
            `BEST_SELLERS`, then the others in the order of the comparison.
        eligible: shape (n_items,) a window, items that our lists may show.
        k: places that count where there is one figure only.
        ks: lengths of list that are judged.
        carts: orders after each cut that are judged as carts; none where cross-sell is not judged.
        answers: what each method shows beside a cart, one a window, by name: those of `lists`, and `COUNTS`.
        reranked: our lists by every dial of re-ranking alone, one a window, by name; see `price_list`.
        findings: what is odd about the judging, in sentences.
    """

    catalog: Catalog
    customers: Vocabulary
    windows: tuple[Window, ...]
    lists: Mapping[str, tuple[ListTable, ...]]
    eligible: tuple[NDArray[np.bool_], ...]
    k: int
    ks: tuple[int, ...]
    carts: tuple[Carts, ...] = ()
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    reranked: Mapping[str, tuple[Reranked, ...]] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    @property
    def customer(self) -> NDArray[np.int32]:
        """Customer of every row, shape (n_rows,), positions in `customers`."""
        return np.concatenate([window.customers for window in self.windows])

    @property
    def tasks(self) -> tuple[str, ...]:
        """Everything that lists are asked."""
        return (*TASKS, *(CART_TASKS if self.carts else ()))

    def whose(self, task: str) -> NDArray[np.integer]:
        """Equal for the rows of a task that are one person's, shape (n_rows,)."""
        if task in CART_TASKS:
            return np.concatenate([carts.whose for carts in self.carts])
        return self.customer

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
            task: see `tasks.TASKS` and `cross_sell.CART_TASKS`.
            name: of the method.
            n_places: places that are marked; by default as many as the longest of `ks`.
        """
        places = n_places or max(self.k, *self.ks)
        if task in CART_TASKS:
            pairs = zip(self.carts, self.answers[name], strict=True)
            known = CART_TASKS[task]
            return Marked.stack([carts.marked(to, known=known, n_places=places) for carts, to in pairs])
        return marked_on(task, self.windows, self.lists[name], places)

    def values(
        self, metric: str, task: str = "all", k: int | None = None, name: str = OURS
    ) -> NDArray[np.float64]:
        """A metric of every row, shape (n_rows,); NaN where the customer bought nothing that counts.

        Args:
            metric: see `accuracy.METRICS`.
            task: see `tasks.TASKS` and `cross_sell.CART_TASKS`.
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
            tasks=(
                *(f for f in tasks if not (f.task == "cold_items" and nothing_cold)),
                *self._figures_of_carts(),
            ),
            health=self.health(),
            baseline_health=self.health(BEST_SELLERS),
            repeats=repeat_split(self.windows, ours, k=self.k),
            slices=tuple(one for task in SLICED_TASKS for one in self.slices(task)),
            findings=(*self.findings, *findings),
        )

    def _figures_of_carts(self) -> Iterator[Figures]:
        for task in CART_TASKS if self.carts else ():
            ours, theirs = (self.marked(task, name) for name in (OURS, BEST_SELLERS))
            if ours.n_relevant.any():
                yield figures_of(task, ours, theirs, self.whose(task), k=self.k, ks=self.ks)


def compared(evaluation: Evaluation) -> tuple[TaskComparison, ...]:
    """The other methods beside ours on every task, with Holm's correction over all of these rows."""
    return _compared(evaluation, evaluation.tasks, evaluation.others)


def compared_for_carts(evaluation: Evaluation) -> tuple[TaskComparison, ...]:
    """What a shop has without learning beside ours on carts, with Holm's correction over these rows."""
    return _compared(evaluation, tuple(CART_TASKS) if evaluation.carts else (), (BEST_SELLERS, COUNTS))


def _compared(
    evaluation: Evaluation, tasks: Sequence[str], methods: Sequence[str]
) -> tuple[TaskComparison, ...]:
    rows = [
        (task, method)
        for task in tasks
        for method in compare(
            evaluation.values("ndcg", task),
            {name: evaluation.values("ndcg", task, name=name) for name in methods},
            customer=evaluation.whose(task),
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
        counted = f"{customers} customer{'s' * (customers > 1)}"
        yield f"only {counted} ordered again: the intervals say little"
    cold, known = (sum(getattr(window, name).nnz for window in windows) for name in ("new_items", "truth"))
    if cold and nothing_cold:
        share = cold / (cold + known)
        yield (
            f"{share:.0%} of what was bought after the cut are items too new or too rare to be known at it: "
            "no list holds one"
        )
