import pytest

from recommender.data.cleaning_rules import CleaningRules
from recommender.errors import ConfigError


@pytest.mark.parametrize(
    "rules", [{"cancelled_order": "("}, {"product_pattern": "["}, {"non_product": ("^POST$", "*")}]
)
def test_a_pattern_that_is_none_is_refused_by_its_name(rules):
    with pytest.raises(ConfigError, match=f"{next(iter(rules))}: .* is no regular expression"):
        CleaningRules(**rules)


def test_look_around_is_refused_for_it_would_fail_only_later():
    with pytest.raises(ConfigError, match=r"non_product: .* is no regular expression that can be used"):
        CleaningRules(non_product=("^(?!A)",))
