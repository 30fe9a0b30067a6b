from recommender.serving.breaker import CircuitBreaker
from tests.serving.small_shop import Clock


def opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(clock, most_failures=3, open_seconds=1)
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row():
    assert not opened(Clock()).allows()


def test_failures_with_successes_between_them_do_not_open_it():
    breaker = CircuitBreaker(Clock(), most_failures=3)
    for _ in range(10):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert breaker.allows()


def test_one_caller_may_try_when_its_time_is_over():
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_a_failed_try_opens_it_for_as_long_again():
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1
    assert breaker.allows()
    clock.now = 1.5
    breaker.failed()
    clock.now = 2.4
    assert not breaker.allows()
    clock.now = 2.5
    assert breaker.allows()


def test_a_successful_try_closes_it_and_counting_begins_anew():
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1
    assert breaker.allows()
    breaker.succeeded()
    breaker.failed()
    breaker.failed()
    assert breaker.allows()


def test_a_try_that_never_reports_back_blocks_nobody_for_longer_than_a_moment():
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1
    assert breaker.allows()
    clock.now = 2
    assert breaker.allows()
