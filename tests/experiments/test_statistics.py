"""Intervals that may be looked at every day, less variance by history, a spread that is not as planned."""

from math import log, sqrt

import numpy as np
import pytest

from recommender.experiments.comparison import Certainty, Judged, Metric, compare, means
from recommender.experiments.confidence_sequences import Moments, best_rho, difference, margin
from recommender.experiments.cuped import adjusted, theta
from recommender.experiments.sample_ratio import sample_ratio

RUNS, LOOKS, A_LOOK = 1_000, 30, 100
ALPHA = 0.05


def looked_at(rng: np.random.Generator, uplift: float = 0.0):
    """Difference, standard error and customers of runs that are looked at again and again, (runs, looks)."""

    def arm(rate: float):
        bought = rng.binomial(A_LOOK, rate, (RUNS, LOOKS)).cumsum(axis=1)
        n = A_LOOK * np.arange(1, LOOKS + 1)
        mean = bought / n
        return n, mean, mean * (1 - mean) / (n - 1)

    n, control, noise = arm(0.2)
    _, treated, more_noise = arm(0.2 + uplift)
    return treated - control, np.sqrt(noise + more_noise), 2 * n


def test_looked_at_daily_an_interval_is_wrong_in_at_most_one_run_of_twenty():
    found, error, n = looked_at(np.random.default_rng(1))
    half = margin(error, n, rho=best_rho(5_000, ALPHA), alpha=ALPHA)
    ever_wrong = (np.abs(found) > half).any(axis=1).mean()
    noise = 2 * sqrt(ALPHA * (1 - ALPHA) / RUNS)
    assert ever_wrong <= ALPHA + noise
    # The usual interval is not fit for that, on the very same runs.
    assert (np.abs(found) > 1.96 * error).any(axis=1).mean() > 0.2


def test_a_true_uplift_is_found_and_stays_within_the_interval():
    found, error, n = looked_at(np.random.default_rng(2), uplift=0.06)
    half = margin(error, n, rho=best_rho(5_000, ALPHA), alpha=ALPHA)
    assert (found - half > 0)[:, -1].mean() > 0.9
    assert (np.abs(found - 0.06) > half).any(axis=1).mean() <= ALPHA + 2 * sqrt(ALPHA / RUNS)


def test_the_margin_is_that_of_the_paper():
    n, rho, deviation = 1_000, 0.05, 2.0
    by_hand = deviation * sqrt(2 * (n * rho**2 + 1) / (n**2 * rho**2) * log(sqrt(n * rho**2 + 1) / ALPHA))
    assert margin(deviation / sqrt(n), n, rho=rho, alpha=ALPHA) == pytest.approx(by_hand)


def test_it_is_narrowest_where_that_was_planned():
    def width(planned: int, n: int) -> float:
        return float(margin(1.0, n, rho=best_rho(planned, ALPHA), alpha=ALPHA))

    assert width(1_000, 1_000) == pytest.approx(
        min(width(planned, 1_000) for planned in range(500, 2_000)), rel=0.01
    )
    # Not even there as narrow as for a single look, and not twice as wide.
    assert 1.96 < width(1_000, 1_000) < 2 * 1.96


@pytest.mark.parametrize(("n", "positive"), [(99, 50), (1_000, 9)])
def test_too_few_customers_have_no_interval(n: int, positive: int):
    few, many = Moments(n, 0.5, 0.25, positive), Moments(1_000, 0.5, 0.25, 500)
    for pair in ((few, many), (many, few)):
        assert difference(*pair, rho=0.01, alpha=ALPHA)[1:] == (float("-inf"), float("inf"))


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_history_takes_away_the_square_of_its_correlation(correlation: float):
    rng = np.random.default_rng(3)
    n = 20_000
    before = rng.normal(5, 1, n)
    variant = rng.integers(0, 2, n).astype(np.int32)
    after = correlation * before + sqrt(1 - correlation**2) * rng.normal(0, 1, n) + 0.1 * variant
    less = adjusted(after, before, variant)
    assert theta(after, before, variant) == pytest.approx(correlation, abs=0.02)
    kept = less[variant == 0].var() / after[variant == 0].var()
    assert kept == pytest.approx(1 - correlation**2, abs=0.03)
    assert less[variant == 1].mean() - less[variant == 0].mean() == pytest.approx(0.1, abs=0.03)


def test_an_uplift_is_not_taken_for_what_history_foretold():
    # Between the variants outcomes differ by 10 and the covariate by chance: only within them it counts.
    before = np.array([0.0, 0.0, 1.0, 1.0])
    after = np.array([0.0, 0.0, 10.0, 10.0])
    variant = np.array([0, 0, 1, 1], np.int32)
    assert theta(after, before, variant) == 0.0
    assert adjusted(after, before, variant).tolist() == after.tolist()


def test_sixty_to_forty_is_no_fifty_to_fifty():
    skewed = sample_ratio([600, 400], [0.5, 0.5])
    assert skewed.mismatch and skewed.doubtful
    assert not sample_ratio([510, 490], [0.5, 0.5]).doubtful
    assert not sample_ratio([600, 400], [0.3, 0.2]).mismatch
    assert sample_ratio([0, 0], [0.5, 0.5]).p_value == 1.0
    assert sample_ratio([100_000, 0], [0.5, 0.5]).always_p_value < 1e-100


def test_the_spread_may_be_looked_at_every_day():
    drawn = np.random.default_rng(4).binomial(50, 0.5, (300, 40)).cumsum(axis=1)
    n = 50 * np.arange(1, 41)
    looks = [[sample_ratio([a, m - a], [1, 1]) for a, m in zip(run, n, strict=True)] for run in drawn[:100]]
    assert sum(any(look.always_p_value < 0.05 for look in run) for run in looks) <= 5 + 4
    assert sum(any(look.p_value < 0.05 for look in run) for run in looks) > 15


def judged(n: int, *, uplift: float, names=("control", "new")) -> Judged:
    rng = np.random.default_rng(5)
    variant = rng.integers(0, len(names), n).astype(np.int32)
    taste = rng.gamma(2, 1, n)
    spent = taste * 10 + rng.normal(0, 3, n) + uplift * (variant == 1)
    bought = (rng.random(n) < 0.2).astype(float)
    metrics = {
        "revenue": Metric(spent, taste * 9 + rng.normal(0, 3, n)),
        "conversion": Metric(bought, taste * 0),
    }
    return Judged(names, variant, metrics)


def test_history_makes_the_interval_of_a_true_uplift_narrower():
    revenue, conversion = compare(judged(4_000, uplift=2.0), Certainty())
    assert revenue.cuped.low < 2.0 < revenue.cuped.high
    assert revenue.cuped.low > 0 and revenue.variance_reduction > 0.8
    assert revenue.cuped.high - revenue.cuped.low < 0.5 * (revenue.plain.high - revenue.plain.low)
    # Without history there is nothing to gain, and nothing is lost.
    assert conversion.cuped == conversion.plain and conversion.variance_reduction == 0
    assert conversion.plain.low < 0 < conversion.plain.high


def test_more_variants_make_wider_intervals():
    two = compare(judged(4_000, uplift=0), Certainty())[0].plain
    shares = compare(judged(4_000, uplift=0, names=("control", "a", "b")), Certainty(alpha=0.05))
    assert [one.variant for one in shares[:2]] == ["a", "b"]
    assert shares[0].plain.high - shares[0].plain.low > two.high - two.low


def test_the_first_customers_alone_can_be_judged():
    whole = judged(1_000, uplift=0)
    assert len(whole.first(300)) == 300
    assert means(whole.first(0), "revenue") == (0.0, 0.0)
    assert compare(whole.first(0), Certainty())[0].plain.high == float("inf")


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": 1.0}, {"planned": 0}])
def test_certainty_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Certainty(**wrong)
