"""Asks a running service what a storefront would ask, and says what was wrong."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from recommender.ranking.build import of_mode

from .showcase import Showcase

_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried.

    Attributes:
        what: it.
        wrong: what was wrong, None where all was well.
    """

    what: str
    wrong: str | None


def ask(url: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON content of an answer, problem documents included.

    Raises:
        OSError: nobody answers.
    """
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, headers={"Content-Type": "application/json"} if data else {})
    try:
        with urlopen(request, timeout=_TIMEOUT) as answer:
            return _content(answer)
    except HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def run_checks(base: str, showcase: Showcase) -> Iterator[Check]:
    """Try every call of the service at `base` and compare with what was learned."""
    checks: dict[str, Callable[[], str | None]] = {
        "lists are better than best sellers": lambda: _beats_best_sellers(showcase),
        "health and readiness": lambda: _is_ready(base, showcase),
        "personal lists": lambda: _personal_lists(base, showcase),
        "items bought together": lambda: _item_lists(base, showcase),
        "similar items": lambda: _similar_lists(base, showcase),
        "a cart": lambda: _cart(base, showcase),
        "an unknown customer": lambda: _unknown_customer(base),
        "a mistake": lambda: _mistake(base),
        "interface description": lambda: _described(base),
    }
    for what, check in checks.items():
        try:
            yield Check(what, check())
        except (OSError, KeyError, ValueError) as error:
            yield Check(what, f"{type(error).__name__}: {error}")


def _content(answer: HTTPResponse) -> tuple[int, Any]:
    return answer.status, json.loads(answer.read())


def _beats_best_sellers(showcase: Showcase) -> str | None:
    figures: Any = showcase.snapshot.manifest.figures
    task = next(task for task in figures["tasks"] if task["task"] == "all")
    ours, theirs = task["ndcg"]["mean"], task["baseline_ndcg"]["mean"]
    return None if ours > 2 * theirs else f"nDCG {ours:.3f} is not twice the {theirs:.3f} of best sellers"


def _is_ready(base: str, showcase: Showcase) -> str | None:
    live, _ = ask(f"{base}/health/live")
    status, ready = ask(f"{base}/health/ready")
    if (live, status) != (200, 200):
        return f"answered {live} and {status}"
    return _unless(ready["snapshot"] == showcase.snapshot.snapshot_id, f"another snapshot is live: {ready}")


def _personal_lists(base: str, showcase: Showcase) -> str | None:
    for customer in showcase.customers():
        id_ = showcase.snapshot.customers.ids[customer]
        for mode in ("mixed", "repeat", "discover"):
            status, answer = ask(
                f"{base}/v1/customers/{quote(id_, safe='')}/recommendations?n=10&mode={mode}"
            )
            expected = of_mode(showcase.snapshot.lists.recommended, mode, 10).row(customer)
            wrong = _differs(status, answer, [showcase.snapshot.catalog.items.ids[i] for i in expected.items])
            if wrong:
                return f"customer {id_}, {mode}: {wrong}"
    return None


def _item_lists(base: str, showcase: Showcase) -> str | None:
    return _lists_of_items(base, showcase, "bought-together", "co_purchase")


def _similar_lists(base: str, showcase: Showcase) -> str | None:
    return _lists_of_items(base, showcase, "similar", "similar")


def _lists_of_items(base: str, showcase: Showcase, call: str, rung: str) -> str | None:
    for item in showcase.items():
        id_ = showcase.snapshot.catalog.items.ids[item]
        status, answer = ask(f"{base}/v1/items/{quote(id_, safe='')}/{call}?fields=title")
        if status != 200 or answer["source"] != rung or not answer["items"]:
            return f"item {id_} answered {status}: {answer}"
    return None


def _cart(base: str, showcase: Showcase) -> str | None:
    cart = [showcase.snapshot.catalog.items.ids[item] for item in showcase.items()]
    status, answer = ask(f"{base}/v1/cart/recommendations", {"cart": cart, "n": 5})
    shown = [item["item_id"] for item in answer["items"]]
    return _unless(status == 200 and len(shown) == 5 and not set(shown) & set(cart), f"{status}: {answer}")


def _unknown_customer(base: str) -> str | None:
    status, answer = ask(f"{base}/v1/customers/nobody/recommendations")
    return _unless(
        status == 200 and answer["source"] == "best_sellers" and answer["items"], f"{status}: {answer}"
    )


def _mistake(base: str) -> str | None:
    status, answer = ask(f"{base}/v1/best-sellers?n=0")
    return _unless(status == 400 and "n" in answer["detail"], f"n=0 answered {status}: {answer}")


def _described(base: str) -> str | None:
    status, answer = ask(f"{base}/openapi.json")
    return _unless(status == 200 and answer["openapi"].startswith("3.1"), f"{status}")


def _differs(status: int, answer: Any, expected: list[str]) -> str | None:
    shown = [item["item_id"] for item in answer.get("items", [])]
    return _unless(status == 200 and shown == expected, f"{status}, shown {shown}, expected {expected}")


def _unless(fine: object, wrong: str) -> str | None:
    return None if fine else wrong
