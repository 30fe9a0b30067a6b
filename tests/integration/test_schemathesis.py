"""Requests made up from the running service's own description of itself, right ones and wrong ones."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from recommender.serving.call import Call
from recommender.serving.calls import CALLS
from recommender.serving.keys import SCOPES, KeyFile
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect
from tests.running_service import Service, eventually, started
from tests.serving.small_shop import publish

CHECKED = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]

EXAMPLES = 12

FEW_AND_THE_SAME = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("described")
    with running_redis(folder / "state", os.environ["PATH"]) as url, connect(url) as client:
        publish(RedisStore(client, "shop"))
        with started(folder / "log", "--state", str(folder / "state")) as service:
            eventually(service.is_ready)
            yield service
        assert "Traceback" not in service.log.read_text()


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    """A key for everything; from here on nobody gets in without one."""
    made = KeyFile(Path(service.log.parent / "state")).create(
        name="test", shop="shop", scopes=SCOPES, created_at="2026-11-21T04:00:00Z"
    )
    eventually(lambda: all(service.ask("/v1/best-sellers").status == 401 for _ in range(10)))
    return made


def check_answers(service: Service, method: str, path: str, mode: GenerationMode, **headers: str) -> set[int]:
    """Ask made-up questions of one operation; the statuses that came back."""
    base = f"http://127.0.0.1:{service.port}"
    operation = schemathesis.openapi.from_url(f"{base}/openapi.json")[path][method]
    seen = set()

    with requests.Session() as session:

        @FEW_AND_THE_SAME
        @given(case=operation.as_strategy(generation_mode=mode))
        def asked(case: schemathesis.Case) -> None:
            answer = case.call(base_url=base, session=session, headers=headers)
            case.validate_response(answer, checks=CHECKED)
            seen.add(answer.status_code)

        asked()
    return seen


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_whatever_is_asked_without_a_key_is_answered_as_described(service: Service, call: Call, mode):
    seen = check_answers(service, call.method, call.path, mode)
    if call.scope != "read":
        assert seen == {401}
    else:
        assert (200 if mode is GenerationMode.POSITIVE else 400) in seen


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_answered_as_described(service: Service, path: str):
    assert check_answers(service, "GET", path, GenerationMode.POSITIVE) == {200}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_whatever_is_asked_with_a_key_is_answered_as_described(service: Service, key: str, call: Call, mode):
    seen = check_answers(service, call.method, call.path, mode, **{"X-API-Key": key})
    assert (200 if mode is GenerationMode.POSITIVE else 400) in seen
