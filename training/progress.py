"""How long work tells what it is doing, and how long each step took."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

Advance = Callable[[int], None]


class Progress(Protocol):
    """Somebody who wants to know which step is under way."""

    def step(self, name: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """Enter a step; call the value yielded with how much of `total` is done."""
        ...


class Silent:
    """A `Progress` that nobody watches."""

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """See `Progress.step`."""
        yield lambda _: None


@dataclass(slots=True)
class Shown:
    """A `Progress` on the terminal, which also remembers where the time went.

    Attributes:
        console: where the bars are drawn; a line a step where it is no terminal.
        seconds: time that each step took, in the order of their first start.
    """

    console: Console
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """See `Progress.step`."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        shown = columns if total else (columns[0], columns[1], columns[4])
        started = time.perf_counter()
        with Bars(*shown, console=self.console, transient=True, disable=not self.console.is_terminal) as bars:
            task = bars.add_task(name, total=total)
            yield lambda done: bars.update(task, completed=done)
        took = time.perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + took
        self.console.print(f"[green]✓[/] {name} [dim]{took:.1f} s[/]", highlight=False)
