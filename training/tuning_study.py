"""The search for better settings of one stage: Optuna proposes, the windows judge, a file remembers."""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from recommender.errors import ConfigError
from recommender.evaluation.intervals import Interval, bootstrap

from .tuning_space import Number, Parameter, Space, Values
from .tuning_windows import Ndcg, Yardstick

Clock = Callable[[], float]
"""Seconds since some moment."""

_RANDOM_TRIALS = 5
"""Trials of a stage before its sampler learns from them, and before any is given up early."""

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True, slots=True)
class Stage:
    """Settings to be tuned, and how to judge them.

    Attributes:
        space: what is changed, and today's values.
        fixed: other settings that the figures depend on.
        customers: a window each, shape (n,), whose the lists judged are.
        ndcg: figures of these values in the window of that number.
    """

    space: Space
    fixed: tuple[object, ...]
    customers: Sequence[NDArray[np.int32]]
    ndcg: Callable[[Values, int], Ndcg]


@dataclass(frozen=True, slots=True)
class Limits:
    """When a stage ends, earlier calls on the same study counted in.

    Attributes:
        seconds: that its trials may take together; one that has begun is finished.
        trials: how many, that of today's settings among them.
    """

    seconds: float
    trials: int


@dataclass(frozen=True, slots=True)
class Trial:
    """Values that were tried.

    Attributes:
        stage: whose they are.
        number: of the trial in its stage, from 1 for today's settings.
        of: how many trials there may be.
        values: of the settings.
        gain: over today's settings: .1 is a tenth better; None where it was given up before the last window.
        best: the highest gain of the stage so far.
    """

    stage: str
    number: int
    of: int
    values: Values
    gain: float | None
    best: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a stage came to.

    Attributes:
        space: what was tuned.
        trials: made, in this call and in earlier ones.
        given_up: of these, how many were not judged on every window.
        seconds: that the trials took together.
        best: values of the best trial; today's where nothing is better.
        gain: of the best trial over today's settings on the windows of the tuning, with its 95 % interval.
            It is the best of many, so it flatters; nothing but chance may be in it.
    """

    space: Space
    trials: int
    given_up: int
    seconds: float
    best: Values
    gain: Interval

    @property
    def taken(self) -> bool:
        """Whether the best values replace today's: only what stands out from chance does."""
        return self.gain.low > 0

    @property
    def changes(self) -> dict[str, Number]:
        """Settings that are taken over and differ from today's."""
        own = self.space.own
        return {name: value for name, value in self.best.items() if self.taken and value != own[name]}


@dataclass(frozen=True, slots=True)
class Trials:
    """Makes trials and remembers them.

    Attributes:
        storage: Optuna's own: a SQLite file, or memory.
        seed: of every draw.
        clock: what the time of a trial is measured by.
        hear: told of every trial made.
    """

    storage: optuna.storages.BaseStorage
    seed: int
    clock: Clock
    hear: Callable[[Trial], None]

    @classmethod
    def kept_in(
        cls, path: Path | None, *, seed: int, clock: Clock, hear: Callable[[Trial], None]
    ) -> "Trials":
        """Trials in a file, which is made where there is none; in memory without one.

        Raises:
            ConfigError: the file is something else, or cannot be written.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        if path is None:
            return cls(optuna.storages.InMemoryStorage(), seed, clock, hear)
        refuse_other_files(path)
        try:
            return cls(optuna.storages.RDBStorage(f"sqlite:///{path}"), seed, clock, hear)
        except (SQLAlchemyError, RuntimeError) as error:
            raise ConfigError(f"--study {path}: {str(error).splitlines()[0]}") from error

    def search(self, stage: Stage, limits: Limits, *, shop: str) -> Found:
        """Try values until a limit is reached, going on from the trials that are remembered.

        The values of a trial follow from the seed and the trials before it, so an interrupted search that is
        taken up again ends as one that never was.

        Args:
            stage: what is tuned.
            limits: when to stop; they are looked at between trials.
            shop: tells orders and windows apart: trials on others are none of this search.
        """
        told = repr((shop, stage.space, stage.fixed, self.seed))
        study = optuna.create_study(
            storage=self.storage,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_RANDOM_TRIALS),
            study_name=f"{stage.space.stage} {hashlib.sha256(told.encode()).hexdigest()[:16]}",
            direction="maximize",
            load_if_exists=True,
        )
        search = _Search(study, stage, limits, self)
        search.give_up_interrupted()
        if stage.space.parameters and search.goes_on():
            search.run()
        return search.found()


@dataclass(frozen=True, slots=True)
class _Search:
    """The search of one stage."""

    study: optuna.Study
    stage: Stage
    limits: Limits
    trials: Trials

    def give_up_interrupted(self) -> None:
        """A trial under way when its process was ended is none; its values are drawn again."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self.study.tell(trial.number, state=TrialState.FAIL)

    def ended(self) -> list[FrozenTrial]:
        """Trials that were judged, wholly or until they were given up."""
        return self.study.get_trials(deepcopy=False, states=_ENDED)

    def seconds(self) -> float:
        """What these trials took together."""
        return float(sum(trial.user_attrs["seconds"] for trial in self.ended()))

    def goes_on(self) -> bool:
        """Whether no limit is reached yet."""
        return len(self.ended()) < self.limits.trials and self.seconds() < self.limits.seconds

    def run(self) -> None:
        """Try until a limit is reached."""
        started, own = self.trials.clock(), self.stage.space.own
        todays = [self.stage.ndcg(own, window) for window in range(len(self.stage.customers))]
        yardstick = Yardstick.of(todays)
        points = [yardstick.points(ndcg) for ndcg in todays]
        if not self.ended():
            self._remember_todays(points, self.trials.clock() - started)
        while self.goes_on():
            self._try(yardstick, points)

    def _remember_todays(self, points: Sequence[NDArray[np.float64]], seconds: float) -> None:
        so_far = {window: _mean(points[: window + 1]) for window in range(len(points))}
        self.study.add_trial(
            optuna.trial.create_trial(
                params=dict(self.stage.space.own),
                distributions=_distributions(self.stage.space),
                value=so_far[len(points) - 1],
                intermediate_values=so_far,
                user_attrs={"seconds": seconds, "gain": [0.0, 0.0, 0.0]},
            )
        )
        self._tell(self.stage.space.own, 0.0)

    def _try(self, yardstick: Yardstick, todays: Sequence[NDArray[np.float64]]) -> None:
        started = self.trials.clock()
        # A new sampler a trial: what it draws must not depend on how often the search was interrupted.
        seed = int(np.random.SeedSequence([self.trials.seed, len(self.ended())]).generate_state(1)[0])
        self.study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_RANDOM_TRIALS)
        trial = self.study.ask(_distributions(self.stage.space))
        values = rounded(trial.params)
        points = self._points(trial, values, yardstick)
        trial.set_user_attr("seconds", self.trials.clock() - started)
        if points is None:
            self.study.tell(trial, state=TrialState.PRUNED)
            self._tell(values, None)
            return
        gain = bootstrap(np.concatenate(points) - np.concatenate(todays), customer=self._customer())
        trial.set_user_attr("gain", [gain.mean, gain.low, gain.high])
        self.study.tell(trial, _mean(points))
        self._tell(values, gain.mean)

    def _points(
        self, trial: optuna.Trial, values: Values, yardstick: Yardstick
    ) -> list[NDArray[np.float64]] | None:
        """Points in every window; None where the first ones say that it is not worth looking further."""
        points: list[NDArray[np.float64]] = []
        for window in range(len(self.stage.customers)):
            try:
                points.append(yardstick.points(self.stage.ndcg(values, window)))
            except ConfigError:
                # Some corners of a space make no model at all.
                return None
            trial.report(_mean(points), window)
            if window + 1 < len(self.stage.customers) and trial.should_prune():
                return None
        return points

    def _customer(self) -> NDArray[np.int32]:
        return np.concatenate(self.stage.customers)

    def _tell(self, values: Values, gain: float | None) -> None:
        number, of = len(self.ended()), self.limits.trials
        self.trials.hear(Trial(self.stage.space.stage, number, of, values, gain, self.found().gain.mean))

    def found(self) -> Found:
        """What the trials so far come to."""
        ended = self.ended()
        complete = [trial for trial in ended if trial.state == TrialState.COMPLETE]
        space = self.stage.space
        if not complete:
            return Found(space, 0, 0, 0.0, space.own, Interval(0.0, 0.0, 0.0))
        # The first of several equals. Today's settings are the very first, and are not to be rounded.
        best = max(complete, key=lambda trial: (trial.value, -trial.number))
        values = rounded(best.params) if best.number else space.own
        gain = Interval(*best.user_attrs["gain"])
        return Found(space, len(ended), len(ended) - len(complete), self.seconds(), values, gain)


def rounded(values: Values) -> dict[str, Number]:
    """The values as a person would write them down: to three digits."""
    return {
        name: value if isinstance(value, int) else float(f"{value:.3g}") for name, value in values.items()
    }


def _mean(points: Sequence[NDArray[np.float64]]) -> float:
    return float(np.concatenate(points).mean())


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    return {parameter.name: _distribution(parameter) for parameter in space.parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter.low, int):
        return IntDistribution(parameter.low, cast(int, parameter.high), log=True)
    return FloatDistribution(parameter.low, parameter.high, log=True)


def refuse_other_files(path: Path) -> None:
    """Refuse a file that is no study.

    SQLite would add the study's tables to whatever database it is given: to the shop's own, even.

    Raises:
        ConfigError: the file holds something else, or its folder is not there.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"--study {path}: there is no folder {path.parent}")
    if not path.exists():
        return
    try:
        # Able to write: what a killed process was about to write may have to be rolled back first.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        raise ConfigError(f"--study {path} is no study: {error}") from error
    if "trials" not in tables or "studies" not in tables:
        raise ConfigError(f"--study {path} is no study: name a file that does not exist yet")
