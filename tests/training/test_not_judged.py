import pytest

from recommender.training.learning_settings import EvaluationSettings
from recommender.training.not_judged import why_not_judged
from tests.shops import Line, log_of


@pytest.mark.parametrize(
    ("lines", "windows", "why"),
    [
        ([("1", "ann", "tea", 1, 0), ("2", "ann", "tea", 1, 29.9)], 1, "spans 29 of the 30 days it takes"),
        ([("1", None, "tea", 1, 0), ("2", None, "tea", 1, 40)], 1, "no order names its customer"),
        ([("1", "ann", "tea", 1, 0), ("2", "bob", "tea", 1, 40)], 1, "ordered before the last 10 days"),
        ([("1", "ann", "tea", 1, 0), ("2", "bob", "tea", 1, 45)], 2, "any of the last 2 times 10 days"),
    ],
)
def test_the_reason_is_the_first_thing_that_is_missing(lines: list[Line], windows, why):
    assert why in why_not_judged(log_of(lines), EvaluationSettings(days=10, windows=windows))
