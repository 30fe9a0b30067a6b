"""docs/deploy: the dashboard and the alerts ask for nothing that the service does not say."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.serving.live_shop import LiveShop

RULES = Path("docs/deploy/prometheus-rules.yaml")
DASHBOARD = Path("docs/deploy/grafana-dashboard.json")


@pytest.fixture
def exported(redis_client, tmp_path) -> set[str]:
    """Names of all series of a live worker."""
    page = LiveShop(redis_client, tmp_path).workers[0].get("/metrics").get_data(as_text=True)
    names = set()
    for _, _, name, kind in (line.split() for line in page.splitlines() if line.startswith("# TYPE")):
        names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
    return names


def expressions(file: Path) -> list[str]:
    if file == RULES:
        return [
            rule["expr"] for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]
        ]
    panels = json.loads(file.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.mark.parametrize("file", [RULES, DASHBOARD])
def test_every_metric_that_is_asked_for_exists(file: Path, exported: set[str]):
    for expression in expressions(file):
        asked = set(re.findall(r"\bcartlift_\w+", expression))
        assert asked <= exported, expression
        assert asked or "up{" in expression
        assert all(expression.count(pair[0]) == expression.count(pair[1]) for pair in ("()", "{}", "[]"))


def test_the_dashboard_shows_every_metric(exported: set[str]):
    shown = " ".join(expressions(DASHBOARD))
    assert {name for name in exported if not re.search(rf"\b{name}\b", shown)} == {
        "cartlift_request_duration_seconds_sum",
        "cartlift_request_duration_seconds_count",
    }
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_alert_says_what_is_wrong_and_what_to_do():
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
            assert rule["labels"]["severity"] in ("page", "ticket")
            assert rule["annotations"].keys() == {"summary", "remedy"}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (apt install prometheus)")
def test_prometheus_accepts_the_rules():
    checked = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (apt install prometheus)")
def test_prometheus_accepts_what_the_service_says(redis_client, tmp_path):
    worker = LiveShop(redis_client, tmp_path).workers[0]
    worker.get("/v1/best-sellers")
    page = worker.get("/metrics").get_data(as_text=True)
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (apt install prometheus)")
def test_prometheus_understands_what_the_dashboard_asks(tmp_path):
    asked = [expression.replace("$__rate_interval", "5m") for expression in expressions(DASHBOARD)]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
