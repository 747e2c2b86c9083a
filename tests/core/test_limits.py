"""How often one may ask: of whom it is counted, what is told, and who is never refused."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from core import limits
from core import redis as core_redis
from core.limits.counted import Counted, binding
from core.limits.policies import Policy
from customers.models import User
from tests.core.limited import ELSEWHERE, HERE, INITIATE, Caller, count_request, limit
from tests.world import World

pytestmark = pytest.mark.django_db


def statuses(answers: Iterable[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


def headers_of(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if "limit" in name.lower() or name == "Retry-After"}


# Whose requests are counted ------------------------------------------------------------------------------------------


def test_as_many_as_the_limit_pass_and_no_more(settings: LazySettings) -> None:
    limit(settings, initiate="3/5minute")
    caller = Caller()
    assert statuses(caller.initiate() for _ in range(5)) == [400, 400, 400, 429, 429]


def test_each_address_is_counted_for_itself(settings: LazySettings) -> None:
    limit(settings, initiate="1/5minute")
    assert statuses(Caller(address).initiate() for address in (HERE, ELSEWHERE, HERE)) == [400, 400, 429]


def test_an_ipv6_network_of_64_bits_is_one_client(settings: LazySettings) -> None:
    limit(settings, initiate="1/5minute")
    addresses = ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff::9", "2001:db8:0:2::1")
    assert statuses(Caller(address).initiate() for address in addresses) == [400, 429, 400]


def test_all_without_an_address_are_one_client(settings: LazySettings) -> None:
    limit(settings, initiate="1/5minute")
    assert statuses(Caller(address).initiate() for address in ("", "unix:")) == [400, 429]


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_another_x_forwarded_for_with_each_request_does_not_help(settings: LazySettings, proxies: int) -> None:
    limit(settings, initiate="5/5minute")
    settings.TRUSTED_PROXY_COUNT = proxies
    caller = Caller()
    own_hops = [HERE, "10.0.0.1"][:proxies]  # as our own proxies would write them
    forwarded = [", ".join([f"192.0.2.{number}", *own_hops]) for number in range(50)]
    answers = [caller.initiate(**{"x-forwarded-for": each}) for each in forwarded]
    assert statuses(answers).count(400) == 5


def test_control_believing_the_whole_header_would_help(settings: LazySettings) -> None:
    limit(settings, initiate="5/5minute")
    settings.TRUSTED_PROXY_COUNT = 2  # more than there are
    answers = [Caller().initiate(**{"x-forwarded-for": f"192.0.2.{number}, {HERE}"}) for number in range(10)]
    assert statuses(answers).count(400) == 10


def test_behind_our_proxy_each_client_is_counted_for_itself(settings: LazySettings) -> None:
    limit(settings, initiate="1/5minute")
    settings.TRUSTED_PROXY_COUNT = 1
    answers = [Caller("10.0.0.1").initiate(**{"x-forwarded-for": each}) for each in (HERE, ELSEWHERE, HERE)]
    assert statuses(answers) == [400, 400, 429]


def test_a_customer_is_counted_wherever_they_are(settings: LazySettings) -> None:
    limit(settings, initiate="2/5minute")
    user = User.objects.create_user(email="ada@example.com", password="x")
    callers = [Caller(HERE, user), Caller(ELSEWHERE, user), Caller(ELSEWHERE, user), Caller(HERE)]
    assert statuses(caller.initiate() for caller in callers) == [400, 400, 429, 400]


def test_customers_may_have_another_limit(settings: LazySettings) -> None:
    limit(settings, initiate="1/5minute")
    settings.RATE_LIMITS_CUSTOMER = settings.RATE_LIMITS_CUSTOMER | {"initiate": "3/minute"}
    customer = Caller(user=User.objects.create_user(email="ada@example.com", password="x"))
    assert customer.initiate()["RateLimit-Policy"] == '"initiate";q=3;w=60'
    assert Caller().initiate()["RateLimit-Policy"] == '"initiate";q=1;w=300'


def test_the_general_limit_is_of_the_address_also_for_customers(settings: LazySettings) -> None:
    limit(settings, general="1/minute")
    users = [User.objects.create_user(email=f"{name}@example.com", password="x") for name in ("ada", "bob")]
    assert statuses(Caller(HERE, user).get() for user in users) == [200, 429]


def test_a_network_on_the_allow_list_is_never_limited(settings: LazySettings) -> None:
    limit(settings, general="1/minute")
    settings.RATE_LIMIT_ALLOWLIST = ["203.0.113.0/24", "2001:db8::/32"]
    for address, found in ((HERE, {200}), ("2001:db8::1", {200}), (ELSEWHERE, {200, 429})):
        answers = [Caller(address).get() for _ in range(3)]
        assert set(statuses(answers)) == found
    assert headers_of(Caller(HERE).get()) == {}


def test_on_the_allow_list_no_e_mail_address_is_limited_either(settings: LazySettings) -> None:
    limit(settings, login_email="1/minute")
    settings.RATE_LIMIT_ALLOWLIST = ["203.0.113.0/24"]
    for _ in range(3):
        limits.hit("login_email", "ada@example.com", address=HERE, endpoint="/login")


# What counts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", ["{", "[]", '{"cartItems": [{"productId": 1}]}', '{"cartItems": "' + "x" * 300_000])
def test_what_is_refused_for_its_body_counts_too(settings: LazySettings, sent: str) -> None:
    limit(settings, initiate="1/5minute")
    client = Caller().client
    answers = [client.generic("POST", INITIATE, sent, "application/json") for _ in range(2)]
    assert answers[0].status_code in (400, 413)
    assert answers[1].status_code == 429


def test_create_from_cart_counts_as_confirm(settings: LazySettings) -> None:
    limit(settings, confirm="1/5minute")
    caller = Caller()
    paths = ("/api/v1/orders/create-from-cart", "/api/v1/checkout/confirm-order")
    assert statuses(caller.post(path) for path in paths) == [400, 429]


def test_taking_a_coupon_off_counts_as_a_coupon(settings: LazySettings) -> None:
    limit(settings, coupon="1/minute")
    caller = Caller()
    assert caller.post("/api/v1/checkout/apply-coupon").status_code == 400
    path = "/api/v1/checkout/00000000-0000-0000-0000-000000000000/coupon"
    assert caller.client.delete(path).status_code == 429


@pytest.mark.parametrize("tail", ["", "/session"])
def test_guests_may_not_try_out_keys_to_orders(settings: LazySettings, tail: str) -> None:
    limit(settings, order_lookup="2/minute")
    path = f"/api/v1/orders/00000000-0000-0000-0000-000000000000{tail}"
    answers = [Caller().get(path, **{"x-order-token": f"guess-{number}"}) for number in range(3)]
    assert statuses(answers) == [404, 404, 429]
    assert Caller().get(path).status_code == 404, "without a key nothing is tried"


def test_every_request_counts_as_general(settings: LazySettings) -> None:
    limit(settings, general="2/minute")
    caller = Caller()
    assert statuses([caller.initiate(), caller.get(), caller.get(), caller.initiate()]) == [400, 200, 429, 429]


def test_what_the_general_limit_refuses_uses_up_no_other(settings: LazySettings) -> None:
    limit(settings, general="1/minute", initiate="5/5minute")
    caller = Caller()
    caller.get()
    caller.initiate()
    core_redis.client().delete(*core_redis.client().keys("limit:*general*"))
    assert caller.initiate()["RateLimit"].startswith('"general";r=0')
    core_redis.client().delete(*core_redis.client().keys("limit:*general*"))
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"general": "300/minute"}
    assert caller.initiate()["X-RateLimit-Remaining"] == "3"


def test_the_count_begins_anew_when_its_window_is_over(settings: LazySettings) -> None:
    limit(settings, initiate="1/5minute")
    caller = Caller()
    assert statuses([caller.initiate(), caller.initiate()]) == [400, 429]
    (key,) = core_redis.client().keys("limit:*initiate*")
    assert 299_000 < core_redis.client().pttl(key) <= 300_000
    core_redis.client().pexpire(key, 0)
    assert caller.initiate().status_code == 400


def test_a_counter_that_lost_its_end_gets_one(settings: LazySettings) -> None:
    limit(settings, initiate="5/5minute")
    Caller().initiate()
    (key,) = core_redis.client().keys("limit:*initiate*")
    core_redis.client().persist(key)
    Caller().initiate()
    assert core_redis.client().pttl(key) > 0


# Who is never refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("post", "/api/v1/billing/webhook", 401),
        ("get", "/api/v1/analytics/metrics", 200),
        ("get", "/api/v1/analytics/realtime", 200),
        ("get", "/api/v1/health", 200),
        ("get", "/livez", 200),
        ("get", "/readyz", 200),
    ],
)
def test_billing_staff_and_probes_are_never_refused(
    settings: LazySettings, method: str, path: str, status: int
) -> None:
    limit(settings, general="1/minute")
    staff = Caller(user=User.objects.create_superuser(email="staff@example.com", password="x"))
    answers = [getattr(staff, method)(path) for _ in range(3)]
    assert statuses(answers) == [status] * 3
    assert headers_of(answers[0]) == {}


# What is told --------------------------------------------------------------------------------------------------------


def test_an_answer_tells_how_the_client_stands(settings: LazySettings) -> None:
    limit(settings, initiate="10/5minute")
    caller = Caller()
    caller.initiate()
    told = headers_of(caller.initiate())
    assert told.pop("RateLimit-Policy") == '"initiate";q=10;w=300'
    assert told.pop("RateLimit") in ('"initiate";r=8;t=300', '"initiate";r=8;t=299')
    assert int(told.pop("X-RateLimit-Reset")) > 1_700_000_000
    assert told == {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "8"}


def test_a_good_answer_tells_it_too(settings: LazySettings, world: World) -> None:
    limit(settings)
    told = Caller().post(INITIATE, {"cartItems": [{"productId": str(world.mug.id), "quantity": 1}]})
    assert told.status_code == 201
    assert told["RateLimit-Policy"] == '"initiate";q=10;w=300'


def test_a_refusal_says_when_to_come_again(settings: LazySettings) -> None:
    limit(settings, initiate="1/5minute")
    Caller().initiate()
    refused = Caller().initiate(**{"accept-language": "en"})
    assert (refused.status_code, refused.json()["error"]) == (429, "RATE_LIMITED")
    assert refused.json()["message"] == "Too many requests. Please wait a moment and try again."
    assert refused["Retry-After"] in ("299", "300")
    assert refused["RateLimit"] == f'"initiate";r=0;t={refused["Retry-After"]}'
    assert (refused["X-RateLimit-Limit"], refused["X-RateLimit-Remaining"]) == ("1", "0")


def test_without_a_limit_of_its_own_a_call_tells_of_the_general_one(settings: LazySettings) -> None:
    limit(settings)
    assert Caller().get()["RateLimit-Policy"] == '"general";q=300;w=60'


@pytest.mark.parametrize(
    ("used_general", "used_named", "told"),
    [(3, 7, "named"), (9, 1, "general"), (5, 5, "named"), (10, 11, "named"), (11, None, "general")],
)
def test_the_limit_that_binds_first_is_told(used_general: int, used_named: int | None, told: str) -> None:
    counted = [Counted(Policy("general", 10, 60), used_general, 1.0)]
    if used_named is not None:
        counted.append(Counted(Policy("named", 10, 60), used_named, 1.0))
    assert binding(counted).policy.name == told


@pytest.mark.parametrize(("left", "seconds"), [(0.0, 1), (0.001, 1), (59.2, 60), (60.0, 60)])
def test_seconds_are_whole_and_never_none(left: float, seconds: int) -> None:
    assert Counted(Policy("general", 10, 60), 1, left).seconds == seconds


def test_pages_of_another_origin_may_read_it(settings: LazySettings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    exposed = Caller().get(origin="https://shop.example")["Access-Control-Expose-Headers"].split(", ")
    assert {"ratelimit", "ratelimit-policy", "retry-after", "x-ratelimit-remaining"} <= set(exposed)


class LoginView(APIView):
    """What a login does: one limit by address, one by e-mail address."""

    limit = "login"

    def get(self, request: Request) -> Response:
        limits.hit("login_email", request.query_params["email"], address=HERE, endpoint="/login")
        return Response()


def log_in(email: str) -> Any:
    return LoginView.as_view()(APIRequestFactory(REMOTE_ADDR=HERE).get("/", {"email": email}))


def test_what_a_service_counts_is_told_as_well(settings: LazySettings) -> None:
    limit(settings, login_email="1/minute")
    passed, refused = log_in("ada@example.com"), log_in("ada@example.com")
    assert passed["RateLimit-Policy"] == '"login";q=30;w=60'
    assert (refused.status_code, refused.data["error"]) == (429, "RATE_LIMITED")
    assert refused["RateLimit-Policy"] == '"login_email";q=1;w=60'
    assert refused["Retry-After"] in ("59", "60")


def test_an_e_mail_address_is_one_in_any_spelling(settings: LazySettings) -> None:
    limit(settings, login_email="2/minute")
    spellings = ("ada@example.com", " ADA@Example.com ", "Ada@example.com", "bob@example.com")
    assert [log_in(each).status_code for each in spellings] == [200, 200, 429, 200]


@pytest.mark.parametrize("odd", ["", "\0", "\ud800", "ế" * 10_000, "a\nb"])
def test_no_key_breaks_it(settings: LazySettings, odd: str) -> None:
    limit(settings, login_email="1/minute")
    limits.hit("login_email", odd, address=HERE, endpoint="/login")
    with pytest.raises(limits.RateLimitedError):
        limits.hit("login_email", odd, address=HERE, endpoint="/login")


def test_a_plain_view_counts_by_itself(settings: LazySettings) -> None:
    limit(settings, track="1/minute")
    request = RequestFactory().post("/", REMOTE_ADDR=HERE)
    first, second = (count_request(request, "track") for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.refused, second.refused) == (False, True)
    assert second.headers["RateLimit-Policy"] == '"track";q=1;w=60'


# What is kept --------------------------------------------------------------------------------------------------------


def test_a_refused_request_is_no_visit(settings: LazySettings) -> None:
    limit(settings, general="1/minute")
    Caller().get()
    before = core_redis.client().keys("session*")
    assert Caller().get().cookies == {}
    assert core_redis.client().keys("session*") == before


def test_redis_holds_neither_address_nor_e_mail_and_all_of_it_ends(settings: LazySettings) -> None:
    limit(settings, initiate="1/5minute")
    Caller().initiate()
    Caller().initiate()
    limits.hit("login_email", "ada@example.com", address=HERE, endpoint="/login")
    keys = core_redis.client().keys("limit:*")
    assert {key.split(b":")[2] for key in keys} == {b"general", b"initiate", b"login_email", b"refused"}
    assert not [key for key in keys if b"203.0.113" in key or b"ada" in key]
    assert all(core_redis.client().ttl(key) > 0 for key in keys)


def test_reaching_a_limit_is_logged_once_a_window(settings: LazySettings, caplog: pytest.LogCaptureFixture) -> None:
    limit(settings, initiate="1/5minute")
    for _ in range(5):
        Caller().initiate()
    (line,) = [record for record in caplog.records if record.name == "core.limits.counting"]
    assert line.levelno == logging.WARNING
    assert "limit initiate is reached" in line.getMessage()
    assert "203.0.113.0/24" in line.getMessage()
    assert HERE not in line.getMessage()


def test_one_request_costs_one_round_trip(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(settings)
    Caller().initiate()
    calls: list[str] = []
    usual = core_redis.breaker.call

    def counted(work: Any) -> Any:
        calls.append("call")
        return usual(work)

    monkeypatch.setattr(core_redis, "call", counted)
    count_request(RequestFactory().post("/", REMOTE_ADDR=HERE), "general", "initiate")
    assert len(calls) == 1


def views(patterns: Iterable[URLPattern | URLResolver]) -> Iterable[Any]:
    """The class of every view of the API."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        elif hasattr(pattern.callback, "cls"):
            yield pattern.callback.cls


def test_every_limit_that_a_view_names_is_in_the_settings(settings: LazySettings) -> None:
    named = {
        limit for view in views(get_resolver().url_patterns) if isinstance(limit := getattr(view, "limit", 0), str)
    }
    assert {"initiate", "shipping", "tax", "coupon", "confirm"} <= named <= set(settings.RATE_LIMITS)
