"""What an answer's id says, and that no other text says anything."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.events.recommendation_ids import (
    CALLS,
    SOURCES,
    TAG_BYTES,
    Shown,
    read_recommendation_id,
    recommendation_id,
    tag_of,
    tag_text,
)
from recommender.serving.question import CallName
from recommender.serving.schemas import MOST_ID_BYTES, SourceName

TAG = bytes(range(TAG_BYTES))
SHOWN = Shown("customer", "personal", "20261121T040000Z-9f3ab27c", "home", "home-tea", "control")

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=64)


def test_an_id_says_what_the_answer_was_in_about_a_hundred_characters():
    id_ = recommendation_id(TAG, SHOWN)
    assert read_recommendation_id(id_) == SHOWN
    assert len(id_) <= 100


def test_it_begins_with_the_tag_which_is_known_before_the_answer():
    assert tag_of(recommendation_id(TAG, SHOWN)) == tag_text(TAG)
    assert len(tag_text(TAG)) == 16


@given(st.binary(min_size=TAG_BYTES, max_size=TAG_BYTES), texts, texts)
def test_any_label_comes_back_as_far_as_it_fits_and_every_id_is_taken_by_events(tag, snapshot, placement):
    shown = Shown("cart", "co_purchase", snapshot, placement or None, "e" * 32, "v" * 32)
    id_ = recommendation_id(tag, shown)
    assert len(id_) <= MOST_ID_BYTES
    read = read_recommendation_id(id_)
    assert read is not None
    assert snapshot.startswith(read.snapshot) and (placement or "").startswith(read.placement or "")
    assert (read.experiment, read.variant) == ("e" * 32, "v" * 32)


def test_every_call_and_every_rung_has_a_number():
    assert set(get_args(CallName)) <= set(CALLS)
    assert set(get_args(SourceName)) <= set(SOURCES)


def test_one_that_is_not_known_is_left_out_rather_than_an_error():
    shown = read_recommendation_id(recommendation_id(TAG, Shown("mailing", "segment", "monday")))
    assert shown == Shown("", "", "monday")


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_damaged_id_says_nothing(place):
    id_ = recommendation_id(TAG, SHOWN)
    other = "A" if id_[place] != "A" else "B"
    assert read_recommendation_id(id_[:place] + other + id_[place + 1 :]) is None
    assert read_recommendation_id(id_[:place]) is None


@given(st.text(max_size=120))
def test_a_foreign_id_says_nothing_and_is_no_error(text):
    assert read_recommendation_id(text) is None


def test_no_id_says_nothing():
    assert read_recommendation_id(None) is None
    assert read_recommendation_id("2f6c1d0b8e5a497c3d1f0a62") is None
