import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.evaluation.comparison import compare, corrected, holm
from recommender.evaluation.intervals import bootstrap


def test_holm_steps_down_from_the_smallest():
    # Sorted: .01 × 4, .02 × 3, .03 × 2, .04 × 1, each at least the one before.
    assert holm(np.array([0.04, 0.01, 0.03, 0.02])) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]


@given(arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1)))
def test_holm_never_lowers_a_p_value_nor_changes_their_order(p):
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, p * len(p)) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_a_method_that_is_better_for_everybody_is_surely_better():
    reference = np.linspace(0, 0.5, 40)
    (row,) = compare(reference, {"better": reference + 0.1})
    assert row.difference.mean == pytest.approx(0.1)
    assert (row.p, row.sure, row.customers) == (1 / 2001, True, 40)


def test_the_same_lists_do_not_differ():
    reference = np.linspace(0, 0.5, 40)
    (row,) = compare(reference, {"same": reference.copy()})
    assert (row.p, row.sure) == (1.0, False)
    assert row.difference.low == row.difference.high == 0


def test_noise_that_passes_alone_fails_among_twenty():
    rng = np.random.default_rng(3)
    reference = rng.random(200)
    noise = {f"noise {n}": reference + rng.normal(0, 0.1, 200) for n in range(20)}
    noise["lucky"] = reference + rng.normal(0, 0.1, 200) + 0.012
    rows = {row.name: row for row in compare(reference, noise)}
    assert not any(row.sure for row in rows.values())
    (alone,) = corrected([rows["lucky"]])
    assert alone.p_holm == rows["lucky"].p <= rows["lucky"].p_holm


def test_methods_are_paired_on_the_same_customers_drawn():
    rng = np.random.default_rng(0)
    reference = rng.random(300)
    # Paired, a shift that hides in the noise of the means shows: 0.01 against a standard error of 0.017.
    (row,) = compare(reference, {"shifted": reference + 0.01 + rng.normal(0, 0.02, 300)})
    assert row.sure
    assert row.mean.low < reference.mean() < row.mean.high


def test_all_values_of_a_customer_are_drawn_together():
    rng = np.random.default_rng(0)
    differences = rng.normal(0.02, 0.1, 60)
    customer = np.tile(np.arange(60), 4)
    repeated = np.tile(differences, 4)
    as_one = compare(np.zeros(240), {"method": repeated}, customer=customer)[0]
    once = compare(np.zeros(60), {"method": differences})[0]
    as_many = compare(np.zeros(240), {"method": repeated})[0]
    assert as_one.difference.low == pytest.approx(once.difference.low)
    assert as_one.customers == 60
    assert as_many.difference.low > as_one.difference.low


def test_methods_judged_on_other_customers_cannot_be_paired():
    with pytest.raises(ValueError, match="other was judged on other lists"):
        compare(np.array([0.5, np.nan]), {"other": np.array([0.5, 0.5])})


def test_customers_who_cannot_be_judged_are_left_out():
    reference = np.array([0.2, np.nan, 0.4])
    (row,) = compare(reference, {"method": reference + 0.1})
    assert (row.customers, row.mean.mean) == (2, pytest.approx(0.4))


def test_where_nobody_is_judged_nothing_is_said():
    (row,) = compare(np.array([np.nan]), {"method": np.array([np.nan])})
    assert (row.customers, row.p) == (0, 1.0)
    assert np.isnan(row.difference.mean)
    assert compare(np.array([0.5]), {}) == ()


def test_the_interval_of_a_method_is_that_of_its_mean():
    values = np.random.default_rng(1).random(50)
    (row,) = compare(np.zeros(50), {"method": values})
    alone = bootstrap(values)
    assert (row.mean.low, row.mean.high) == pytest.approx((alone.low, alone.high))
