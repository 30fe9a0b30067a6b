"""A request in the one form that the ladder, the answer's id and the cache tag all work on."""

import hashlib
from typing import Literal

import msgspec
from msgspec import Struct

from recommender.events.recommendation_ids import TAG_BYTES

from .arms import Arm
from .errors import InvalidRequest
from .expressions import ExpressionRefused, Kind, expression
from .placements import NO_RULES, Placement
from .schemas import FieldError, ItemField, ListQuery, Mode, SourceName

CallName = Literal[
    "recommendations",
    "customer",
    "similar",
    "bought_together",
    "cart",
    "best_sellers",
    "buy_again",
    "customer_bundles",
    "item_bundles",
    "bundles",
]


class Question(Struct, frozen=True, kw_only=True):
    """What is asked, normalised: requests that mean the same are the same question.

    Attributes:
        call: which call it came by.
        customer_id: whom the list is for, if anybody.
        items: ids of the items it is asked beside: the page's item, or the cart's.
        n: most items to answer.
        offset: places to skip.
        category: the only category to answer from, if any.
        exclude: item ids not to answer.
        fields: what to say about each item.
        placement: the caller's label.
        strict: whether to answer nothing rather than something else.
        mode: whether to answer items bought before, others or both.
        within: days ahead in which something is to be due.
        place: where the customer is, as the orders call it.
        recent: ids of the items looked at, the newest last, each once.
        filters: expressions that hold of every item answered.
        boosts: expressions that scores are multiplied by.
        diversity: from 0 to 1.
        rungs: names of the rungs to answer from, in this order; none for all that the call has.
        pins: item ids that stand first.
        blocks: item ids that the placement never shows.
        explain: whether to say how the list came about.
        bought_since: ids of items that the customer bought since the snapshot was trained.
        dismissed: ids of items that the customer does not want to see.
        session_id: in which session, if that was said; changes nothing but the variant.
        experiment: which experiment the answer is part of, if any.
        variant: which variant of that whoever asks has.
        snapshot: id of the snapshot to answer from; None for the live one.
    """

    call: CallName
    customer_id: str | None = None
    items: tuple[str, ...] = ()
    n: int = 10
    offset: int = 0
    category: str | None = None
    exclude: tuple[str, ...] = ()
    fields: tuple[ItemField, ...] = ()
    placement: str | None = None
    strict: bool = False
    mode: Mode = "mixed"
    within: int = 14
    place: str | None = None
    recent: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    boosts: tuple[str, ...] = ()
    diversity: float = 0.0
    rungs: tuple[SourceName, ...] = ()
    pins: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    explain: bool = False
    bought_since: tuple[str, ...] = ()
    dismissed: tuple[str, ...] = ()
    session_id: str | None = None
    experiment: str | None = None
    variant: str | None = None
    snapshot: str | None = None

    def tag(self, snapshot: str, items: bytes | None, *, degraded: bool = False) -> bytes:
        """What tells the answer to this question from that snapshot from all others, `TAG_BYTES`.

        Args:
            snapshot: its id.
            items: version of what the shop said of its items since.
            degraded: whether something could not be read: such an answer shows other items.
        """
        asked = self if self.session_id is None else msgspec.structs.replace(self, session_id=None)
        text = msgspec.json.encode((snapshot, items, degraded, asked))
        return hashlib.blake2b(text, digest_size=TAG_BYTES).digest()


def question(
    call: CallName,
    asked: ListQuery,
    rules: Placement = NO_RULES,
    arm: Arm | None = None,
    **subject: str,
) -> Question:
    """The question that a request asks.

    Args:
        call: which call the request came by.
        asked: its parameters or body.
        rules: of the placement that it names.
        arm: the variant of an experiment there, if it is part of one; its rules hold instead.
        subject: `customer_id` or `item_id` from the path.

    Raises:
        InvalidRequest: an expression means nothing.
    """
    if arm is not None:
        rules = arm.rules
    wanted = msgspec.structs.asdict(asked)
    items = wanted.pop("cart", ())
    if "item_id" in subject:
        items = (subject.pop("item_id"),)
    wanted |= subject
    # Order and repetition mean nothing in these.
    wanted["exclude"] = tuple(sorted(set(asked.exclude)))
    wanted["fields"] = tuple(sorted(set(asked.fields)))
    wanted["recent"] = _newest_of_each(wanted.get("recent", ()))
    for kind in ("filter", "boost"):
        own = _checked(kind, wanted.pop(kind, None))
        wanted[f"{kind}s"] = tuple(text for text in (getattr(rules, kind), own) if text is not None)
    return Question(
        call=call,
        items=tuple(sorted(set(items))),
        rungs=("nothing",) if arm is not None and arm.holdout == "nothing" else rules.ladder,
        pins=rules.pins,
        blocks=rules.blocks,
        experiment=None if arm is None else arm.experiment,
        variant=None if arm is None else arm.variant,
        snapshot=None if arm is None else arm.snapshot,
        # Calls without a parameter for it have their placement's.
        **{"diversity": rules.diversity or 0.0, **wanted},
    )


def _newest_of_each(recent: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(reversed(dict.fromkeys(reversed(recent))))


def _checked(kind: Kind, text: str | None) -> str | None:
    try:
        if text is not None:
            expression(text, kind)
    except ExpressionRefused as error:
        raise InvalidRequest(f"{kind!r} {error}", (FieldError(field=kind, detail=str(error)),)) from error
    return text
