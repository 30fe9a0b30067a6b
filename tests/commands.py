"""The command line as a process, the way a user runs it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


def cartlift(*words: object, folder: Path | None = None, expect: int = 0) -> Ended:
    """Run `cartlift WORDS…` in a folder; an exit code that was not expected fails the test."""
    command = [sys.executable, "-m", "recommender.training", *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    told = f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    assert done.returncode == expect, told
    return Ended(done.returncode, done.stdout, done.stderr)
