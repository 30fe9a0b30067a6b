"""The lists that every page asks for, answered before Flask: the same bytes in a fraction of the time.

What stands here is only the way from a WSGI environment to the service and back. Whatever is out of the
ordinary (another method, a page of another origin, an answer that a cache has, a refusal, a malformed id or
parameter) is left to Flask, so that there is one place that says no.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from recommender.errors import RecommenderError
from recommender.events.recommendation_ids import tag_of

from .answer_headers import JSON, REQUEST_ID, answer_headers, request_id
from .arms import Arm
from .basis import Basis, Ground
from .calls import LIST_CALLS, ListCall
from .experiments import Experiments
from .guard import CHECKED_KEY, Guard
from .item_pieces import ItemPieces
from .json_bodies import MOST_BODY_BYTES
from .placements import ServiceSettings
from .plain_answers import is_plain, plain_answer
from .question import CallName, Question
from .request_parsing import is_id
from .routes import posted_question, question_of
from .schemas import Recommendations
from .service import RecommendationService
from .telemetry import BEGAN, Telemetry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

_MOST_QUERIES = 4_096
"""Query strings of which it is remembered what they ask; a shop's pages use a handful."""

_MOST_KEPT = 8_192
"""Answers that are kept to be sent again, about a kilobyte each."""

_MOST_BYTES_KEPT = 8_192
"""Of an answer that is kept, or of a body that asked for it."""

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

_Name = tuple[CallName, str, str | bytes, Arm | None]
"""A request: its call, its query, the id in its path or its body, and the variant that whoever asks has."""

_HeadersAndBody = tuple[list[tuple[str, str]], bytes]


class _Made(msgspec.Struct, frozen=True, gc=False):
    """An answer that may be sent again.

    Attributes:
        ground: what it stands on.
        frame: what is said, without the items.
        sound: see `Answered`.
        body: the whole in JSON.
    """

    ground: Ground
    frame: Recommendations
    sound: bool
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
        self._kept: OrderedDict[_Name, _Made] = OrderedDict()
        self._keeping = Lock()
        self._pieces = ItemPieces()
        service.private.watchers.append(self.forget)
        self._template = lru_cache(_MOST_QUERIES)(
            lambda way, query, arm: question_of(
                way.call, query, settings, arm, **{way.call.subject: _ANYBODY}
            )
        )

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

    def forget(self) -> None:
        """Keep no answer that was made until now."""
        with self._keeping:
            self._kept.clear()

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
        made, again = self._made_of_body(call, body)
        return self._sent(environ, call, made, None, again=again)

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
        made, again = self._made(way, environ.get("QUERY_STRING", ""), subject)
        tag = tag_of(made.frame.recommendation_id) if made.sound else None
        return self._sent(environ, way.call, made, tag, again=again)

    def _sent(
        self, environ: "WSGIEnvironment", call: ListCall, made: "_Made", tag: str | None, *, again: bool
    ) -> _HeadersAndBody:
        environ[REQUEST_ID] = id_ = request_id(environ)
        self._telemetry.finished(environ, call.name, 200, made.frame, again=again)
        return answer_headers(call, tag, id_, len(made.body)), made.body

    def _made(self, way: _Way, query: str, subject: str) -> "tuple[_Made, bool]":
        """The answer, and whether it is the one made before for the same request, while that holds."""
        arm = None
        if self._experiments.any:
            arm = self._experiments.arm(_about(self._template(way, query, None), way.call, subject))
        template = self._template(way, query, arm)
        if arm is not None:
            self._experiments.saw(_about(template, way.call, subject))
        kept = self._holding(name := (way.call.name, query, subject, arm))
        if kept is not None:
            return kept, True
        basis = self._service.read(_about(template, way.call, subject))
        found = plain_answer(basis, self._pieces) if is_plain(template) else None
        made = _Made(basis.ground, found[0], True, found[1]) if found else self._placed(basis)
        self._keep(name, made)
        return made, False

    def _made_of_body(self, call: ListCall, body: bytes) -> "tuple[_Made, bool]":
        """As `_made`, for what a body asks."""
        arm = None
        if self._experiments.any:
            arm = self._experiments.arm(posted_question(call, body, self._settings, None))
        kept = self._holding(name := (call.name, "", body, arm))
        if kept is not None and arm is None:
            return kept, True
        asked = posted_question(call, body, self._settings, arm)
        made = kept or self._placed(self._service.read(asked))
        self._keep(name, made)
        self._experiments.saw(asked)
        return made, kept is not None

    def _holding(self, name: "_Name") -> "_Made | None":
        """The answer made before for the same request, if it is still the one."""
        kept = self._kept.get(name)
        return kept if kept is not None and self._service.holds(kept.ground) else None

    def _placed(self, basis: Basis) -> "_Made":
        """The answer by the service, its items put together here where they are simple enough."""
        asked = basis.asked
        if asked.explain or "reason" in asked.fields or asked.pins:
            answered = self._service.made_of(basis)
            frame = msgspec.structs.replace(answered.recommendations, items=())
            return _Made(basis.ground, frame, answered.sound, msgspec.json.encode(answered.recommendations))
        placed = self._service.placed(basis)
        ranked, shown = placed.shown.ranked, slice(asked.offset, asked.offset + asked.n)
        places = zip(ranked.items[shown].tolist(), ranked.sources[shown].tolist(), strict=True)
        scores = ranked.scores[shown].tolist()
        body = self._pieces.encoded(placed.frame, places, scores, asked, basis.live)
        return _Made(basis.ground, placed.frame, placed.sound, body)

    def _keep(self, name: "_Name", made: "_Made") -> None:
        if not made.sound or max(len(made.body), len(name[2])) > _MOST_BYTES_KEPT:
            return
        with self._keeping:
            self._kept[name] = made
            self._kept.move_to_end(name)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)


def _about(template: Question, call: ListCall, subject: str) -> Question:
    if call.subject == "customer_id":
        return msgspec.structs.replace(template, customer_id=subject)
    return msgspec.structs.replace(template, items=(subject,))
