"""Loops that are compiled before they are needed."""

import gc

import pytest

from recommender.ranking.warm_up import warm_up


@pytest.fixture
def left_alone():
    gc.disable()
    yield
    gc.enable()


def test_garbage_is_collected_again_afterwards():
    warm_up()
    assert gc.isenabled()


def test_who_collects_no_garbage_still_does_not(left_alone):
    warm_up()
    assert not gc.isenabled()
