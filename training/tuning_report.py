"""What `cartlift tune` prints and writes: a line a trial, tables, TOML and JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from recommender.evaluation.evaluation import TaskComparison
from recommender.evaluation.intervals import Interval
from recommender.evaluation.judge import K
from recommender.evaluation.slices import FEWEST_CUSTOMERS
from recommender.snapshot.manifest import rfc3339

from .report import task_label
from .tuning import Tuned
from .tuning_space import Values
from .tuning_study import Found, Trial
from .tuning_windows import TUNED_TASKS


def trial_line(trial: Trial) -> str:
    """A trial, and the best of its stage so far."""
    gain = "given up" if trial.gain is None else _percent(trial.gain)
    told = f"{trial.stage} {trial.number}/{trial.of}  {gain}, best {_percent(trial.best)}"
    return f"{told}  {_values(trial.values)}"


def conclusion(tuned: Tuned) -> str:
    """What to make of the settings found, in sentences; begins with a warning where they are no sure gain.

    Only the tasks that settings were chosen by count, and of them only differences that are sure among all
    of the table (Holm) and rest on enough customers.
    """
    if tuned.after == tuned.before:
        return "Nothing stood out from your settings where others were tried: keep yours."
    rows = _deciding(tuned)
    if not rows:
        return (
            "Warning: nobody can be judged on the last window, so the gain is not known. Keep your settings."
        )
    words = {word: [task_label(row.task) for row in rows if _word(row) == word] for word in _SAID}
    if not words["better"] and not words["worse"]:
        return f"Warning: the gain cannot be told from chance. {_AS_GOOD} Keep yours."
    found = f"On days that nothing was chosen on, the settings found are {_told(words)} {_advice(words)}"
    return f"Warning: {found}" if words["worse"] else found


def _deciding(tuned: Tuned) -> list[TaskComparison]:
    return [row for row in tuned.comparisons if row.task in TUNED_TASKS]


_AS_GOOD = "Your settings are as good as those found."

_SAID = {"better": "better at {}", "worse": "worse at {}", "as good": "not to be told from yours at {}"}


def _word(row: TaskComparison) -> str:
    if not row.method.sure or row.method.customers < FEWEST_CUSTOMERS:
        return "as good"
    return "better" if row.method.difference.mean > 0 else "worse"


def _told(words: Mapping[str, Sequence[str]]) -> str:
    parts = [_SAID[word].format(" and ".join(tasks)) for word, tasks in words.items() if tasks]
    return f"{', '.join(parts)}."


def _advice(words: Mapping[str, Sequence[str]]) -> str:
    if words["better"] and words["worse"]:
        return "Weigh which matters to you."
    return "Use them." if words["better"] else "Keep yours."


def print_tuned(console: Console, tuned: Tuned) -> None:
    """What each stage came to, the comparison on the last window, and what to make of it."""
    console.print(_stages_table(tuned))
    if tuned.comparisons:
        console.print(_comparison_table(tuned))
    for finding in tuned.findings:
        console.print(f"[yellow]![/] {finding}", highlight=False)
    console.print(conclusion(tuned), highlight=False)


def as_toml(tuned: Tuned) -> str:
    """The settings that differ from today's, and in comments how they were found and what they gain."""
    return "\n".join([*(f"# {line}".rstrip() for line in _heading(tuned)), *_sections(tuned.stages), ""])


def as_json(tuned: Tuned) -> dict[str, Any]:
    """Everything that was found, as plain values."""
    return {
        "conclusion": conclusion(tuned),
        "settings": {found.space.section: found.changes for found in tuned.stages if found.changes},
        "stages": [_stage_as_json(found) for found in tuned.stages],
        "days": tuned.days,
        "cuts": tuned.cuts,
        "judged_cut": tuned.judged_cut,
        "comparisons": [{"task": row.task, **asdict(row.method)} for row in tuned.comparisons],
        "findings": tuned.findings,
    }


def _stage_as_json(found: Found) -> dict[str, Any]:
    return {
        "stage": found.space.stage,
        "section": found.space.section,
        "trials": found.trials,
        "given_up": found.given_up,
        "seconds": found.seconds,
        "today": found.space.own,
        "best": found.best,
        "gain": asdict(found.gain),
        "taken": found.taken,
    }


def _stages_table(tuned: Tuned) -> Table:
    table = _table(f"Chosen on the {tuned.days:g} days after {_days(tuned.cuts)}; gain over today's, 95 %")
    table.add_column("stage", no_wrap=True)
    table.add_column("trials", justify="right")
    table.add_column("best gain", justify="right", no_wrap=True)
    table.add_column("taken over", overflow="fold")
    for found in tuned.stages:
        tried = found.trials > 1
        gain = _percents(found.gain) if tried else "–"
        taken = _values(found.changes) or ("nothing stood out" if tried else "not tried")
        table.add_row(found.space.stage, f"{found.trials}", gain, taken)
    return table


def _comparison_table(tuned: Tuned) -> Table:
    table = _table(
        f"nDCG@{K} on the {tuned.days:g} days after {_days([tuned.judged_cut])}, which nothing was chosen on"
    )
    table.add_column("counted", no_wrap=True)
    for heading in ("customers", "today's", "found", "gain, 95 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in tuned.comparisons:
        method, gain = row.method, _gain(row)
        table.add_row(
            task_label(row.task),
            f"{method.customers:,}",
            _short(method.mean.mean - method.difference.mean),
            _short(method.mean.mean),
            f"[bold]{gain}[/]" if _word(row) != "as good" else gain,
        )
    return table


def _heading(tuned: Tuned) -> Iterator[str]:
    trials = sum(found.trials for found in tuned.stages)
    yield f"Found by cartlift tune in {trials} trials on the {tuned.days:g} days after {_days(tuned.cuts)}."
    if rows := _deciding(tuned):
        yield f"Gain in nDCG@{K} on the {tuned.days:g} days after {_days([tuned.judged_cut])}, which nothing"
        yield "was chosen on, with its 95 % interval:"
        yield from (f"  {task_label(r.task)}: {_gain(r)}, {r.method.customers:,} customers" for r in rows)
    yield conclusion(tuned)
    yield from tuned.findings
    if tuned.after != tuned.before:
        yield ""
        yield "Only what differs from your settings: copy it into your settings file."


def _sections(stages: Sequence[Found]) -> Iterator[str]:
    for found in stages:
        if found.changes:
            yield ""
            yield f"# {found.trials} trials; {_percents(found.gain)} where it was chosen, which flatters it."
            yield f"[{found.space.section}]"
            yield from (
                f"{name} = {value!r}  # was {found.space.own[name]!r}"
                for name, value in found.changes.items()
            )


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False, collapse_padding=True)


def _days(cuts: Sequence[int]) -> str:
    return " and ".join(rfc3339(cut)[:10] for cut in cuts)


def _values(values: Values | Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value:g}" for name, value in values.items())


def _gain(row: TaskComparison) -> str:
    gain = row.method.difference
    return f"{gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"


def _percents(gain: Interval) -> str:
    return f"{_percent(gain.mean)} [{100 * gain.low:.1f}, {100 * gain.high:.1f}]"


def _percent(gain: float) -> str:
    return f"{100 * gain:+.1f} %"


def _short(value: float) -> str:
    return f"{value:.4f}"
