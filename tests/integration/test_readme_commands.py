"""The README's own commands, run from top to bottom in an empty folder, on exports of the planted shop."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
from itertools import pairwise
from pathlib import Path
from urllib.request import Request, urlopen

import polars as pl
import pytest

from benchmarks.datasets import planted_shop

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = re.findall(r"^(cartlift (?:validate|train|publish) .*?)\s*(?:#.*)?$", README, flags=re.M)
CURLS = re.findall(r"^curl .*$", README, flags=re.M)
TOML = re.findall(r"^```toml\n(.*?)^```", README, flags=re.S | re.M)[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the README takes for granted: an export of Shopify in `orders/`, and one of another kind."""
    folder = tmp_path_factory.mktemp("readme")
    lines = planted_shop(customers=60)
    shopify = lines.select(
        Name="order_id",
        Email=pl.col("customer_id") + "@example.com",
        **{
            "Financial Status": pl.lit("paid"),
            "Created at": pl.col("ordered_at").dt.strftime("%Y-%m-%d %H:%M:%S +0000"),
            "Lineitem quantity": "quantity",
            "Lineitem name": "title",
            "Lineitem price": "unit_price",
            "Lineitem sku": "item_id",
        },
    )
    (folder / "orders").mkdir()
    shopify.write_csv(folder / "orders" / "orders_export.csv")
    columns = tomllib.loads(TOML)["source"]["columns"]
    theirs = lines.select(pl.col(ours).alias(name) for ours, name in columns.items())
    theirs.write_csv(folder / "orders.csv")
    (folder / "cartlift.toml").write_text(TOML)
    return folder


@pytest.fixture(scope="module")
def shell(folder):
    """Runs a line of the README as it stands there."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def run(line):
        own = {"cwd": folder, "env": os.environ | {"PATH": path}}
        done = subprocess.run(
            line, shell=True, capture_output=True, text=True, timeout=120, check=False, **own
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"

    return run


def test_its_commands_run_in_the_order_they_stand_there(shell):
    assert [command.split()[1] for command in COMMANDS] == ["validate", "train", "publish"]
    for command in COMMANDS:
        shell(command)
    (own,) = re.findall(r"`(cartlift train orders\.csv --config [^`]*)`", README)
    shell(own)


def test_its_questions_are_answered(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "recommender.training", "serve", "--port", str(port)]
    service = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_ready(port)
        assert len(CURLS) >= 6
        for curl in CURLS:
            assert _as_curl_asks(curl.replace("8080", str(port)))["items"], curl
    finally:
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=30) == 0


def _as_curl_asks(line):
    """The answer to a curl command, on a machine that may have no curl."""
    words = shlex.split(line)
    headers = dict(h.split(": ") for option, h in pairwise(words) if option == "-H")
    body = next((data.encode() for option, data in pairwise(words) if option == "-d"), None)
    url = next(word for word in words if word.startswith("http"))
    with urlopen(Request(url, data=body, headers=headers), timeout=10) as answer:
        return json.loads(answer.read())


def _await_ready(port):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1):
                return
        except OSError:
            continue
    raise AssertionError("the service was not ready in time")
