import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking.lists import RecommendationList
from recommender.serving.cart import CUSTOMER_WEIGHT, lift_own_items, merge_lists


def ranked(scores: dict[int, float], source: int = 3) -> RecommendationList:
    order = sorted(scores, key=lambda item: (-scores[item], item))
    return RecommendationList(
        np.array(order, np.int32),
        np.array([scores[item] for item in order], np.float32),
        np.full(len(order), source, np.uint8),
        np.zeros(len(order), bool),
    )


LISTS = st.lists(
    st.dictionaries(st.integers(0, 30), st.integers(1, 100).map(float), min_size=1), min_size=1, max_size=8
)


def test_scores_are_added_and_ties_go_to_the_lower_position():
    merged = merge_lists([ranked({7: 2, 3: 1}), ranked({3: 1, 5: 1})])
    assert merged.items.tolist() == [3, 7, 5]
    assert merged.scores.tolist() == [2, 2, 1]


def test_an_item_keeps_the_source_of_the_first_list_that_has_it():
    merged = merge_lists([ranked({1: 1}, source=3), ranked({1: 9, 2: 1}, source=4)])
    assert dict(zip(merged.items.tolist(), merged.sources.tolist(), strict=True)) == {1: 3, 2: 4}


@given(LISTS)
def test_a_merged_list_holds_every_item_once_with_the_sum_of_its_scores(lists):
    merged = merge_lists([ranked(scores) for scores in lists])
    expected = {item: sum(scores.get(item, 0) for scores in lists) for scores in lists for item in scores}
    assert dict(zip(merged.items.tolist(), merged.scores.tolist(), strict=True)) == expected
    assert (np.diff(merged.scores) <= 0).all()


@given(LISTS)
def test_the_order_of_the_lists_does_not_matter(lists):
    one, other = merge_lists([ranked(s) for s in lists]), merge_lists([ranked(s) for s in reversed(lists)])
    assert one.items.tolist() == other.items.tolist()


def test_the_first_place_of_the_own_list_counts_half_as_much_again():
    lifted = lift_own_items(ranked({1: 1, 2: 1.2}), ranked({1: 9, 8: 5}))
    assert lifted.items.tolist() == [1, 2]
    assert lifted.scores[0] == 1 + CUSTOMER_WEIGHT


@given(LISTS)
def test_lifting_adds_and_drops_nothing(lists):
    merged, own = ranked(lists[0]), ranked(lists[-1])
    lifted = lift_own_items(merged, own)
    assert sorted(lifted.items.tolist()) == sorted(merged.items.tolist())
    assert (np.diff(lifted.scores) <= 0).all()
    assert lift_own_items(merged, own.first(0)) is merged
