"""Lists of items that were read, ready to be added up: pages and carts ask for the same ones all day."""

from recommender.ranking.lists import RecommendationList

_MOST_YOUNG = 3_072
"""Lists in a generation, a kilobyte and a half each."""


class ItemLists:
    """The stored lists of items that were asked for lately, by key; of one snapshot, which never changes.

    Two generations, as of the answers that are kept.
    """

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._young: dict[str, tuple[bytes, RecommendationList]] = {}
        self._old: dict[str, tuple[bytes, RecommendationList]] = {}

    def row(self, key: str) -> bytes | None:
        """How a list is stored; None for one that is not kept."""
        kept = self._get(key)
        return None if kept is None else kept[0]

    def read(self, key: str, row: bytes) -> RecommendationList | None:
        """The list, if it was read from this row before."""
        kept = self._get(key)
        return kept[1] if kept is not None and kept[0] == row else None

    def put(self, key: str, row: bytes, ranked: RecommendationList) -> None:
        """Keep a list that was found to be sound."""
        if len(self._young) >= _MOST_YOUNG:
            self._young, self._old = {}, self._young
        self._young[key] = (row, ranked)

    def _get(self, key: str) -> tuple[bytes, RecommendationList] | None:
        kept = self._young.get(key)
        if kept is None and (kept := self._old.get(key)) is not None:
            self.put(key, *kept)
        return kept
