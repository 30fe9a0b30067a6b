"""What a worker counts of its requests: plain Python numbers, cheap enough for the hot path.

One thread of a worker answers. A server with several may, rarely, lose a count to another thread; nothing
else depends on these numbers.
"""

from bisect import bisect_left
from collections.abc import Collection
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask, Response, request
from msgspec import UNSET

from .access_log import AccessLog
from .event_schemas import EventsAnswer
from .json_bodies import ANSWER
from .schemas import Recommendations

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BEGAN = "cartlift.began"
"""Where the WSGI environment keeps when the request came, by `perf_counter`."""

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds of the latency histogram in seconds; one more bucket has no bound."""

OTHER = "other"
NONE = "none"

_REFUSALS = {401: "key", 403: "scope", 429: "limit"}


class AnswerKey(NamedTuple):
    """What lists are counted by; see `Recommendations`.

    Attributes:
        again: whether an answer was sent that was kept from before.
    """

    placement: str
    source: str
    snapshot: str
    stale: bool
    degraded: bool
    again: bool
    experiment: str
    variant: str


class Telemetry:
    """The counts of one worker.

    Attributes:
        timings: by call and status, how many requests took so long: one number a bucket of `BUCKETS`, one for
            all that took longer, and the sum of their seconds.
        events: how many events were sent, by what became of them.
        refusals: how many requests were refused, by reason.
        access: writes some of them down.
    """

    def __init__(self, placements: Collection[str] = (), access: AccessLog | None = None) -> None:
        """Nothing is counted yet.

        Args:
            placements: those that are configured; lists for any other are counted as for `OTHER`, since
                callers may invent as many as they like.
            access: writes some requests down; None for one that writes down nothing.
        """
        self.timings: dict[tuple[str, int], list[float]] = {}
        self.events: dict[str, int] = {}
        self.refusals: dict[str, int] = {}
        self.access = access or AccessLog(0.0, most_waiting=1)
        self._answers: dict[tuple[Any, ...], int] = {}
        self._placements: dict[Any, str] = {name: name for name in placements} | {UNSET: NONE}

    def finished(
        self, environ: "WSGIEnvironment", call: str, status: int, answer: object, *, again: bool = False
    ) -> None:
        """Count a request.

        Args:
            environ: of the request; has `BEGAN`.
            call: what was called.
            status: of the answer.
            answer: what was said: lists and outcomes of events are counted, all else is not.
            again: whether it is an answer that was kept from before.
        """
        seconds = perf_counter() - environ[BEGAN]
        timing = self.timings.get((call, status))
        if timing is None:
            timing = self.timings[call, status] = [0] * (len(BUCKETS) + 2)
        timing[bisect_left(BUCKETS, seconds)] += 1
        timing[-1] += seconds
        if self.access.wants(status, seconds):
            self.access.put(environ, call, status, seconds, answer)
        if isinstance(answer, Recommendations):
            key = (
                self._placements.get(answer.placement, OTHER),
                answer.source,
                answer.snapshot,
                answer.stale,
                answer.degraded,
                again,
                answer.experiment,
                answer.variant,
            )
            self._answers[key] = self._answers.get(key, 0) + 1
            return
        if isinstance(answer, EventsAnswer):
            for outcome in answer.events:
                self.events[outcome.status] = self.events.get(outcome.status, 0) + 1
        if reason := _REFUSALS.get(status):
            self.refusals[reason] = self.refusals.get(reason, 0) + 1

    def answers(self) -> list[tuple[AnswerKey, int]]:
        """How many lists were answered, by what they are counted by."""
        return [
            (AnswerKey(*key[:-2], *(name or NONE for name in key[-2:])), count)
            for key, count in list(self._answers.items())
        ]


def register_telemetry(app: Flask, telemetry: Telemetry) -> None:
    """Count what the app answers; to be registered before whatever else looks at requests and answers."""

    def before() -> None:
        # What stands before Flask knows better.
        request.environ.setdefault(BEGAN, perf_counter())

    def after(response: Response) -> Response:
        telemetry.finished(
            request.environ, request.endpoint or NONE, response.status_code, request.environ.get(ANSWER)
        )
        return response

    app.before_request(before)
    app.after_request(after)
