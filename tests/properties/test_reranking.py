"""What holds for every list, whatever is wanted of it."""

from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking.build import of_mode
from recommender.ranking.item_traits import ItemTraits
from recommender.ranking.likeness import Likeness
from recommender.ranking.lists import ListTable
from recommender.ranking.reranking import Reranking, rerank

N_ITEMS = 14
MODES = ("mixed", "repeat", "discover")
OFF = Reranking(most_variants=0, new_item_share=0.0)

DIAL = st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])
SETTINGS = st.builds(
    Reranking,
    places=st.integers(1, 16),
    diversity=DIAL,
    most_per_category=st.integers(0, 3),
    most_per_brand=st.integers(0, 3),
    popularity_damping=DIAL,
    most_variants=st.integers(0, 3),
    new_item_share=DIAL,
)


@st.composite
def tables(draw, *, kinds=(False, True), max_rows=4):
    """Lists of few items, whose scores often tie."""
    rows = draw(st.lists(st.lists(st.integers(0, N_ITEMS - 1), unique=True), min_size=1, max_size=max_rows))
    n = sum(map(len, rows))
    drops = [draw(st.lists(st.integers(0, 3), min_size=len(row), max_size=len(row))) for row in rows]
    scores = [60 - total for drop in drops for total in np.cumsum(drop)]
    flags = draw(st.lists(st.sampled_from(kinds), min_size=n, max_size=n))
    return ListTable(
        starts=np.cumsum([0, *map(len, rows)]),
        items=np.array([item for row in rows for item in row], np.int32),
        scores=np.array(scores, np.float32),
        sources=np.array(draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)), np.uint8),
        bought=np.array(flags, bool),
    )


@st.composite
def traits(draw):
    def codes(most):
        return np.array(draw(st.lists(st.integers(-1, most), min_size=N_ITEMS, max_size=N_ITEMS)), np.int32)

    seed = draw(st.integers(0, 100))
    rng = np.random.default_rng(seed)
    return ItemTraits(
        category=codes(3),
        brand=codes(2),
        variant=codes(4),
        buyers=rng.choice([0.01, 0.1, 0.5, 1.0], N_ITEMS),
        is_new=codes(1) < 0,
        factors=rng.normal(size=(N_ITEMS, 128)).astype(np.float32) if seed % 3 else None,
    )


def same(one, other):
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(ListTable))


def lists_of(table, mode):
    return [row.items.tolist() for row in of_mode(table, mode, N_ITEMS)]


# ---- Whatever is wanted -------------------------------------------------------------------------


@given(tables(), SETTINGS, traits())
def test_every_row_keeps_its_items_with_their_sources_and_flags(table, settings, items):
    for before, after in zip(table, rerank(table, settings, items), strict=True):
        assert sorted(zip(before.items, before.sources, before.bought, strict=True)) == sorted(
            zip(after.items, after.sources, after.bought, strict=True)
        )


@given(tables(), SETTINGS, traits())
def test_scores_never_rise_in_any_list(table, settings, items):
    after = rerank(table, settings, items)
    for mode in MODES:
        assert all((np.diff(row.scores) <= 0).all() for row in of_mode(after, mode, N_ITEMS))
    assert np.array_equal(after.scores, table.scores)


@given(tables(), SETTINGS, traits())
def test_a_row_alone_comes_out_as_among_others(table, settings, items):
    together = rerank(table, settings, items)
    for r in range(len(table)):
        alone = ListTable.stack([table], most=len(table.items)).keep(table.row_of_place() == r)
        assert together.row(r).items.tolist() == rerank(alone, settings, items).row(r).items.tolist()
        only = table.row(r)
        single = ListTable(np.array([0, len(only)]), only.items, only.scores, only.sources, only.bought)
        assert together.row(r).items.tolist() == rerank(single, settings, items).row(0).items.tolist()


@given(tables(), SETTINGS, traits())
def test_the_same_again_is_the_same_and_the_table_given_is_left_alone(table, settings, items):
    untouched = ListTable.stack([table], most=len(table.items))
    assert same(rerank(table, settings, items), rerank(table, settings, items))
    assert same(table, untouched)


@given(tables(), st.integers(1, 16), traits())
def test_with_every_dial_at_nought_nothing_moves(table, places, items):
    assert same(rerank(table, replace(OFF, places=places), items), table)


@given(tables(), SETTINGS)
def test_items_that_are_alike_to_the_rules_keep_their_order(table, settings):
    nothing = np.full(N_ITEMS, -1, np.int32)
    level = ItemTraits(nothing, nothing, nothing, np.full(N_ITEMS, 0.2), np.zeros(N_ITEMS, bool))
    assert rerank(table, settings, level).items.tolist() == table.items.tolist()


# ---- One rule at a time -------------------------------------------------------------------------


@given(tables(), st.integers(1, 16), st.integers(1, 3), traits())
def test_caps_hold_in_every_mode_wherever_there_are_enough_others(table, places, most, items):
    after = rerank(table, replace(OFF, places=places, most_per_category=most), items)
    for mode in MODES:
        for listed in lists_of(after, mode):
            codes = items.category[listed]
            within = (codes < 0).sum() + sum(min(most, n) for n in np.bincount(codes[codes >= 0]))
            held = codes[: min(places, within)]
            assert (np.bincount(held[held >= 0], minlength=1) <= most).all()


@given(tables(kinds=(False,)), st.integers(1, 16), st.integers(1, 2), st.integers(1, 2), traits())
def test_two_caps_are_broken_only_where_everything_left_would_break_one(
    table, places, category, brand, items
):
    wanted = replace(OFF, places=places, most_per_category=category, most_per_brand=brand)

    def breaks(item, before):
        return any(
            codes[item] >= 0 and (codes[before] == codes[item]).sum() >= most
            for codes, most in ((items.category, category), (items.brand, brand))
        )

    for listed in lists_of(rerank(table, wanted, items), "discover"):
        for place, item in enumerate(listed[:places]):
            if breaks(item, listed[:place]):
                left = listed[place:]
                # The cap of the brand gives way before that of the category, and only where it must.
                assert all(breaks(other, listed[:place]) for other in left)


@given(tables(), st.integers(1, 16), st.integers(1, 2), traits())
def test_further_variants_wait_until_all_others_have_had_their_place(table, places, most, items):
    after = rerank(table, replace(OFF, places=places, most_variants=most), items)
    assert lists_of(after, "repeat") == lists_of(table, "repeat")

    def shown(listed):
        """How often each product with variants is there."""
        return Counter(items.variant[item] for item in listed if items.variant[item] >= 0)

    for listed in lists_of(after, "discover"):
        further = sum(max(n - most, 0) for n in shown(listed).values())
        assert all(n <= most for n in shown(listed[: len(listed) - further]).values())
    for row in after:
        bought = shown(row.items[row.bought])
        let = {product: max(n, most) for product, n in bought.items()}
        further = sum(max(n - let.get(product, most), 0) for product, n in shown(row.items).items())
        first = row.items[: min(places, len(row) - further)]
        discovered = shown(row.items[: len(first)][~row.bought[: len(first)]])
        assert all(n <= max(most - bought[product], 0) for product, n in discovered.items())


@given(tables(), st.integers(1, 16), DIAL, traits())
def test_the_share_of_new_items_holds_at_every_place_as_far_as_there_are_any(table, places, share, items):
    after = rerank(table, replace(OFF, places=places, new_item_share=share), items)
    assert lists_of(after, "repeat") == lists_of(table, "repeat")
    for listed in lists_of(after, "discover"):
        is_new = items.is_new[listed]
        for shown in range(1, min(places, len(listed)) + 1):
            assert is_new[:shown].sum() >= min(np.floor(share * shown + 1e-9), is_new.sum())


@given(tables(kinds=(False,), max_rows=2), st.integers(1, 16), DIAL, traits())
def test_diversity_takes_the_greatest_marginal_relevance_at_every_place(table, places, dial, items):
    after = rerank(table, replace(OFF, places=places, diversity=dial), items)
    alike = Likeness.of(items).among(np.arange(N_ITEMS)[None, :])[0]
    for before, now in zip(table, after, strict=True):
        if len(before) == 0:
            continue
        span = max(float(before.scores[0] - before.scores[-1]), 1e-9)
        relevance = dict(zip(before.items.tolist(), (before.scores - before.scores[-1]) / span, strict=True))
        listed = now.items.tolist()
        for place in range(min(places, len(listed))):
            worth = [
                (1 - dial) * relevance[item]
                - dial * max((alike[item, shown] for shown in listed[:place]), default=0)
                for item in listed[place:]
            ]
            assert worth[0] == pytest.approx(max(worth), abs=1e-5)


@given(tables(), st.sampled_from([0.1, 0.5, 1.0]), traits())
def test_damping_is_a_stable_sort_of_the_discoveries_by_the_damped_score(table, strength, items):
    after = rerank(table, replace(OFF, popularity_damping=strength), items)
    assert np.array_equal(after.bought, table.bought)
    assert lists_of(after, "repeat") == lists_of(table, "repeat")
    for before, now in zip(of_mode(table, "discover", N_ITEMS), lists_of(after, "discover"), strict=True):
        damped = (before.scores * items.buyers[before.items] ** -strength).tolist()
        best_first = sorted(range(len(before)), key=lambda place: -damped[place])
        assert now == before.items[best_first].tolist()
