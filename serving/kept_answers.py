"""Answers that are kept to be sent again, in a bounded number of bytes."""

from array import array
from threading import Lock

import msgspec

from .basis import Ground, Noted
from .schemas import Recommendations

MOST_BYTES_EACH = 8_192
"""Of an answer that is kept, or of a body that asked for it."""

_BESIDE = 450
"""Bytes that Python needs for an answer beside its body and its name, about."""

_ID_AT = len('{"recommendation_id":"')
_MOST_FRAMES = 1_024
_PLACES = 1 << 16


class KeptAnswer(msgspec.Struct, frozen=True, eq=False, gc=False):
    """An answer that may be sent again.

    Attributes:
        ground: what it stands on.
        noted: of whom it is; None for a guest.
        at: see `Basis`.
        frame: what is said, without the items; without its id, too, where it is shared by many.
        body: the whole in JSON.
    """

    ground: Ground
    noted: Noted | None
    at: int
    frame: Recommendations
    body: bytes

    def id_begins(self, length: int) -> str:
        """The first characters of the answer's id."""
        return self.body[_ID_AT : _ID_AT + length].decode()


class KeptAnswers:
    """The answers that were asked for lately, by what asked for them.

    Two generations: what is asked for stands in the young one, and once that is full the old one is let go.
    That is nearly as good as to let go what was not asked for the longest, in half the memory.
    """

    def __init__(self, most_bytes: int) -> None:
        """Nothing is kept yet.

        Args:
            most_bytes: of all answers, about.
        """
        self._most_young = most_bytes // 2
        self._young: dict[str, KeptAnswer] = {}
        self._old: dict[str, KeptAnswer] = {}
        self._young_bytes = 0
        self._frames: dict[Recommendations, Recommendations] = {}
        self._turning = Lock()

    def get(self, name: str) -> KeptAnswer | None:
        """The answer that is kept under this name."""
        kept = self._young.get(name)
        if kept is None and (kept := self._old.get(name)) is not None:
            self._add(name, kept)
        return kept

    def put(self, name: str, answer: KeptAnswer) -> None:
        """Keep an answer, unless it is large."""
        if max(len(answer.body), len(name)) > MOST_BYTES_EACH:
            return
        frame = msgspec.structs.replace(answer.frame, recommendation_id="")
        shared = self._frames.get(frame)
        if shared is None:
            if len(self._frames) >= _MOST_FRAMES:
                self._frames.clear()
            shared = self._frames[frame] = frame
        self._add(name, msgspec.structs.replace(answer, frame=shared))

    def clear(self) -> None:
        """Keep no answer that was made until now."""
        with self._turning:
            self._young, self._old, self._young_bytes = {}, {}, 0

    def _add(self, name: str, answer: KeptAnswer) -> None:
        with self._turning:
            before = self._young.get(name)
            self._young_bytes += len(answer.body) - len(before.body) if before else _size(name, answer)
            self._young[name] = answer
            if self._young_bytes > self._most_young:
                self._young, self._old, self._young_bytes = {}, self._young, 0


class SeenBefore:
    """What came lately, without keeping it: some of it may be forgotten, and rarely something is mistaken."""

    def __init__(self) -> None:
        self._places = array("q", bytes(8 * _PLACES))

    def seen_before(self, name: str) -> bool:
        """Whether this came before; from now on it did."""
        print_ = hash(name)
        place = print_ % _PLACES
        known = self._places[place] == print_
        self._places[place] = print_
        return known


def _size(name: str, answer: KeptAnswer) -> int:
    return len(name) + len(answer.body) + _BESIDE
