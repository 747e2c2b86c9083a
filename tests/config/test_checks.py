"""What `check --deploy` says of a shop that is left as the demo has it."""

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from config.checks import check_demo_is_gone


@pytest.fixture(autouse=True)
def production(settings: LazySettings) -> LazySettings:
    """A shop of its own, with all that it must say."""
    settings.DEVELOPMENT, settings.PUBLIC_URL = False, "https://api.example.com"
    settings.SHOP_NAME, settings.DEFAULT_FROM_EMAIL = "Mugs", "shop@example.com"
    settings.BILLING_RETURN_URL = "https://www.example.com/orders/{order_id}"
    settings.ACCOUNT_URL, settings.CART_URL = "https://www.example.com/account", "https://www.example.com/cart"
    return settings


def test_a_shop_that_says_its_own_is_left_alone() -> None:
    assert check_demo_is_gone() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BILLING_RETURN_URL", "https://api.example.com/shop/orders/{order_id}"),
        ("ACCOUNT_URL", "https://api.example.com/shop/account"),
        ("CART_URL", "https://api.example.com/shop/cart"),
        ("SHOP_NAME", "Footfall demo shop"),
        ("DEFAULT_FROM_EMAIL", "shop@localhost"),
    ],
)
def test_what_is_left_of_the_demo_is_named(name: str, value: str, production: LazySettings) -> None:
    setattr(production, name, value)
    assert [name in warning.msg for warning in check_demo_is_gone()] == [True]


def test_in_development_the_demo_is_what_is_wanted(production: LazySettings) -> None:
    production.DEVELOPMENT, production.SHOP_NAME = True, production.DEMO_NAME
    assert check_demo_is_gone() == []


def test_it_is_asked_before_a_deployment_and_not_at_each_start(production: LazySettings) -> None:
    production.SHOP_NAME = production.DEMO_NAME
    asked = {
        deploy: "config.W001" in [found.id for found in run_checks(include_deployment_checks=deploy)]
        for deploy in (True, False)
    }
    assert asked == {True: True, False: False}
