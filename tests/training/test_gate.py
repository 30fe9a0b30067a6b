from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.snapshot.vitals import MeanWithInterval, TaskFigures
from recommender.training.gate import Gate, SnapshotRefused
from recommender.training.gate_figures import comparable
from recommender.training.gate_settings import GateSettings
from tests.training.gate_manifests import coverage, judged, manifest, task

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
LIVE = manifest("monday")


def ruling(ours, live=LIVE, *, now=NOW, **settings):
    return Gate(GateSettings(**settings), now).rule_on(ours, live)


def settings_against(ours, live=LIVE, **settings):
    return [reason.setting for reason in ruling(ours, live, **settings).reasons]


def the_reason(ours, live=LIVE, **settings):
    (reason,) = ruling(ours, live, **settings).reasons
    return reason.said


def test_what_is_as_good_as_the_live_one_passes_without_a_word():
    assert (ruling(manifest()).reasons, ruling(manifest()).notes) == ((), ())


# --- figures ------------------------------------------------------------------------------------------------


def with_ndcg(mean, **figures):
    return manifest(judged=judged(task("all", mean, **figures)))


LIVE_ALL = with_ndcg(0.4)


@pytest.mark.parametrize(
    ("mean", "passes"),
    # Both standard errors are .01, so the change has .01·√2 and its interval is ± 1.96 · .01414 = ± .0277;
    # a tenth of .4 may be lost on top of that: refused below .4 - .04 - .0277 = .3323.
    [(0.39, True), (0.36, True), (0.333, True), (0.332, False), (0.2, False)],
)
def test_a_loss_beyond_noise_and_tolerance_is_refused(mean, passes):
    assert settings_against(with_ndcg(mean), LIVE_ALL) == ([] if passes else ["max_ndcg_loss"])


def test_without_tolerance_noise_alone_is_let_pass():
    assert settings_against(with_ndcg(0.373), LIVE_ALL, max_ndcg_loss=0.0) == []
    assert settings_against(with_ndcg(0.372), LIVE_ALL, max_ndcg_loss=0.0) == ["max_ndcg_loss"]


def test_the_same_loss_is_noise_among_fewer_customers():
    assert settings_against(with_ndcg(0.3), LIVE_ALL) == ["max_ndcg_loss"]
    assert settings_against(with_ndcg(0.3, half_width=0.1), LIVE_ALL) == []


def test_the_reason_tells_both_figures_the_change_the_limit_and_the_setting():
    said = the_reason(with_ndcg(0.3), LIVE_ALL)
    assert "nDCG on the task all: 0.300 [0.280, 0.320], in the live one 0.400 [0.380, 0.420]" in said
    assert (
        "the change of -0.100 [-0.128, -0.072] lies beyond -0.040 ([gate] max_ndcg_loss = 0.1): did" in said
    )


def test_a_better_snapshot_passes():
    assert settings_against(with_ndcg(0.9), LIVE_ALL) == []


def test_each_task_is_held_against_itself():
    ours = manifest(judged=judged(task("discover", 0.1), task("all", 0.4)))
    assert "task discover: 0.100" in the_reason(ours)
    other = manifest(judged=judged(task("next_basket", 0.01)))
    assert ruling(other).reasons == () and "figures were not compared" in ruling(other).notes[0]


def test_the_more_tasks_the_more_it_takes_for_one_of_them():
    names = ("repeat", "discover", "next_basket", "cold_customers", "cold_items")
    others = [task(name, 0.3) for name in names]
    assert settings_against(with_ndcg(0.33), LIVE_ALL) == ["max_ndcg_loss"]
    ours, live = (manifest(judged=judged(task("all", mean), *others)) for mean in (0.33, 0.4))
    assert settings_against(ours, live) == []


def test_too_few_customers_have_no_verdict():
    assert settings_against(with_ndcg(0.1, customers=29), LIVE_ALL) == []
    assert settings_against(with_ndcg(0.1, customers=30), LIVE_ALL) == ["max_ndcg_loss"]
    assert settings_against(with_ndcg(0.1), with_ndcg(0.4, customers=29)) == []
    assert settings_against(with_ndcg(0.1, customers=29), LIVE_ALL, min_judged=10) == ["max_ndcg_loss"]


@pytest.mark.parametrize("terms", [{"k": 20}, {"days": 14.0}])
def test_figures_of_other_terms_are_not_compared(terms):
    ours = manifest(judged=judged(task("all", 0.1), **terms))
    assert ruling(ours).reasons == ()
    assert "no task was judged on the same terms in both" in ruling(ours).notes[0]


@pytest.mark.parametrize("nothing", [None, judged()])
def test_a_snapshot_that_could_not_be_judged_is_refused_where_the_live_one_could(nothing):
    said = the_reason(manifest(judged=nothing))
    assert "judged by 0 customers, the live ones by 1,000 ([gate] min_judged = 30)" in said
    few = manifest(judged=judged(task("all", 0.4, customers=29)))
    assert settings_against(manifest(judged=nothing), few) == []
    assert settings_against(manifest(), manifest(judged=nothing)) == []


SHOPS = {
    # Tasks all, repeat and discover on windows 28 days apart, oldest first: customers, nDCG@10, low, high.
    "Online Retail II": [
        [(849, 0.384, 0.366, 0.403), (794, 0.470, 0.450, 0.489), (751, 0.090, 0.080, 0.100)],
        [(1063, 0.328, 0.311, 0.346), (967, 0.430, 0.413, 0.449), (974, 0.086, 0.078, 0.096)],
        [(1207, 0.319, 0.303, 0.334), (1108, 0.412, 0.395, 0.429), (1109, 0.090, 0.081, 0.098)],
    ],
    "Complete Journey": [
        [(1960, 0.410, 0.397, 0.424), (1775, 0.500, 0.487, 0.512), (1928, 0.051, 0.047, 0.055)],
        [(1991, 0.409, 0.396, 0.422), (1806, 0.499, 0.487, 0.512), (1961, 0.048, 0.044, 0.052)],
        [(1987, 0.405, 0.392, 0.417), (1826, 0.485, 0.472, 0.497), (1940, 0.047, 0.043, 0.051)],
    ],
}


def in_a_month(month, share=1.0):
    """A shop's manifest with so much of the nDCG that was measured."""
    measured = zip(("all", "repeat", "discover"), month, strict=True)
    figures = (
        TaskFigures(name, customers, MeanWithInterval(*(share * value for value in ndcg)))
        for name, (customers, *ndcg) in measured
    )
    return manifest(judged=judged(*figures))


@pytest.mark.parametrize("shop", SHOPS)
def test_what_the_seasons_did_to_real_shops_passes_and_half_of_it_does_not(shop):
    for live, ours in pairwise(SHOPS[shop]):
        assert settings_against(in_a_month(ours), in_a_month(live)) == []
        assert settings_against(in_a_month(ours, 0.5), in_a_month(live)) == ["max_ndcg_loss"] * 3


TASKS = st.dictionaries(
    st.sampled_from(["all", "repeat", "discover"]),
    st.builds(task, st.just(""), st.floats(0, 1), st.floats(0, 0.2), st.integers(0, 5_000)),
)


def verdict(tasks):
    return judged(*(msgspec.structs.replace(figures, task=name) for name, figures in tasks.items()))


@given(TASKS, TASKS)
def test_nothing_is_worse_than_itself_and_no_two_are_each_worse_than_the_other_on_a_task(one, other):
    gate = Gate(GateSettings(), NOW)
    first, second = (manifest(judged=verdict(tasks)) for tasks in (one, other))
    assert gate.rule_on(first, first).reasons == ()
    there, back = (
        {reason.said.split(":")[0] for reason in gate.rule_on(ours, live).reasons if "nDCG" in reason.said}
        for ours, live in ((first, second), (second, first))
    )
    assert not there & back


@given(TASKS, TASKS, st.floats(0, 1), st.floats(0, 1))
def test_more_tolerance_never_refuses_more(one, other, tolerance, more):
    first, second = (manifest(judged=verdict(tasks)) for tasks in (one, other))
    low, high = sorted([tolerance, more])
    strict, lenient = (ruling(first, second, max_ndcg_loss=loss).reasons for loss in (low, high))
    assert len(lenient) <= len(strict)


def test_only_tasks_of_both_are_comparable():
    one, other = judged(task("all", 0.4), task("repeat", 0.4)), judged(task("repeat", 0.5), task("cold", 0.1))
    assert [pair.live.task for pair in comparable(one, other, GateSettings())] == ["repeat"]
    assert comparable(None, other, GateSettings()) == comparable(one, None, GateSettings()) == ()


# --- coverage -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "reached", "words"),
    [
        (
            "customers",
            470,
            "customers with a list: 470 of 1,000 (47.0%), in the live one 950 of 1,000 (95.0%)",
        ),
        ("items", 149, "items in customers' lists: 149 of 400 (37.2%), in the live one 300 of 400 (75.0%)"),
        ("similar", 0, "list of similar ones: 0 of 400 (0.0%), in the live one 390 of 400 (97.5%)"),
        ("bought_together", 2, "bought together: 2 of 400 (0.5%), in the live one 360 of 400 (90.0%)"),
    ],
)
def test_coverage_that_collapses_is_refused(kind, reached, words):
    of = {"customers": 1_000}.get(kind, 400)
    said = the_reason(manifest(coverage=coverage(**{kind: (reached, of)})))
    assert words in said and "([gate] max_coverage_loss = 0.5): do" in said


def test_coverage_may_shrink_to_the_limit_and_is_a_share():
    assert settings_against(manifest(coverage=coverage(items=(150, 400)))) == []
    assert settings_against(manifest(coverage=coverage(items=(149, 400)))) == ["max_coverage_loss"]
    assert settings_against(manifest(coverage=coverage(items=(149, 300)))) == []
    grown = manifest(coverage=coverage(items=(149, 400)))
    assert settings_against(grown, max_coverage_loss=0.6) == []


def test_the_loss_of_a_few_lists_of_a_few_is_chance():
    live = manifest(coverage=coverage(bought_together=(29, 400)))
    assert settings_against(manifest(coverage=coverage(bought_together=(2, 400))), live) == []


def test_what_an_other_version_did_not_count_is_not_compared():
    live = manifest(coverage={"customers": coverage()["customers"]})
    assert settings_against(manifest(coverage=coverage(items=(10, 400))), live) == []


@pytest.mark.parametrize(
    ("covered", "setting", "words"),
    [
        (
            {"customers": (99, 1_000)},
            "min_customer_coverage",
            "99 of 1,000 (9.9%); at least 10.0% are asked for",
        ),
        ({"items": (3, 400)}, "min_item_coverage", "3 of 400 (0.8%); at least 1.0% are asked for"),
    ],
)
def test_lists_that_reach_next_to_nobody_or_nothing_are_refused_even_at_first(covered, setting, words):
    ours = manifest(coverage=coverage(**covered))
    assert settings_against(ours, None) == [setting]
    assert words in the_reason(ours, None)
    assert settings_against(ours, None, **{setting: 0.0}) == []


def test_an_empty_list_of_best_sellers_is_refused_whatever_the_settings():
    said = the_reason(manifest(best_sellers=0), None)
    assert "its list of best sellers has 0 items, at least 1 must be in it" in said


def test_a_shop_of_guests_needs_no_lists_of_customers():
    guests = manifest(customers=0, coverage=coverage(customers=(0, 0), items=(0, 400)), judged=None)
    assert settings_against(guests, None) == settings_against(guests, guests) == []


def test_a_shop_of_one_customer_and_one_item_passes():
    covered = coverage(customers=(1, 1), items=(1, 1), similar=(0, 1), bought_together=(0, 1))
    tiny = manifest(orders=1, customers=1, items=1, best_sellers=1, coverage=covered, judged=None)
    assert settings_against(tiny, None) == settings_against(tiny, tiny) == []


# --- size and age -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "most"), [("orders", 5_000), ("customers", 1_000), ("items", 400)])
def test_data_much_smaller_than_last_time_are_refused(what, most):
    least = int(0.7 * most)
    assert settings_against(manifest(**{what: least})) == []
    said = the_reason(manifest(**{what: least - 1}))
    assert (
        f"{what} learned from: {least - 1:,}, in the live one {most:,}; at least {least:,} are asked for"
        in said
    )
    assert "([gate] max_size_loss = 0.3): was the whole export read?" in said
    assert settings_against(manifest(**{what: least - 1}), max_size_loss=0.4) == []


def test_data_that_grew_pass():
    assert settings_against(manifest(orders=50_000, customers=10_000, items=4_000)) == []


def test_orders_older_than_the_limit_are_refused_even_at_first():
    week_later = NOW + timedelta(days=7)
    for live in (None, LIVE):
        assert ruling(manifest(), live, now=week_later).reasons == ()
        assert ruling(manifest(), live, now=week_later, max_data_age_days=8.0).reasons == ()
        (reason,) = ruling(manifest(), live, now=week_later, max_data_age_days=7.0).reasons
        assert "newest order is of 2026-11-21T04:00:00Z, 7.1 days ago; at most 7 are allowed" in reason.said
        assert "([gate] max_data_age_days = 7): does the export still grow?" in reason.said


def test_old_orders_are_worth_a_word_where_no_limit_is_set():
    years_later = NOW.replace(year=2031)
    (note,) = ruling(manifest(), now=years_later).notes
    assert note == "its newest order is 1,826 days old; [gate] max_data_age_days can refuse old orders"
    assert ruling(manifest(), now=NOW + timedelta(days=29)).notes == ()


def test_orders_older_than_the_live_ones_are_refused():
    older = manifest(data_until="2026-11-19T03:00:00Z")
    said = the_reason(older)
    assert "is of 2026-11-19T03:00:00Z, the live one's of 2026-11-21T04:00:00Z, 2.0 days later" in said
    assert "at most 1 are allowed ([gate] max_days_behind = 1)" in said and "`cartlift rollback`" in said
    assert settings_against(older, max_days_behind=3.0) == []
    # The newest order may have been cancelled since.
    assert settings_against(manifest(data_until="2026-11-20T05:00:00Z")) == []
    assert settings_against(older, None) == []


def test_a_snapshot_that_is_live_already_can_only_have_grown_old():
    empty = manifest(best_sellers=0, orders=1)
    gate = Gate(GateSettings(max_data_age_days=7.0), NOW)
    assert gate.rule_on_live(empty).reasons == ()
    later = Gate(gate.settings, NOW + timedelta(days=7))
    assert [reason.setting for reason in later.rule_on_live(empty).reasons] == ["max_data_age_days"]


# --- as a whole ---------------------------------------------------------------------------------------------


def test_every_reason_is_told_at_once():
    ours = manifest(
        data_until="2026-10-01T00:00:00Z",
        orders=100,
        best_sellers=0,
        coverage=coverage(items=(1, 400)),
        judged=judged(task("all", 0.1), task("discover", 0.01)),
    )
    found = settings_against(ours, max_data_age_days=30.0)
    assert found == [
        "max_data_age_days", "max_days_behind", None, "min_item_coverage", "max_size_loss",
        "max_coverage_loss", "max_ndcg_loss", "max_ndcg_loss",
    ]  # fmt: skip
    told = str(SnapshotRefused("tuesday", "monday", ruling(ours)))
    assert told.startswith(
        "the gate refused snapshot tuesday, monday stays live:\n  - its newest order is of"
    )
    assert told.count("\n  - ") == 7 and "--force publishes it" in told and "docs/settings.md" in told


def test_at_first_there_is_nothing_to_compare_with_and_it_says_so():
    first = ruling(manifest(), None)
    assert (first.reasons, first.notes) == ((), ("no live snapshot to compare with",))
    refused = SnapshotRefused("monday", None, ruling(manifest(best_sellers=0), None))
    assert "snapshot monday, nothing is live yet:" in str(refused)


def test_a_live_snapshot_of_an_earlier_version_leaves_the_newest_orders_to_compare():
    early = msgspec.structs.replace(LIVE, vitals=None)
    assert ruling(manifest(orders=1), early).reasons == ()
    assert "published by an earlier version" in ruling(manifest(), early).notes[0]
    assert settings_against(manifest(data_until="2026-10-01T00:00:00Z"), early) == ["max_days_behind"]


@pytest.mark.parametrize(
    "setting",
    [
        {"max_ndcg_loss": 1.1}, {"max_coverage_loss": -0.1}, {"min_customer_coverage": float("nan")},
        {"min_item_coverage": 2.0}, {"max_size_loss": -1.0}, {"min_judged": 0}, {"max_days_behind": -1.0},
        {"max_data_age_days": float("nan")},
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_refused_by_its_name(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        GateSettings(**setting)
