"""Does a list change for the better with every item that is looked at?

Orders after the cut are replayed line by line: the first k items of an order are what was just looked at, and
the next one has to be found among the first ten places, for k from 1 to 6. Nobody knows what customers looked
at before they bought; the lines of an order, in the order in which they stand there, are the nearest that
order histories have. Lists are made as they are published, 28 days before the end. Compared are the list that
does not change, the one beside a cart of those items, and the session's, whole and without its parts. Run it
with `python -m benchmarks.session`; the result is kept in benchmarks/results/session.json, and
docs/session.md says what to make of it. `--back 1` judges the window before the last, and keeps nothing.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.datasets import real_shops
from benchmarks.results import keep, write_between_marks
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.orders import GUEST
from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.comparison import compare
from recommender.evaluation.cross_sell import CartLists
from recommender.evaluation.intervals import Interval, bootstrap
from recommender.evaluation.split import TemporalSplit
from recommender.ranking.cart import NOTHING, OF_A_GUEST, CustomerLists
from recommender.ranking.lists import RecommendationList
from recommender.ranking.session import Viewed, list_for_session
from recommender.ranking.session_factors import SessionFactors
from recommender.training.evaluation import past_lists
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import ReadOrders

PAGE = Path(__file__).parent.parent / "docs" / "session.md"

K = 10
DAYS = 28
MIN_ITEM_LINES = 5
MOST_ORDERS = 1_000
MOST_VIEWS = 6
FEWEST_ITEMS = 3


@dataclass(frozen=True, slots=True)
class Session:
    """An order, as if its items had been looked at one after the other.

    Attributes:
        items: positions, in the order of the lines, each once.
        customer: position; `GUEST` where nobody is known to have ordered before.
        whose: equal for the sessions of one person.
    """

    items: tuple[int, ...]
    customer: int
    whose: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A moment of a session.

    Attributes:
        seen: positions of the items looked at so far, the newest last.
        own: the customer's published list; best sellers for a guest.
        known: whether there is a customer.
    """

    seen: NDArray[np.int32]
    own: RecommendationList
    customer: int

    @property
    def known(self) -> bool:
        """Whether somebody is known to be there."""
        return self.customer != GUEST


Answer = Callable[[Asked], RecommendationList]


@dataclass(frozen=True, slots=True)
class Row:
    """A method, for customers or for guests.

    Attributes:
        who: `customers` or `guests`.
        method: its name.
        moments, people: how many were judged.
        ndcg: nDCG@10 of the next item, with its 95 % interval.
        to_session: that less the session's, moment by moment; None for the session itself.
    """

    who: str
    method: str
    moments: int
    people: int
    ndcg: Interval
    to_session: Interval | None


@dataclass(frozen=True, slots=True)
class Methods:
    """Everything that is compared.

    Attributes:
        lists: as they are published.
        factors: of ALS, as they are published.
    """

    lists: CartLists
    factors: SessionFactors

    def by_name(self) -> Mapping[str, Answer]:
        """The methods; the first one is ours."""
        return {
            "session": self.session,
            "the list as it is": lambda asked: asked.own,
            "beside a cart": lambda asked: self.lists.answer(asked.seen, asked.customer),
            "session, without fold-in": self.unfolded,
            "session, without what is bought together": self.similar_alone,
            "fold-in alone": self.folded,
        }

    def session(self, asked: Asked) -> RecommendationList:
        """As the service answers."""
        return list_for_session(list(self._viewed(asked)), NOTHING, self._customer(asked), self.folded(asked))

    def unfolded(self, asked: Asked) -> RecommendationList:
        """By stored lists alone."""
        return list_for_session(list(self._viewed(asked)), NOTHING, self._customer(asked))

    def similar_alone(self, asked: Asked) -> RecommendationList:
        """Without what is bought together with the items looked at."""
        viewed = [replace(one, together=NOTHING) for one in self._viewed(asked)]
        return list_for_session(viewed, NOTHING, self._customer(asked), self.folded(asked))

    def folded(self, asked: Asked) -> RecommendationList:
        """By ALS alone."""
        return self.factors.list_for(asked.seen)

    def _viewed(self, asked: Asked) -> Iterator[Viewed]:
        for item, row in zip(asked.seen.tolist(), self.lists.row_of_item[asked.seen], strict=True):
            if row >= 0:
                yield Viewed(item, self.lists.similar.row(row), self.lists.together.row(row))

    def _customer(self, asked: Asked) -> CustomerLists:
        return CustomerLists(asked.own, self.lists.orders.row(asked.customer)) if asked.known else OF_A_GUEST


def judge_shop(read: ReadOrders, settings: Settings, *, back: int, most: int = MOST_ORDERS) -> list[Row]:
    """Every method, for customers and for guests.

    Args:
        read: orders and catalog.
        settings: that lists are made with.
        back: windows between the one judged and the end of the history.
        most: orders that are replayed at most.
    """
    cut = read.orders.last_time - (back + 1) * DAYS * DAY
    split = TemporalSplit.at(read.orders, cut, days=DAYS, min_item_lines=MIN_ITEM_LINES)
    sessions = sessions_of(split, read.catalog.items, most)
    known = np.unique([one.customer for one in sessions if one.customer != GUEST]).astype(np.int32)
    lists = past_lists(read, settings, cut, known, Silent()).for_cart
    history = PurchaseHistory.at(split.train, cut)
    column = read.catalog.items.positions(history.items.ids)
    als = settings.models.als.fit(replace(history, item=column[history.item], items=read.catalog.items))
    listed = np.zeros(len(read.catalog.items), np.int64)
    for table in (lists.own, lists.together, lists.similar):
        listed += np.bincount(table.items, minlength=len(listed))
    buyers = np.zeros(len(listed), np.int64)
    buyers[column] = history.buyers_of_items()
    factors = SessionFactors.of(als.item_factors, als.gram, float(als.pull), listed=listed, buyers=buyers)
    methods = Methods(lists, factors)
    return [*_judged(methods, sessions, guests=False), *_judged(methods, sessions, guests=True)]


def sessions_of(split: TemporalSplit, items: Vocabulary, most: int, *, seed: int = 0) -> list[Session]:
    """Orders after a cut, drawn at random, each as a session.

    Args:
        split: what was known at the cut, and what was ordered after it.
        items: vocabulary of the lists.
        most: sessions at most.
        seed: of the draw.
    """
    lines = split.holdout
    position = items.positions(lines.items.ids)[lines.item]
    known = np.append(split.had_order(), False)  # the last entry is where GUEST, -1, looks
    # Stable: lines of one order stay as they stand there.
    by_order = np.argsort(lines.order, kind="stable")
    orders, starts = np.unique(lines.order[by_order], return_index=True)
    found = []
    for number in np.random.default_rng(seed).permutation(len(orders)):
        end = starts[number + 1] if number + 1 < len(orders) else len(by_order)
        own = by_order[starts[number] : end]
        seen, customer = tuple(dict.fromkeys(position[own].tolist())), int(lines.customer[own[0]])
        if len(seen) >= FEWEST_ITEMS:
            # A guest is a person too, but nobody knows whether two guests are the same one.
            whose = len(known) + int(orders[number]) if customer == GUEST else customer
            found.append(Session(seen, customer if known[customer] else GUEST, whose))
        if len(found) == most:
            break
    return found


def _judged(methods: Methods, sessions: Sequence[Session], *, guests: bool) -> list[Row]:
    judged = [one for one in sessions if (one.customer == GUEST) == guests]
    moments = [(one, k) for one in judged for k in range(1, min(len(one.items) - 1, MOST_VIEWS) + 1)]
    if not moments:
        return []
    whose = np.array([one.whose for one, _ in moments])
    found = {
        name: np.array([_ndcg(methods.lists, answer, one, k) for one, k in moments])
        for name, answer in methods.by_name().items()
    }
    ours, *others = found
    rows = compare(found[ours], {name: found[name] for name in others}, customer=whose)
    who, counts = "guests" if guests else "customers", (len(moments), len(np.unique(whose)))
    return [
        Row(who, ours, *counts, bootstrap(found[ours], customer=whose), None),
        *(Row(who, row.name, *counts, row.mean, row.difference) for row in rows),
    ]


def _ndcg(lists: CartLists, answer: Answer, session: Session, k: int) -> float:
    own = lists.best_sellers
    if session.customer != GUEST and (row := lists.row_of_customer[session.customer]) >= 0:
        own = lists.own.row(row)
    seen, wanted = np.array(session.items[:k], np.int32), session.items[k]
    ranked = answer(Asked(seen, own, session.customer))
    shown = ranked.items[~np.isin(ranked.items, seen)][:K]
    (place,) = np.nonzero(shown == wanted)
    return float(1 / np.log2(place[0] + 2)) if len(place) else 0.0


def table_of(shop: str, rows: Sequence[Row]) -> Table:
    """The figures, a method a row."""
    table = Table(title=shop, title_justify="left")
    for heading in ("who", "moments", "people", "method", "nDCG@10", "less the session's"):
        table.add_column(heading, justify="left" if heading in ("who", "method") else "right")
    for row in rows:
        to_session = "" if row.to_session is None else f"{row.to_session}"
        table.add_row(row.who, f"{row.moments:,}", f"{row.people:,}", row.method, f"{row.ndcg}", to_session)
    return table


def markdown_of(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The figures in Markdown, as docs/session.md has them."""
    lines = [
        "| shop | who | moments | people | method | nDCG@10 | less the session's |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for shop, rows in found.items():
        for row in rows:
            first = (shop, row["who"], f"{row['moments']:,}", f"{row['people']:,}")
            own = row["to_session"] is None
            figures = (_said(row["ndcg"]), "" if own else _said(row["to_session"]))
            lines.append(f"| {' | '.join((*first, row['method'], *figures))} |")
    return "\n".join(lines) + "\n"


def _said(interval: Mapping[str, float]) -> str:
    return f"{Interval(**interval)}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.session",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--back", type=int, default=0, help="windows before the last (default: %(default)s)")
    asked, console, found = parser.parse_args(arguments), Console(width=130), {}
    for name, read in real_shops().items():
        rows = judge_shop(read, Settings(), back=asked.back)
        console.print(table_of(name, rows))
        found[name] = [asdict(row) for row in rows]
    if asked.back == 0 and found:
        write_between_marks(PAGE, "benchmarks.session", markdown_of(found))
        console.print(f"kept in {keep('session', found)}", highlight=False)


if __name__ == "__main__":
    main()
