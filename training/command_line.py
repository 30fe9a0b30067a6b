"""The `cartlift` command: finds its verbs by entry point and turns refusals into one line.

Exit codes: 0 done · 1 a check or gate said no · 2 wrong usage or setting · 3 the shop's data cannot be
used · 4 a snapshot or Redis cannot be used · 130 interrupted.
"""

import sys
from importlib.metadata import EntryPoint, entry_points

import click
from rich.console import Console
from rich.markup import escape

from recommender import __version__
from recommender.errors import ConfigError, DataError, RecommenderError

INTERRUPTED = 130

_VERBS = (
    "validate", "plan", "train", "update", "evaluate", "tune", "inspect", "export", "publish", "snapshots",
    "rollback", "serve", "keys", "privacy", "events", "experiment", "campaign", "demo",
)  # fmt: skip


class Verbs(click.Group):
    """Loads a verb's module only when that verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Verbs in the order of a first use, then any that other packages added."""
        found = _entry_points()
        return [v for v in _VERBS if v in found] + sorted(set(found) - set(_VERBS))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, or None for a word that is no verb."""
        entry = _entry_points().get(cmd_name)
        return entry.load() if entry else None


def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group="cartlift.commands")}


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="cartlift")
def cartlift() -> None:
    """Product recommendations for online shops, learned from order history.

    \b
    From raw orders to served lists:
      cartlift validate orders/*.csv                      what is in the data, and what is odd about it
      cartlift train orders/*.csv --snapshot snapshots/1  learn, judge, write the lists
      cartlift publish snapshots/1                        put them into Redis, switch in one step
      cartlift serve                                      answer storefronts on http://127.0.0.1:8080

    Every night after the first: cartlift update

    See it at work first: cartlift demo
    """


def main() -> None:
    """Run the command line; a user's mistake costs one line, never a traceback."""
    try:
        code = cartlift.main(prog_name="cartlift", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _tell("interrupted: nothing half-done is kept, call it again to go on")
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except RecommenderError as error:
        _tell(str(error))
        code = exit_code(error)
    except OSError as error:
        # A file or folder that cannot be read or written, where no better word was found for it.
        _tell(": ".join(filter(None, (error.filename and str(error.filename), error.strerror))) or str(error))
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def _tell(what: str) -> None:
    told = f"[bold red]cartlift:[/] {escape(what)}"
    Console(stderr=True).print(told, highlight=False, soft_wrap=True)


def exit_code(error: RecommenderError) -> int:
    """Exit code for a refusal, as the module's docstring lists them."""
    match error:
        case ConfigError():
            return 2
        case DataError():
            return 3
        case _:
            return 4
