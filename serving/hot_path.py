"""The lists that every page asks for, answered before Flask: the same bytes in a fraction of the time.

What stands here is only the way from a WSGI environment to the service and back. Whatever is out of the
ordinary (another method, a page of another origin, an answer that a cache has, a refusal, a malformed id or
parameter) is left to Flask, so that there is one place that says no.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

import msgspec

from recommender.errors import RecommenderError

from .answer_headers import answer_headers, request_id
from .arms import Arm
from .calls import LIST_CALLS, ListCall
from .experiments import Experiments
from .guard import Guard
from .placements import ServiceSettings
from .question import Question
from .request_parsing import is_id
from .routes import question_of
from .service import Answered, Basis, RecommendationService

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MOST_QUERIES = 4_096
"""Query strings of which it is remembered what they ask; a shop's pages use a handful."""

_MOST_KEPT = 8_192
"""Answers that are kept to be sent again, some kilobytes each."""

_ANYBODY = "anybody"


@dataclass(frozen=True, eq=False, slots=True)
class _Way:
    """A call that is answered here.

    Attributes:
        call: the call.
        before: what its path begins with.
        after: what it ends with; the id stands between.
    """

    call: ListCall
    before: str
    after: str


WAYS = tuple(
    _Way(call, *call.path.split("{" + call.subject + "}"))
    for call in LIST_CALLS
    if call.method == "GET" and call.subject
)


@dataclass(frozen=True, slots=True)
class _Made:
    """An answer with what it was made of."""

    basis: Basis
    answered: Answered
    body: bytes


class HotPath:
    """A WSGI application that answers lists by itself and hands everything else on."""

    def __init__(
        self,
        app: "WSGIApplication",
        service: RecommendationService,
        guard: Guard,
        settings: ServiceSettings,
        experiments: Experiments,
    ) -> None:
        """Nothing is asked yet.

        Args:
            app: what everything else is handed to.
            service: answers lists.
            guard: knows the keys.
            settings: what is shown where.
            experiments: knows who has which variant.
        """
        self._app, self._service, self._guard = app, service, guard
        self._experiments = experiments
        self._kept: OrderedDict[tuple[_Way, str, str, Arm | None], _Made] = OrderedDict()
        self._keeping = Lock()
        self._template = lru_cache(_MOST_QUERIES)(
            lambda way, query, arm: question_of(
                way.call, query, settings, arm, **{way.call.subject: _ANYBODY}
            )
        )

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """See PEP 3333."""
        if environ["REQUEST_METHOD"] == "GET":
            answered = self._answer(environ)
            if answered is not None:
                headers, body = answered
                start_response("200 OK", headers)
                return (body,)
        return self._app(environ, start_response)

    def _answer(self, environ: "WSGIEnvironment") -> tuple[list[tuple[str, str]], bytes] | None:
        """Headers and body; None where Flask is to answer."""
        path = environ["PATH_INFO"]
        way = next((way for way in WAYS if path.startswith(way.before) and path.endswith(way.after)), None)
        if way is None or "HTTP_ORIGIN" in environ or "HTTP_IF_NONE_MATCH" in environ:
            return None
        try:
            # WSGI hands bytes over as Latin-1.
            subject = path[len(way.before) : -len(way.after)].encode("latin-1").decode("utf-8")
            if not is_id(subject):
                return None
            self._guard.check(way.call.name, environ.get("HTTP_X_API_KEY", ""), None)
            query = environ.get("QUERY_STRING", "")
            found = self._made(way, query, subject)
            self._experiments.saw(found.basis.asked)
        # Flask finds the same, and says so.
        except (RecommenderError, UnicodeError):
            return None
        return answer_headers(way.call, found.answered, request_id(environ), len(found.body)), found.body

    def _made(self, way: _Way, query: str, subject: str) -> "_Made":
        """The answer: the one made before for the same request, while that holds."""
        arm = None
        if self._experiments.any:
            arm = self._experiments.arm(_about(self._template(way, query, None), way.call, subject))
        name = (way, query, subject, arm)
        kept = self._kept.get(name)
        if kept is not None and self._service.holds(kept.basis):
            return kept
        basis = self._service.read(_about(self._template(way, query, arm), way.call, subject))
        answered = self._service.made_of(basis)
        made = _Made(basis.without_rows(), answered, msgspec.json.encode(answered.recommendations))
        if answered.sound:
            self._keep(name, made)
        return made

    def _keep(self, name: tuple[_Way, str, str, Arm | None], made: "_Made") -> None:
        with self._keeping:
            self._kept[name] = made
            self._kept.move_to_end(name)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)


def _about(template: Question, call: ListCall, subject: str) -> Question:
    if call.subject == "customer_id":
        return msgspec.structs.replace(template, customer_id=subject)
    return msgspec.structs.replace(template, items=(subject,))
