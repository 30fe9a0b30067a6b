"""A short run of the fuzzer, always the same; `make fuzz` runs it for longer."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from recommender.serving.calls import CALLS

RUNS = 20_000


def seeds(folder: Path) -> None:
    """One file each of what the docs show, for the fuzzer to begin with."""
    folder.mkdir()
    for number, call in enumerate(CALLS):
        (folder / f"body-{number}").write_bytes(b"\x01" + msgspec.json.encode(call.example))
    event = CALLS[[call.name for call in CALLS].index("events")].example["events"][0]
    (folder / "event").write_bytes(b"\x02" + msgspec.json.encode(event))
    (folder / "query").write_bytes(b"\x00n=5&mode=discover&exclude=a,b\\,c&fields=title&placement=home")
    (folder / "expression").write_bytes(b'\x03item.price < 20.0 && item.brand in ["Leaf", "Bud"]')
    (folder / "notes").write_bytes(b'\x05["purchase","tea",10]\n')


@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="atheris has no wheel for this Python")
def test_nothing_that_is_read_of_strangers_breaks_its_reader(tmp_path: Path):
    seeds(tmp_path / "seeds")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.parsers", "-seed=17", f"-runs={RUNS}", "-max_len=600",
         f"-artifact_prefix={tmp_path}/", str(tmp_path / "seeds")],
        capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-4_000:]
    assert f"Done {RUNS} runs" in ended.stderr
