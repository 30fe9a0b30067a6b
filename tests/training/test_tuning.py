"""`cartlift tune`: what it finds where the answer is planted, what it must not look at, how it resumes."""

import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.datasets import planted_shop
from recommender.data.history import DAY
from recommender.errors import ConfigError, DataError
from recommender.models.registry import MODELS
from recommender.ranking.blend import Blend
from recommender.settings_file import merged, parse_section
from recommender.training import tuning_windows
from recommender.training.progress import Silent
from recommender.training.settings import Settings, load_settings
from recommender.training.sources import read_orders
from recommender.training.tuning import Plan, tune
from recommender.training.tuning_report import as_toml, conclusion
from recommender.training.tuning_space import (
    blend_space,
    changed,
    model_spaces,
    ranker_space,
    stages_of,
)
from recommender.training.tuning_study import Trials
from recommender.training.tuning_windows import Yardstick, past_windows
from tests.commands import cartlift

QUICK_TOML = """
[models.als]
factors = 8
iterations = 3

[models.customer_knn]
factors = 8

[models.als_long_term]
factors = 8
iterations = 3

[ranker]
trees = 10
leaves = 7
fewest_customers = 20
"""
QUICK = parse_section(Settings, tomllib.loads(QUICK_TOML), "quick.toml")

ALONE = replace(
    QUICK,
    blend=Blend(**dict.fromkeys(Blend.__dataclass_fields__, 0.0) | {"buy_again": 1.0}),
    ranker=replace(QUICK.ranker, windows=0),
)
"""Buy-again and nothing else, so that its half-life can be seen in the lists."""

START = datetime(2026, 1, 1, 10)
WINDOW, DAYS = 28, 28 * 6
LAST = START + timedelta(DAYS)
ITEMS = [f"item-{number:02}" for number in range(30)]


def fickle_shop(customers=60, seed=0):
    """Customers who change their favourite a week before every cut, and then buy nothing else for weeks.

    Whoever counts a favourite of four weeks above that of the last week recommends what is over.
    """
    rng = np.random.default_rng(seed)
    lines = []
    for customer in range(customers):
        favourites = rng.permutation(ITEMS)
        for day in range(int(rng.integers(3)), DAYS, 3):
            item, at = str(favourites[(day + 7) // WINDOW]), START + timedelta(day)
            lines.append((f"{customer:03}-{day:03}", f"c-{customer:03}", item, 1, 2.0, at))
    lines.append(("end", "c-000", ITEMS[0], 1, 2.0, LAST))
    columns = ("order_id", "customer_id", "item_id", "quantity", "unit_price", "ordered_at")
    return pl.DataFrame(lines, schema=columns, orient="row")


def read_of(frame, folder):
    frame.write_parquet(folder / "orders.parquet")
    return read_orders([folder / "orders.parquet"], Settings())


@pytest.fixture(scope="module")
def fickle(tmp_path_factory):
    return read_of(fickle_shop(), tmp_path_factory.mktemp("fickle"))


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return read_of(planted_shop(customers=90), tmp_path_factory.mktemp("planted"))


class Ticks:
    """A clock that moves on by a second whenever it is looked at."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1
        return self.now


class Told(list):
    """Everything that was told of trials; raises an interrupt after a number of them."""

    def __init__(self, interrupt_after=None):
        super().__init__()
        self.interrupt_after = interrupt_after

    def __call__(self, trial):
        self.append(trial)
        if len(self) == self.interrupt_after:
            raise KeyboardInterrupt


def tuned(read, *, settings=ALONE, minutes=60.0, trials=8, only=("buy_again",), file=None, seed=0, hear=None):
    remembered = Trials.kept_in(file, seed=seed, clock=Ticks(), hear=Told() if hear is None else hear)
    return tune(read, settings, Plan(minutes, trials, only=only), remembered, progress=Silent())


@pytest.fixture(scope="module")
def found(fickle):
    return tuned(fickle)


def test_a_shop_of_fickle_customers_gets_a_short_memory(found):
    (stage,) = found.stages
    assert stage.taken
    assert found.after.models.buy_again.half_life_days < 30  # 120 by default
    assert stage.changes == {"half_life_days": found.after.models.buy_again.half_life_days}
    assert replace(found.after, models=found.before.models) == found.before


def test_the_gain_is_stated_on_the_last_window(fickle, found):
    (everything,) = (row.method for row in found.comparisons if row.task == "all")
    assert everything.customers == 60
    assert everything.difference.low > 0.1  # a new favourite first instead of second is worth 1 - 0.63
    assert found.judged_cut == fickle.orders.last_time - 28 * DAY
    assert found.cuts == (found.judged_cut - 28 * DAY, found.judged_cut - 56 * DAY)
    assert "better at all purchases" in conclusion(found)
    assert conclusion(found).endswith("Use them.")


def with_another_end(frame):
    """Everybody buys something else in the last window, customers and items among it that nobody knew."""
    late = (pl.col("ordered_at") > LAST - timedelta(WINDOW)) & (pl.col("order_id") != "end")
    other = frame.filter(late).with_columns(item_id=pl.lit("new-") + pl.col("item_id"))
    strangers = other.with_columns(
        customer_id=pl.lit("a-") + pl.col("customer_id"), order_id=pl.lit("a-") + pl.col("order_id")
    )
    return pl.concat([frame.filter(~late), other, strangers])


def test_the_last_window_has_no_say_in_what_is_chosen(found, tmp_path):
    other = tuned(read_of(with_another_end(fickle_shop()), tmp_path))
    assert other.stages == found.stages
    assert other.after == found.after
    assert other.comparisons != found.comparisons


def test_the_windows_before_it_do(found, tmp_path):
    early = (pl.col("ordered_at") > LAST - timedelta(3 * WINDOW)) & (
        pl.col("ordered_at") < LAST - timedelta(WINDOW)
    )
    changed_early = fickle_shop().with_columns(
        item_id=pl.when(early).then(pl.lit(ITEMS[0])).otherwise(pl.col("item_id"))
    )
    assert tuned(read_of(changed_early, tmp_path)).stages != found.stages


def test_what_does_not_stand_out_from_chance_is_not_taken(planted):
    # Favourites never change here: a longer memory could only help by chance.
    kept = tuned(planted)
    assert kept.after == kept.before
    assert kept.comparisons == ()
    assert "keep yours" in conclusion(kept)
    assert tomllib.loads(as_toml(kept)) == {}


def test_an_interrupted_search_goes_on_and_ends_as_one_that_never_was(fickle, found, tmp_path):
    first, rest = Told(interrupt_after=5), Told()
    with pytest.raises(KeyboardInterrupt):
        tuned(fickle, file=tmp_path / "study.db", hear=first)
    resumed = tuned(fickle, file=tmp_path / "study.db", hear=rest)
    assert [trial.number for trial in first] == [1, 2, 3, 4, 5]
    assert [trial.number for trial in rest] == [6, 7, 8]
    assert resumed.stages == found.stages
    assert resumed.after == found.after


def test_trials_are_counted_over_all_calls(fickle, tmp_path):
    file, again, more = tmp_path / "study.db", Told(), Told()
    tuned(fickle, file=file, trials=3)
    tuned(fickle, file=file, trials=3, hear=again)
    tuned(fickle, file=file, trials=4, hear=more)
    assert again == []
    assert [trial.number for trial in more] == [4]


def test_the_minutes_are_of_the_trials_of_all_calls(fickle, tmp_path):
    # A trial lasts a tick of the clock, which is a second.
    file, more = tmp_path / "study.db", Told()
    assert tuned(fickle, file=file, minutes=3 / 60).stages[0].trials == 3
    assert tuned(fickle, file=file, minutes=5 / 60, hear=more).stages[0].trials == 5
    assert [trial.number for trial in more] == [4, 5]


def test_other_orders_settings_and_seeds_begin_anew_in_the_same_file(fickle, planted, tmp_path):
    file = tmp_path / "study.db"
    tuned(fickle, file=file, trials=2)
    longer = changed(ALONE, "models.buy_again", {"half_life_days": 300.0})
    for others in ({"read": planted}, {"settings": longer}, {"seed": 1}):
        told = Told()
        tuned(**{"read": fickle, "file": file, "trials": 2, "hear": told} | others)
        assert [trial.number for trial in told] == [1, 2]


def test_the_first_trial_is_of_todays_settings(fickle):
    told = Told()
    tuned(fickle, trials=2, hear=told)
    assert told[0].values == {"half_life_days": 120.0}
    assert told[0].gain == 0.0
    assert told[1].best == max(0.0, told[1].gain)


def test_hopeless_trials_are_given_up_early(fickle):
    told = Told()
    (stage,) = tuned(fickle, trials=14, hear=told).stages
    given_up = [trial.values["half_life_days"] for trial in told if trial.gain is None]
    assert len(given_up) == stage.given_up > 0
    assert stage.best["half_life_days"] < min(given_up)  # long memories are what is hopeless here


def test_a_shop_with_a_ranker_gets_its_size_tuned(planted):
    settings = replace(QUICK, ranker=replace(QUICK.ranker, trees=3))
    told = Told()
    ranked = tuned(planted, settings=settings, only=("ranking",), trials=3, hear=told)
    (stage,) = ranked.stages
    assert stage.space.section == "ranker"
    assert set(told[1].values) == {"trees", "leaves", "learning_rate"}
    assert len({trial.gain for trial in told}) > 1  # the figures follow the values


def test_a_shop_without_gets_its_weights_tuned(planted):
    settings = replace(QUICK, ranker=replace(QUICK.ranker, windows=0))
    told = Told()
    (stage,) = tuned(planted, settings=settings, only=("ranking",), trials=2, hear=told).stages
    assert stage.space.section == "blend"
    assert set(told[1].values) == set(Blend.__dataclass_fields__) - {"buy_again"}


def test_models_leave_half_of_the_time_to_the_ranking(planted):
    settings = replace(QUICK, ranker=replace(QUICK.ranker, windows=0))
    models = len(stages_of(settings)) - 1
    told = Told()
    whole = tuned(planted, settings=settings, only=(), minutes=4 * models / 60, trials=50, hear=told)
    counts = {stage.space.stage: stage.trials for stage in whole.stages}
    assert counts.pop("ranking") == 2 * models - 1  # its preparation takes a tick as well
    assert set(counts.values()) == {2}


def test_where_no_time_is_left_it_says_so(planted):
    late = tuned(planted, settings=QUICK, only=("best_sellers", "ranking"), minutes=1 / 60)
    assert [stage.space.stage for stage in late.stages] == ["best_sellers"]
    assert "no time was left to try anything for best_sellers, ranking" in late.findings[0]


def test_a_history_too_short_is_refused(tmp_path):
    short = read_of(planted_shop(customers=30, days=100), tmp_path)
    with pytest.raises(DataError, match="four times 28 days"):
        tuned(short)


def test_a_short_history_is_told(tmp_path):
    short = read_of(planted_shop(customers=30, days=120), tmp_path)
    assert "1 of 2 windows only" in tuned(short, trials=2).findings[0]


def test_an_unknown_stage_is_refused_with_a_hint(fickle):
    with pytest.raises(ConfigError, match="did you mean 'buy_again'"):
        tuned(fickle, only=("buyagain",))


def test_a_database_that_is_no_study_is_left_alone(tmp_path):
    file = tmp_path / "shop.db"
    with closing(sqlite3.connect(file)) as shop:
        shop.execute("CREATE TABLE orders (id)")
        shop.commit()
    before = file.read_bytes()
    with pytest.raises(ConfigError, match="is no study"):
        Trials.kept_in(file, seed=0, clock=Ticks(), hear=Told())
    assert file.read_bytes() == before


@pytest.mark.parametrize(("name", "said"), [("notes.txt", "is no study"), ("nowhere/x.db", "no folder")])
def test_other_files_are_refused(name, said, tmp_path):
    (tmp_path / "notes.txt").write_text("order_id,customer_id\n" * 100)
    with pytest.raises(ConfigError, match=said):
        Trials.kept_in(tmp_path / name, seed=0, clock=Ticks(), hear=Told())


def test_every_model_of_the_registry_is_tuned():
    assert set(stages_of(Settings())) == {*MODELS, "ranking"}


def test_a_model_that_does_not_count_is_not_tuned():
    settings = changed(Settings(), "blend", {"als": 0.0})
    assert "als" not in stages_of(settings)
    assert "als" not in blend_space(settings).own


def test_what_makes_a_second_model_of_a_kind_another_one_is_not_tuned():
    names = {space.stage: set(space.own) for space in model_spaces(Settings())}
    assert names["als"] == {"factors", "regularization", "alpha", "half_life_days"}
    assert names["als_long_term"] == {"factors", "regularization", "alpha"}
    assert names["co_purchase_recent"] == {"shrinkage"}


def test_a_range_holds_todays_value_and_nothing_that_is_off():
    settings = changed(Settings(), "models.item_knn", {"half_life_days": 2000.0, "shrinkage": 0.0})
    (space,) = (space for space in model_spaces(settings) if space.stage == "item_knn")
    assert {p.name: (p.low, p.high) for p in space.parameters} == {"half_life_days": (3.0, 2000.0)}


def test_every_end_of_every_range_is_a_setting_that_is_understood():
    settings = Settings()
    for space in (*model_spaces(settings), ranker_space(settings), blend_space(settings)):
        for end in ("low", "high"):
            values = {parameter.name: getattr(parameter, end) for parameter in space.parameters}
            raw = {space.section: values}
            if "." in space.section:
                outer, inner = space.section.split(".")
                raw = {outer: {inner: values}}
            assert parse_section(Settings, raw, "ends") == changed(settings, space.section, values)


def test_the_yardstick_weighs_tasks_alike():
    nan = np.nan
    windows = [
        {"all": np.array([0.4, 0.8]), "discover": np.array([nan, 0.1])},
        {"all": np.array([0.6]), "discover": np.array([0.3])},
    ]
    yardstick = Yardstick.of(windows)
    # Means are .6 and .2; a tenth more on either task is worth half a tenth.
    points = np.concatenate([yardstick.points(ndcg) for ndcg in windows])
    assert points.mean() == pytest.approx(1)
    more_new = {"all": windows[1]["all"], "discover": np.array([0.34])}  # mean .22
    assert yardstick.points(more_new) - points[2] == pytest.approx(3 * 0.05)
    more = {"all": np.array([0.78]), "discover": windows[1]["discover"]}  # mean .66
    assert yardstick.points(more) - points[2] == pytest.approx(3 * 0.05)


def test_a_task_at_which_todays_settings_fail_is_left_out():
    yardstick = Yardstick.of([{"all": np.array([0.5, 1.0]), "discover": np.zeros(2)}])
    assert set(yardstick.worth) == {"all"}
    nothing = Yardstick.of([{"all": np.zeros(2), "discover": np.zeros(2)}])
    assert nothing.points({"all": np.array([0.1]), "discover": np.array([0.0])})[0] > 0


values_of_a_list = st.tuples(st.floats(0.02, 1), st.one_of(st.just(np.nan), st.floats(0.02, 1)))


@given(st.lists(values_of_a_list, min_size=1, max_size=20))
def test_todays_settings_have_a_point_on_average(lists):
    both = np.array(lists)
    todays = {"all": both[:, 0], "discover": both[:, 1]}
    assert Yardstick.of([todays]).points(todays).mean() == pytest.approx(1)


def test_a_large_shop_is_judged_on_some_of_its_customers(fickle, monkeypatch):
    monkeypatch.setattr(tuning_windows, "MOST_JUDGED", 10)

    def drawn(seed):
        windows = past_windows(fickle, ALONE, windows=2, seed=seed, progress=Silent())
        return [window.customers.tolist() for window in windows]

    assert [len(customers) for customers in drawn(0)] == [10, 10]
    assert drawn(0) == drawn(0) != drawn(1)


QUICK_WORDS = ("--only", "buy_again", "--trials", "8")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    fickle_shop().write_parquet(folder / "orders.parquet")
    off = "".join(f"{name} = 0.0\n" for name in Blend.__dataclass_fields__ if name != "buy_again")
    (folder / "quick.toml").write_text(
        QUICK_TOML.replace("[ranker]", "[ranker]\nwindows = 0") + f"\n[blend]\n{off}"
    )
    return folder


def command(*words, folder, expect=0):
    whole = ("tune", "orders.parquet", "--config", "quick.toml", *QUICK_WORDS, *words)
    return cartlift(*whole, folder=folder, expect=expect)


def test_it_tells_writes_and_never_overwrites(shop, found):
    told = command(folder=shop)
    assert "buy_again 8/8" in told.err
    assert "best +" in told.err
    for words in ("Chosen on the 28 days", "all purchases", "Use them.", "Written: tuned.toml"):
        assert words in told.out
    assert "…" not in told.out
    written = (shop / "tuned.toml").read_text()
    assert load_settings(shop / "tuned.toml").models == found.after.models.__class__(
        buy_again=found.after.models.buy_again
    )
    assert set(tomllib.loads(written)) == {"models"}
    assert "customers" in written and "8 trials" in written and "# was 120.0" in written
    assert "exists already" in command(folder=shop, expect=2).err
    assert (shop / "tuned.toml").read_text() == written


def test_what_it_writes_can_be_laid_over_the_settings_it_began_with(shop, found):
    command("--out", "over.toml", folder=shop)
    own, new = (tomllib.loads((shop / name).read_text()) for name in ("quick.toml", "over.toml"))
    assert parse_section(Settings, merged(own, new), "both").models == found.after.models


def test_it_overwrites_by_force_and_prints_json(shop):
    (shop / "old.toml").write_text("old")
    told = command("--out", "old.toml", "--force", "--json", folder=shop).json
    assert tomllib.loads((shop / "old.toml").read_text()) == {
        "models": {"buy_again": told["settings"]["models.buy_again"]}
    }
    assert told["stages"][0]["trials"] == 8
    assert {row["task"] for row in told["comparisons"]} >= {"all", "discover"}
    assert told["conclusion"].endswith("Use them.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--out", "nowhere/x.toml"), "no folder nowhere"),
        (("--study", "orders.parquet", "--out", "a.toml"), "is no study"),
        (("--only", "buy_agian", "--out", "a.toml"), "did you mean 'buy_again'"),
        (("--minutes", "0"), "--minutes"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_mistakes_are_told_before_orders_are_read(shop, words, said):
    told = command(*words, folder=shop, expect=2).err
    assert said in " ".join(told.split())
    assert "Read orders" not in told


def test_a_killed_process_loses_nothing(shop, found):
    words = ["tune", "orders.parquet", "--config", "quick.toml", *QUICK_WORDS]
    kept = ["--study", "study.db", "--out", "killed.toml"]
    start = [sys.executable, "-m", "recommender.training", *words, *kept]
    with subprocess.Popen(
        start, cwd=shop, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as run:
        assert any(line.startswith("buy_again 3/8") for line in run.stderr)
        run.kill()
        run.stderr.read()
    told = command("--study", "study.db", "--out", "resumed.toml", "--json", folder=shop)
    assert "buy_again 2/8" not in told.err
    assert "buy_again 8/8" in told.err
    assert told.json["settings"]["models.buy_again"] == found.stages[0].changes
