"""A request in the one form that the ladder, the answer's id and the cache tag all work on."""

import hashlib
from typing import Literal

import msgspec
from msgspec import Struct

from .schemas import CartRequest, ItemField, ListQuery, Mode

CallName = Literal["customer", "similar", "bought_together", "cart", "best_sellers"]

_ID_BYTES = 12


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
        place: where the customer is, as the orders call it.
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
    place: str | None = None

    def recommendation_id(self, snapshot: str, *, degraded: bool = False) -> str:
        """Id of the answer to this question from that snapshot.

        A degraded answer shows other items, so it has an id of its own.
        """
        asked = msgspec.json.encode((snapshot, degraded, self))
        return hashlib.blake2b(asked, digest_size=_ID_BYTES).hexdigest()


def question(call: CallName, asked: ListQuery, **subject: str) -> Question:
    """The question that a request asks.

    Args:
        call: which call the request came by.
        asked: its parameters or body.
        subject: `customer_id` or `item_id` from the path.
    """
    wanted = msgspec.structs.asdict(asked)
    items = wanted.pop("cart") if isinstance(asked, CartRequest) else ()
    if "item_id" in subject:
        items = (subject.pop("item_id"),)
    wanted |= subject
    # Order and repetition mean nothing in these.
    wanted["exclude"] = tuple(sorted(set(asked.exclude)))
    wanted["fields"] = tuple(sorted(set(asked.fields)))
    return Question(call=call, items=tuple(sorted(set(items))), **wanted)
