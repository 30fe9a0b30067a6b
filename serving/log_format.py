"""How log lines look: text for people, or a JSON object a line for programs. Neither shows a secret."""

import logging
import re
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from flask import has_request_context, request

from .answer_headers import REQUEST_ID

LogFormat = Literal["text", "json"]
LOG_FORMATS: tuple[LogFormat, ...] = ("text", "json")

_OF_CUSTOMERS = frozenset({"customer", "orders", "reasons"})
"""Kinds of stored entries that name a customer."""

_SECRETS = (
    (re.compile(r"(\w+://)[^\s/@]*:[^\s/]*@"), r"\1…@"),  # a password in a URL
    (re.compile(r"(cartlift_[0-9a-f]{8})_[0-9a-f]+"), r"\1_…"),  # an API key
)


def redacted(text: str) -> str:
    """The text without passwords of URLs and secrets of API keys."""
    for secret, shown in _SECRETS:
        text = secret.sub(shown, text)
    return text


def nameless(key: str) -> str:
    """The key of a stored entry as logs may show it: without a customer's id."""
    kind = key.partition(":")[0]
    return f"{kind} of a customer" if kind in _OF_CUSTOMERS else key


class TextFormatter(logging.Formatter):
    """A line for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s worker %(process)d: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return redacted(super().format(record))


class JsonFormatter(logging.Formatter):
    """A JSON object a line."""

    def __init__(self, shop: str) -> None:
        super().__init__()
        self._shop = shop

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`; `extra={"fields": …}` adds fields."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": redacted(record.getMessage()),
            "logger": record.name,
            "worker": record.process,
            "shop": self._shop,
        }
        if has_request_context() and REQUEST_ID in request.environ:
            line["request_id"] = redacted(request.environ[REQUEST_ID])
        if record.exc_info:
            line["exception"] = redacted(self.formatException(record.exc_info))
        # What callers send, such as ids of requests, may be a secret by mistake.
        line |= {
            name: redacted(value) if isinstance(value, str) else value
            for name, value in getattr(record, "fields", {}).items()
        }
        return msgspec.json.encode(line).decode()


def configure_logging(format_: LogFormat, shop: str) -> None:
    """Make this process log so, to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(shop) if format_ == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def server_logging(format_: LogFormat, shop: str) -> dict[str, Any] | None:
    """What granian is told of its own lines; None for its own way."""
    if format_ == "text":
        return None
    formatter = {"()": f"{JsonFormatter.__module__}.{JsonFormatter.__qualname__}", "shop": shop}
    return {"formatters": {"generic": formatter, "access": formatter}}
