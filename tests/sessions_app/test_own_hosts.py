"""To come from a page of the shop itself, or from where one pays, is no arrival."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client

from core.clock import now
from orders.models import Order
from sessions_app.ingest import flush
from sessions_app.models import Channel, VisitorSession
from sessions_app.own_hosts import is_own
from tests.billing_server import BillingService
from tests.browsers import CHROME
from tests.world import Shopper, World, attempt_of, report

API = "/api/v1"
PAY_PAGE = "https://checkout.stripe.com/c/pay/cs_test_a1?x=y"


@pytest.mark.parametrize(
    ("host", "asked_as", "own"),
    [
        ("shop.example", "shop.example", True),
        ("shop.example", "www.Shop.example", True),
        ("::1", "::1", True),
        ("other.example", "shop.example", False),
        ("blog.shop.example", "shop.example", False),
        ("example.org", "shop.example", True),
        ("checkout.stripe.com", "shop.example", True),
        ("stripe.com", "shop.example", False),
        ("paypal.com", "shop.example", True),
    ],
)
def test_a_host_is_ours_or_not(host: str, asked_as: str, own: bool, settings: LazySettings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://www.example.org:8443"]
    settings.PAYMENT_HOSTS = [*settings.PAYMENT_HOSTS, "www.paypal.com"]
    assert is_own(host, asked_as) is own


def first_visit(**headers: str) -> VisitorSession:
    """Of a page that called the API, as it is stored."""
    Client(headers={"user-agent": CHROME, **headers}).get(f"{API}/storefront/products")
    flush(consumer="test")
    return VisitorSession.objects.get()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host", ["shop.example", "www.shop.example", "www.shop.example:8443", "[2001:db8::1]", "[2001:db8::1]:8443"]
)
def test_a_page_of_the_shop_is_known_whatever_its_host(host: str) -> None:
    visit = first_visit(host=host, referer=f"https://{host}/mug?utm_source=news&utm_medium=email&token=x")
    assert (visit.landing_page, visit.utm_source, visit.channel) == ("/mug", "news", Channel.EMAIL)
    assert (visit.referrer, visit.referrer_host) == ("", "")


@pytest.mark.django_db
def test_a_page_of_another_host_is_a_referrer() -> None:
    visit = first_visit(host="www.shop.example", referer="https://www.blog.example/a?b=c")
    assert (visit.referrer, visit.referrer_host) == ("https://www.blog.example/a?b=c", "blog.example")
    assert (visit.landing_page, visit.channel) == ("", Channel.REFERRAL)


def view(shopper: Shopper, page: str, referrer: str) -> None:
    answer = shopper.post("/analytics/track", {"eventType": "page_view", "page": page, "referrer": referrer})
    assert answer.status_code == 202
    flush(consumer="test")


def pay(order: Order) -> None:
    report(attempt_of(order), "success")


def bought_again(shopper: Shopper, world: World) -> Any:
    return shopper.order(world, (world.tea, 1)).last_touch


@pytest.mark.django_db(transaction=True)
def test_whoever_pays_comes_back_and_buys_again_was_not_referred_by_the_page_to_pay_at(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    shopper.call("put", "/storefront/session/consent", {"analytics": True})
    view(shopper, "/", "https://blog.example/")
    pay(shopper.order(world))
    view(shopper, "/orders/1", PAY_PAGE)
    assert bought_again(shopper, world)["referrer_host"] == "blog.example"
    assert len(VisitorSession.objects.get().touches) == 1


@pytest.mark.django_db(transaction=True)
def test_a_visit_that_lapsed_at_the_page_to_pay_at_goes_on_as_a_direct_one(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    shopper.call("put", "/storefront/session/consent", {"analytics": True})
    view(shopper, "/", "https://blog.example/")
    pay(shopper.order(world))
    with time_machine.travel(now() + timedelta(minutes=40)):
        view(shopper, "/orders/1", PAY_PAGE)
        newest = VisitorSession.objects.latest("started_at")
        assert (newest.channel, newest.referrer, newest.referrer_host) == (Channel.DIRECT, "", "")
        assert bought_again(shopper, world)["referrer_host"] == "blog.example"
    assert VisitorSession.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_control_a_page_to_pay_at_that_nobody_named_is_a_referrer(
    world: World, billing: BillingService, shopper: Shopper, settings: LazySettings
) -> None:
    settings.PAYMENT_HOSTS = []
    shopper.call("put", "/storefront/session/consent", {"analytics": True})
    pay(shopper.order(world))
    view(shopper, "/orders/1", PAY_PAGE)
    assert bought_again(shopper, world)["referrer_host"] == "checkout.stripe.com"
