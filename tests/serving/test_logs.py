"""Log lines: what stands in them, and what never does."""

import json
import logging

import pytest

from recommender.serving.access_log import SLOW_SECONDS, AccessLog
from recommender.serving.log_format import JsonFormatter, TextFormatter, nameless
from tests.eventually import eventually

KEY = f"cartlift_1f0a62c3_{'5d' * 24}"
RECORD = logging.LogRecord("shop", logging.WARNING, "", 1, "%s", ("redis://me:secret@host " + KEY,), None)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter("shop")])
def test_no_password_and_no_key_is_shown(formatter):
    line = formatter.format(RECORD)
    assert "redis://…@host" in line and "cartlift_1f0a62c3_…" in line
    assert "secret" not in line and "5d5d" not in line


def test_what_callers_send_is_shown_without_secrets_too():
    record = logging.LogRecord("access", logging.INFO, "", 1, "answered", (), None)
    record.fields = {"request_id": KEY, "status": 200}
    found = json.loads(JsonFormatter("shop").format(record))
    assert (found["request_id"], found["status"]) == ("cartlift_1f0a62c3_…", 200)


def test_a_json_line_is_one_object_with_time_level_and_trace():
    try:
        raise ValueError("two\nlines of redis://:secret@host")
    except ValueError as error:
        info = (type(error), error, None)
    line = JsonFormatter("tea").format(logging.LogRecord("a", logging.ERROR, "", 1, "failed", (), info))
    found = json.loads(line)
    assert "\n" not in line and "secret" not in line
    assert found["time"].endswith("+00:00")
    assert (found["level"], found["message"], found["shop"]) == ("error", "failed", "tea")
    assert "two\nlines" in found["exception"]


def test_a_customers_entry_is_named_by_its_kind():
    assert nameless("customer:{ann}") == "customer of a customer"
    assert nameless("similar:{tea}") == "similar:{tea}"


def test_failures_and_slow_ones_are_always_written_and_of_others_a_share():
    drawn = iter([0.05, 0.2])
    log = AccessLog(0.1, lambda: next(drawn))
    assert log.wants(500, 0.0) and log.wants(200, SLOW_SECONDS)
    assert log.wants(200, 0.001) and not log.wants(200, 0.001)
    assert not AccessLog(0.0).wants(404, 0.001)


def test_a_log_that_is_too_slow_loses_lines_and_counts_them(caplog):
    log, environ = AccessLog(1.0, most_waiting=2), {"REQUEST_METHOD": "GET"}
    for _ in range(5):
        log.put(environ, "customer", 200, 0.001, None)
    assert log.dropped == 3
    with caplog.at_level(logging.INFO):
        log.start()
        assert eventually(lambda: len(caplog.records) == 2)
    assert caplog.records[0].fields["path"] == "/v1/customers/{customer_id}/recommendations"
