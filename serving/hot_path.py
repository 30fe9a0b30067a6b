"""The lists that every page asks for, answered before Flask: the same bytes in a fraction of the time.

What stands here is only the way from a WSGI environment to the service and back. Whatever is out of the
ordinary (another method, a page of another origin, an answer that a cache has, a refusal, a malformed id or
parameter) is left to Flask, so that there is one place that says no.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from recommender.errors import RecommenderError
from recommender.events.recommendation_ids import TAG_CHARACTERS

from .answer_headers import JSON, REQUEST_ID, answer_headers, request_id
from .arms import Arm
from .basis import Basis
from .call import ListCall
from .calls import LIST_CALLS
from .experiments import Experiments
from .guard import CHECKED_KEY, Guard
from .json_bodies import MOST_BODY_BYTES
from .kept_answers import KeptAnswer, KeptAnswers, SeenBefore
from .placements import ServiceSettings
from .plain_answers import is_plain, plain_answer
from .question import Question
from .request_parsing import is_id
from .routes import posted_question, question_of
from .schemas import Recommendations
from .service import RecommendationService
from .shared_answers import SharedAnswers
from .telemetry import BEGAN, Telemetry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

_MOST_QUERIES = 4_096
"""Query strings of which it is remembered what they ask; a shop's pages use a handful."""

_LONGEST_QUERY = 1_000
"""Of one that is remembered."""

_MOST_BYTES_KEPT = 12 << 20
"""Of answers that a worker keeps for itself, some nine thousand."""

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


_POSTS = {call.path: call for call in LIST_CALLS if call.method == "POST"}

_HeadersAndBody = tuple[list[tuple[str, str]], bytes]


class HotPath:
    """A WSGI application that answers lists by itself and hands everything else on."""

    def __init__(
        self,
        app: "WSGIApplication",
        service: RecommendationService,
        guard: Guard,
        settings: ServiceSettings,
        experiments: Experiments,
        telemetry: Telemetry,
    ) -> None:
        """Nothing is asked yet.

        Args:
            app: what everything else is handed to.
            service: answers lists.
            guard: knows the keys.
            settings: what is shown where.
            experiments: knows who has which variant.
            telemetry: counts what is answered here.
        """
        self._experiments, self._telemetry = experiments, telemetry
        self._app, self._service, self._guard, self._settings = app, service, guard, settings
        self._kept, self._bodies = KeptAnswers(_MOST_BYTES_KEPT), SeenBefore()
        self._shared = SharedAnswers(service.memory, settings)
        service.private.watchers.append(lambda _: self._kept.clear())
        self._remembered_template = lru_cache(_MOST_QUERIES)(self._new_template)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """See PEP 3333."""
        environ[BEGAN] = perf_counter()
        try:
            match environ["REQUEST_METHOD"]:
                case "GET":
                    answered = self._answer(environ)
                case "POST":
                    answered = self._answer_body(environ)
                case _:
                    answered = None
        # Flask finds the same, and says so.
        except (RecommenderError, UnicodeError):
            answered = None
        except Exception:
            logger.exception("left to Flask")
            answered = None
        if answered is None:
            return self._app(environ, start_response)
        headers, body = answered
        start_response("200 OK", headers)
        return (body,)

    def _answer_body(self, environ: "WSGIEnvironment") -> _HeadersAndBody | None:
        """What a POST is answered; None where Flask is to answer."""
        call, length = _POSTS.get(environ["PATH_INFO"]), environ.get("CONTENT_LENGTH", "")
        if (
            call is None
            or "HTTP_ORIGIN" in environ
            or environ.get("QUERY_STRING")
            or environ.get("CONTENT_TYPE") != JSON
            or not length.isdecimal()
            or int(length) > MOST_BODY_BYTES
        ):
            return None
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(body)  # for Flask
        self._let_pass(call, environ)
        made, again, _ = self._made_of_body(call, body)
        return self._sent(environ, call, made, None, again=again)

    def _template(self, way: _Way, query: str, arm: Arm | None) -> Question:
        """What is asked of anybody."""
        short = len(query) <= _LONGEST_QUERY
        return self._remembered_template(way, query, arm) if short else self._new_template(way, query, arm)

    def _new_template(self, way: _Way, query: str, arm: Arm | None) -> Question:
        assert way.call.subject is not None
        return question_of(way.call, query, self._settings, arm, **{way.call.subject: _ANYBODY})

    def _let_pass(self, call: ListCall, environ: "WSGIEnvironment") -> None:
        environ[CHECKED_KEY] = self._guard.check(call.name, environ.get("HTTP_X_API_KEY", ""), None)

    def _answer(self, environ: "WSGIEnvironment") -> _HeadersAndBody | None:
        """What a GET is answered; None where Flask is to answer."""
        path = environ["PATH_INFO"]
        way = next((way for way in WAYS if path.startswith(way.before) and path.endswith(way.after)), None)
        if way is None or "HTTP_ORIGIN" in environ or "HTTP_IF_NONE_MATCH" in environ:
            return None
        # WSGI hands bytes over as Latin-1.
        subject = path[len(way.before) : -len(way.after)].encode("latin-1").decode("utf-8")
        if not is_id(subject):
            return None
        self._let_pass(way.call, environ)
        made, again, sound = self._made(way, environ.get("QUERY_STRING", ""), subject)
        return self._sent(
            environ, way.call, made, made.id_begins(TAG_CHARACTERS) if sound else None, again=again
        )

    def _sent(
        self, environ: "WSGIEnvironment", call: ListCall, made: KeptAnswer, tag: str | None, *, again: bool
    ) -> _HeadersAndBody:
        environ[REQUEST_ID] = id_ = request_id(environ)
        self._telemetry.finished(environ, call.name, 200, made.frame, again=again)
        return answer_headers(call, tag, id_, len(made.body)), made.body

    def _made(self, way: _Way, query: str, subject: str) -> tuple[KeptAnswer, bool, bool]:
        """The answer, whether it is the one made before for the same request, and whether it is sound."""
        arm = None
        if self._experiments.any:
            arm = self._experiments.arm(_about(self._template(way, query, None), way.call, subject))
            self._experiments.saw(_about(self._template(way, query, arm), way.call, subject))
        request = f"{way.call.name}?{query}{_told(arm)}"
        # Where the subject begins must be plain; neither a query nor an id has a NUL.
        shared = arm is None and "{" not in query
        name = f"{request}\0{subject}"
        if (kept := self._holding(name, request if shared else None, subject)) is not None:
            return kept, True, True
        template = self._template(way, query, arm)
        basis = self._service.read(_about(template, way.call, subject))
        plain = plain_answer(basis) if is_plain(template) else None
        made, sound = self._put_in_words(basis) if plain is None else (_encoded(basis, plain), True)
        if sound:
            # Who is hidden is answered as somebody else.
            shared &= basis.asked.customer_id in (None, subject)
            self._keep(name, made, request if shared else None, subject)
        return made, False, sound

    def _made_of_body(self, call: ListCall, body: bytes) -> tuple[KeptAnswer, bool, bool]:
        """As `_made`, for what a body asks."""
        asked = arm = None
        if self._experiments.any:
            arm = self._experiments.arm(posted_question(call, body, self._settings, None))
            asked = posted_question(call, body, self._settings, arm)
        # No body of JSON begins like a variant's name with what stands around it.
        name = f"{call.name}{_told(arm)}\0{body.decode()}"
        # Few carts come twice, and to keep one takes a fifth as long as to answer it.
        twice = self._bodies.seen_before(name)
        made, sound = self._holding(name, None, "") if twice else None, True
        again = made is not None
        if made is None:
            asked = asked or posted_question(call, body, self._settings, arm)
            made, sound = self._put_in_words(self._service.read(asked))
            if sound and twice:
                self._kept.put(name, made)
        if asked is not None:
            self._experiments.saw(asked)
        return made, again, sound

    def _holding(self, name: str, request: str | None, subject: str) -> KeptAnswer | None:
        """The answer made before for the same request, if it is still the one.

        Args:
            name: of the request among what is kept here.
            request: see `SharedAnswers`; None for one that is not shared.
            subject: likewise.
        """
        kept = self._kept.get(name)
        if kept is not None:
            return kept if self._service.holds(kept.ground, kept.noted, kept.at) else None
        if request is None:
            return None
        kept = self._shared.get(request, subject, self._service.ground())
        if kept is None or (kept.noted is not None and self._service.private.hides_now(subject)):
            return None
        if not self._service.holds(kept.ground, kept.noted, kept.at):
            return None
        self._kept.put(name, kept)
        return kept

    def _keep(self, name: str, made: KeptAnswer, request: str | None, subject: str) -> None:
        self._kept.put(name, made)
        # Without a moment only who made it can tell whether it still holds.
        if request is not None and made.at:
            self._shared.put(request, subject, made)

    def _put_in_words(self, basis: Basis) -> tuple[KeptAnswer, bool]:
        """The answer, and whether it is sound."""
        answered = self._service.made_of(basis)
        return _encoded(basis, answered.recommendations), answered.sound


def _encoded(basis: Basis, said: Recommendations) -> KeptAnswer:
    frame = msgspec.structs.replace(said, items=(), explanation=UNSET)
    return KeptAnswer(basis.ground, basis.noted, basis.at, frame, msgspec.json.encode(said))


def _told(arm: Arm | None) -> str:
    """What tells an arm's answers from others."""
    return "" if arm is None else f"\0{arm.experiment}\0{arm.variant}"


def _about(template: Question, call: ListCall, subject: str) -> Question:
    if call.subject == "customer_id":
        return msgspec.structs.replace(template, customer_id=subject)
    return msgspec.structs.replace(template, items=(subject,))
