"""Which settings a peer is given, and that every peer got the same chance."""

import numpy as np
import pytest

from benchmarks.peers.registry import PEERS, TRIALS
from benchmarks.peers.space import Choice, LogUniform, Uniform, Whole, draw
from benchmarks.tune_peers import BOTH, Trial, choice, finalists, kept_record, trials_of, winner

SPACE = {
    "size": Whole(1, 64),
    "share": Uniform(0, 1),
    "kind": Choice(("a", "b")),
    "rate": LogUniform(0.01, 100),
}
RECORD = kept_record()
DONE = [name for name, found in RECORD.items() if "chosen" in found]


def trial(number, **ndcg):
    """A trial whose nDCG@10 of task `all` a shop and window is given; `discover` is a tenth of it."""
    figures = {
        shop: {back: {"all": value, "discover": value / 10} for back, value in enumerate(values, 1)}
        for shop, values in ndcg.items()
    }
    return Trial({"number": number}, figures)


# ---- What is tried ----------------------------------------------------------------------------------


def test_a_draw_is_spread_over_every_range():
    drawn = draw(SPACE, 10, seed=1)
    assert len(drawn) == 10
    assert sorted(int(settings["share"] * 10) for settings in drawn) == list(range(10))
    assert sorted(settings["kind"] for settings in drawn) == ["a"] * 5 + ["b"] * 5
    # Ten steps over four powers of ten: two or three a power.
    powers = np.floor(np.log10([settings["rate"] for settings in drawn]))
    assert set(np.bincount(powers.astype(int) + 2)) <= {2, 3}
    assert all(isinstance(settings["size"], int) and 1 <= settings["size"] <= 64 for settings in drawn)


def test_a_draw_is_the_same_every_time_and_nothing_comes_of_nothing():
    assert draw(SPACE, 5, seed=3) == draw(SPACE, 5, seed=3) != draw(SPACE, 5, seed=4)
    assert draw({}, 5, seed=0) == []


@pytest.mark.parametrize("name", [name for name, contender in PEERS.items() if contender.space])
def test_every_peer_has_the_same_number_of_trials_and_starts_with_its_defaults(name):
    contender = PEERS[name]
    trials = contender.trials()
    assert len(trials) == TRIALS
    assert contender.peer(trials[0]) == contender.default
    assert len({contender.peer(changes) for changes in trials}) == TRIALS


# ---- What is chosen ---------------------------------------------------------------------------------


def test_the_best_of_each_shop_and_of_both_reach_the_second_window():
    shops = ["big", "small"]
    trials = [trial(n, big=[0.50 - n / 100], small=[0.02 + n / 100]) for n in range(9)]
    # The first three suit the big shop, the last three the small one, whose gains are relatively larger.
    assert [t.changes["number"] for t in finalists(trials, shops)] == [0, 1, 2, 6, 7, 8]


def test_the_winner_is_the_best_mean_of_both_windows():
    trials = [trial(0, shop=[0.30, 0.10]), trial(1, shop=[0.25, 0.25]), trial(2, shop=[0.40])]
    assert winner(trials, ["shop"], "all").changes == {"number": 1}


def test_one_setting_for_both_shops_counts_them_alike_however_easy_they_are():
    easy_wins = trial(0, easy=[0.80, 0.80], hard=[0.01, 0.01])
    hard_wins = trial(1, easy=[0.76, 0.76], hard=[0.02, 0.02])
    assert winner([easy_wins, hard_wins], ["easy", "hard"], "all") is hard_wins
    assert winner([easy_wins, hard_wins], ["easy"], "all") is easy_wins


# ---- What is on record ------------------------------------------------------------------------------


def test_trials_on_record_are_not_judged_again():
    contender = PEERS["own purchases"]
    trials = trials_of(contender, [{"changes": {}, "ndcg": {"shop": {"1": {"all": 0.5}}}}], ["shop"])
    assert [t.changes for t in trials] == contender.trials()
    assert trials[0].ndcg == {"shop": {1: {"all": 0.5}}}
    assert all(t.ndcg == {"shop": {}} for t in trials[1:])


@pytest.mark.parametrize("name", DONE)
def test_the_record_holds_every_trial_and_the_choice_is_the_winner(name):
    shops = [target for target in RECORD[name]["chosen"]["all"] if target != BOTH]
    assert [recorded["changes"] for recorded in RECORD[name]["trials"]] == PEERS[name].trials()
    assert RECORD[name]["chosen"] == choice(trials_of(PEERS[name], RECORD[name]["trials"], shops), shops)


@pytest.mark.parametrize("name", RECORD)
def test_no_trial_was_judged_on_the_last_window(name):
    for recorded in RECORD[name]["trials"]:
        for by_window in recorded["ndcg"].values():
            assert set(by_window) <= {"1", "2"}
