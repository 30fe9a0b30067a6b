"""Says of items that are due again when they are."""

from datetime import datetime, timedelta

import msgspec

from recommender.ranking.due_list import HORIZONS, DueList

from .live_snapshot import LiveSnapshot
from .question import Question
from .rendering import rounded
from .schemas import RecommendedItem


def with_dates(
    items: tuple[RecommendedItem, ...], due: DueList, asked: Question, live: LiveSnapshot
) -> tuple[RecommendedItem, ...]:
    """The items, those that are due with chance and dates; others, which a pin brought, as they are.

    Args:
        items: as they are answered.
        due: what is due again, as it is stored.
        asked: within how many days.
        live: the snapshot, whose newest order days are counted from.
    """
    newest, column = datetime.fromisoformat(live.manifest.data_until), HORIZONS.index(asked.within)
    rows = {item: row for row, item in enumerate(due.items.tolist())}

    def date(day: int) -> str:
        # Day 1 is the 24 hours after the newest order: the date of their middle.
        return (newest + timedelta(hours=24 * day - 12)).date().isoformat()

    def told(item: RecommendedItem) -> RecommendedItem:
        row = rows.get(live.vocabulary.position(item.item_id))
        if row is None:
            return item
        day, first, last = (int(days[row]) for days in (due.day, due.first_day, due.last_day))
        return msgspec.structs.replace(
            item,
            probability=rounded(due.chance[row, column]),
            due_on=date(day) if day else None,
            due_between=(date(first), date(last)) if day else None,
        )

    return tuple(map(told, items))
