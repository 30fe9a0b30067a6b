import pytest

from tests.serving.served_shop import ServedShop
from tests.serving.small_shop import publish


@pytest.fixture
def empty_shop() -> ServedShop:
    return ServedShop()


@pytest.fixture
def shop() -> ServedShop:
    shop = ServedShop()
    publish(shop.store)
    shop.follower.poll()
    return shop
