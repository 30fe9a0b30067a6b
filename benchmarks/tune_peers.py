"""Find the settings that suit each peer best, on months before the one that is reported.

Every peer gets the same budget: 20 settings, its defaults among them, each judged by nDCG@10 on the
window 28 days before the last one of every shop. The three best a task, for each shop and for both together,
are judged on the window before that too, and the best mean of the two windows wins. The last window is
never looked at.

`python -m benchmarks.tune_peers [PEER …]` keeps every trial in benchmarks/results/peers_tuning.json once it
is judged, and judges none that is there: it can be stopped at any time. To tune a peer anew, take it out of
the file.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.datasets import real_shops
from benchmarks.held_out import TASKS, HeldOut
from benchmarks.peers.registry import PEERS, TRIALS, Contender
from benchmarks.results import FOLDER, keep

RECORD = "peers_tuning"
FIRST, SECOND = 1, 2
"""Windows before the last one: of every trial, and of the finalists."""

FINALISTS = 3
BOTH = "both shops"
"""What one setting for all shops is called in the record; a shop's own stands under its name."""

Windows = Mapping[str, Mapping[int, HeldOut]]
"""Shop → how many windows before the last → that window."""

Changes = Mapping[str, object]
"""What a trial changes in a peer's defaults."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting of one peer, and how it did.

    Attributes:
        changes: what it changes in the defaults.
        ndcg: mean nDCG@10 by shop, window and task; filled as the trial is judged.
    """

    changes: Changes
    ndcg: dict[str, dict[int, dict[str, float]]]

    def mean(self, shop: str, task: str) -> float:
        """Over the windows that it was judged on."""
        return float(np.mean([by_task[task] for by_task in self.ndcg[shop].values()]))


def tune(contender: Contender, trials: Sequence[Trial], windows: Windows) -> Iterator[str]:
    """Judge every trial that was not judged before; yields a line as soon as a figure is known."""
    for trial in trials:
        yield from _judge(contender, trial, windows, FIRST)
    for trial in finalists(trials, list(windows)):
        yield from _judge(contender, trial, windows, SECOND)


def trials_of(
    contender: Contender, recorded: Sequence[Mapping[str, Any]], shops: Sequence[str]
) -> list[Trial]:
    """Every trial of a peer, with what is on record of it already."""
    known = {json.dumps(trial["changes"]): trial["ndcg"] for trial in recorded}
    trials = []
    for changes in contender.trials():
        ndcg = known.get(json.dumps(changes), {})
        judged = {shop: {int(back): tasks for back, tasks in ndcg.get(shop, {}).items()} for shop in shops}
        trials.append(Trial(changes, judged))
    return trials


def entry(contender: Contender, trials: Sequence[Trial]) -> dict[str, Any]:
    """What the record says of a peer while it is tuned."""
    return {
        "space": {name: repr(values) for name, values in contender.space.items()},
        "trials": [asdict(trial) for trial in trials],
    }


def choice(trials: Sequence[Trial], shops: Sequence[str]) -> dict[str, dict[str, Changes]]:
    """Task → target → what the winner changes in the defaults."""
    return {
        task: {target: winner(trials, some, task).changes for target, some in _targets(shops)}
        for task in TASKS
    }


def finalists(trials: Sequence[Trial], shops: Sequence[str]) -> list[Trial]:
    """The best few trials a task, for each shop and for all of them."""
    best: list[Trial] = []
    for task in TASKS:
        for _, some in _targets(shops):
            standing = _standing(trials, some, task)
            best += [trials[i] for i in np.argsort(-standing, kind="stable")[:FINALISTS]]
    return [trial for trial in trials if any(trial is one for one in best)]


def winner(trials: Sequence[Trial], shops: Sequence[str], task: str) -> Trial:
    """The best of the trials that were judged on both windows."""
    final = [trial for trial in trials if all(len(trial.ndcg[shop]) == 2 for shop in shops)]
    return final[int(_standing(final, shops, task).argmax())]


def _standing(trials: Sequence[Trial], shops: Sequence[str], task: str) -> np.ndarray:
    """Mean over shops of nDCG ÷ the best trial's, so that no shop counts more for being easier."""
    ndcg = np.array([[trial.mean(shop, task) for shop in shops] for trial in trials])
    # Nothing can be found by a peer that only repeats, whatever its settings.
    return (ndcg / np.maximum(ndcg.max(axis=0), 1e-12)).mean(axis=1)


def _targets(shops: Sequence[str]) -> list[tuple[str, list[str]]]:
    return [(BOTH, list(shops)), *((shop, [shop]) for shop in shops)]


def _judge(contender: Contender, trial: Trial, windows: Windows, back: int) -> Iterator[str]:
    for shop, by_back in windows.items():
        if back in trial.ndcg[shop]:
            continue
        held_out = by_back[back]
        lists = held_out.lists_of(contender.peer(trial.changes).fit(held_out.history))
        trial.ndcg[shop][back] = {
            task: float(np.nanmean(held_out.figures(lists, task)["ndcg"])) for task in TASKS
        }
        shown = ", ".join(f"{task} {ndcg:.4f}" for task, ndcg in trial.ndcg[shop][back].items())
        yield f"{shop}, {back} back: {shown}  {dict(trial.changes)}"


def kept_record() -> dict[str, Any]:
    """What was found for each peer so far; empty before the first tuning."""
    path = FOLDER / f"{RECORD}.json"
    return json.loads(path.read_text())["figures"]["peers"] if path.exists() else {}


def main(names: Sequence[str]) -> None:
    """Tune the peers of these names, or all that have something to tune, and keep the record."""
    console = Console(stderr=True)
    if unknown := set(names) - set(PEERS):
        raise SystemExit(f"no such peer: {', '.join(sorted(unknown))}; there are: {', '.join(PEERS)}")
    windows = {
        shop: {back: HeldOut.of(read.orders, back) for back in (FIRST, SECOND)}
        for shop, read in real_shops().items()
    }
    for name in names or [name for name, contender in PEERS.items() if contender.space]:
        console.print(f"[bold]{name}")
        contender = PEERS[name]
        trials = trials_of(contender, kept_record().get(name, {}).get("trials", ()), list(windows))
        for line in tune(contender, trials, windows):
            console.print(f"  {line}", highlight=False, soft_wrap=True)
            _keep(name, entry(contender, trials))
        _keep(name, {**entry(contender, trials), "chosen": choice(trials, list(windows))})


def _keep(name: str, found: Mapping[str, Any]) -> None:
    record = {**kept_record(), name: found}
    in_order = {peer: record[peer] for peer in PEERS if peer in record}
    keep(RECORD, {"trials": TRIALS, "finalists": FINALISTS, "peers": in_order})


if __name__ == "__main__":
    main(sys.argv[1:])
