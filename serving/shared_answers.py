"""Answers that another worker, or this one, gave lately, in the memory that all workers share."""

import hashlib
from functools import lru_cache

import msgspec
from msgspec import UNSET

from .basis import Ground, Noted
from .kept_answers import KeptAnswer
from .placements import ServiceSettings
from .row_memory import RowMemory
from .schemas import Recommendations, SourceName


class _Stored(msgspec.Struct, array_like=True):
    """What is stored of an answer; the rest of it stands in its key. See `KeptAnswer`."""

    at: int
    name: str | None
    notes: bytes | None
    source: SourceName
    placement: str | None
    generated_at: str
    body: bytes


_DECODER = msgspec.msgpack.Decoder(_Stored)


class SharedAnswers:
    """Sound answers that are part of no experiment, by snapshot, version of the items, and request."""

    def __init__(self, memory: RowMemory, settings: ServiceSettings) -> None:
        """Reads nothing.

        Args:
            memory: what the workers share.
            settings: a worker that was started with others answers otherwise, and finds nothing of these.
        """
        self._memory = memory
        self._settings = hashlib.blake2b(repr(settings).encode(), digest_size=8).hexdigest()

    def get(self, request: str, subject: str, ground: Ground) -> KeptAnswer | None:
        """The answer to this request, if it is remembered; whether it still holds is not asked.

        Args:
            request: what is asked, without whom or what it is about.
            subject: whom or what it is about.
            ground: what this worker would answer from.
        """
        stored = self._memory.get(self._key(request, subject, ground))
        if stored is None:
            return None
        found = _DECODER.decode(stored)
        noted = None if found.name is None else Noted(found.name, found.notes)
        frame = _frame(ground.snapshot, found.generated_at, found.source, found.placement)
        return KeptAnswer(ground, noted, found.at, frame, found.body)

    def put(self, request: str, subject: str, answer: KeptAnswer) -> None:
        """Remember an answer; see `get`."""
        frame, noted = answer.frame, answer.noted
        stored = _Stored(
            answer.at,
            None if noted is None else noted.name,
            None if noted is None else noted.notes,
            frame.source,
            None if frame.placement is UNSET else frame.placement,
            frame.generated_at,
            answer.body,
        )
        self._memory.put(self._key(request, subject, answer.ground), msgspec.msgpack.encode(stored))

    def _key(self, request: str, subject: str, ground: Ground) -> str:
        return f"{self._settings}/{ground.snapshot}/{ground.version!r}/{request}{{{subject}}}"


@lru_cache(1_024)
def _frame(snapshot: str, generated_at: str, source: SourceName, placement: str | None) -> Recommendations:
    return Recommendations(
        recommendation_id="",
        items=(),
        source=source,
        snapshot=snapshot,
        generated_at=generated_at,
        stale=False,
        degraded=False,
        placement=UNSET if placement is None else placement,
    )
