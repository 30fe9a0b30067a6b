"""The calls that change something: events, and what the shop says of its items."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from flask import Flask, Response
from msgspec import UNSET

from .calls import WRITE_CALLS
from .event_schemas import EventsRequest
from .event_service import EventService
from .guard import Guard, key_of_request
from .item_changes import ItemChange
from .item_schemas import ItemAnswer, ItemRequest
from .json_bodies import json_response, read_body
from .live_state import FIELDS, LiveState
from .request_parsing import check_id, parse_body

NOTHING_SAID: dict[str, int | float | bool | None] = dict.fromkeys(FIELDS)


class ItemCatalog(Protocol):
    """Knows the items of the live snapshot."""

    def knows_item(self, item_id: str) -> bool:
        """Whether it has this one."""
        ...


def register_writes(
    app: Flask, guard: Guard, catalog: ItemCatalog, events: EventService, state: LiveState
) -> None:
    """Add the calls to the app, each behind its scope."""

    def take_events() -> Response:
        asked = parse_body(EventsRequest, read_body())
        key = key_of_request()
        return json_response(events.take(asked.events, from_page=key is not None and bool(key.origins)))

    def put_item(item_id: str) -> Response:
        named = _named(parse_body(ItemRequest, read_body()))
        return _said(item_id, state.change_item(check_id("item_id", item_id), NOTHING_SAID | named))

    def patch_item(item_id: str) -> Response:
        named = _named(parse_body(ItemRequest, read_body()))
        return _said(item_id, state.change_item(check_id("item_id", item_id), named))

    def _said(item_id: str, change: ItemChange) -> Response:
        return json_response(
            ItemAnswer(
                item_id=item_id,
                stock=change.stock,
                price=change.price,
                visible=change.visible,
                known=catalog.knows_item(item_id),
            )
        )

    views: Mapping[str, Callable[..., Response]] = {
        "events": take_events,
        "put_item": put_item,
        "patch_item": patch_item,
    }
    for call in WRITE_CALLS:
        rule = call.path.replace("{", "<id:").replace("}", ">")
        app.add_url_rule(rule, call.name, views[call.name], methods=[call.method])
        guard.scopes[call.name] = call.scope


def _named(asked: ItemRequest) -> dict[str, int | float | bool | None]:
    """What a request names, null included."""
    return {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not UNSET}
