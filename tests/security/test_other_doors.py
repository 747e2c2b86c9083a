"""No other spelling, method, header or route leads round a limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings

from checkout.api import ApplyCouponView
from tests.core.limited import ELSEWHERE, HERE, Caller, limit

pytestmark = pytest.mark.django_db
API = "/api/v1"
NONE = "00000000-0000-0000-0000-000000000000"
LOGIN = {"email": "ada@example.com", "password": "a-wrong-horse-55"}
DOORS: dict[str, list[tuple[str, str, Any]]] = {
    "coupon": [("post", f"{API}/checkout/apply-coupon", {}), ("delete", f"{API}/checkout/{NONE}/coupon", {})],
    "confirm": [("post", f"{API}/checkout/confirm-order", {}), ("post", f"{API}/orders/create-from-cart", {})],
    "login": [
        ("post", f"{API}/storefront/auth/login", LOGIN),
        ("post", f"{API}/storefront/auth/verify-email", {"token": "x", "password": "x"}),
    ],
    "password_reset": [
        ("post", f"{API}/storefront/auth/password/reset", {"email": "ada@example.com"}),
        ("post", f"{API}/storefront/auth/password/reset/confirm", {"token": "x", "password": "x"}),
    ],
    "order_lookup": [
        *(("get", f"{API}/orders/{NONE}{tail}", None) for tail in ("", "/session")),
        *(("post", f"{API}/orders/{NONE}/{tail}", {}) for tail in ("retry-payment", "cancel")),
    ],
    "register": [("post", f"{API}/storefront/auth/register", {})],
    "initiate": [("post", f"{API}/checkout/initiate", {})],
}
"""By limit, all that does the same act."""
OVERRIDES = ("x-http-method-override", "x-method-override", "x-http-method")
CLIENTS = (
    *("x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "cf-connecting-ip", "x-client-ip"),
    *("x-cluster-client-ip", "fastly-client-ip", "x-original-forwarded-for", "x-forwarded", "via"),
)
GUESS = {"x-order-token": "guess"}


def ask(caller: Caller, method: str, path: str, body: Any, **headers: str) -> int:
    content = {} if body is None else {"data": body, "content_type": "application/json"}
    answer = getattr(caller.client, method)(path, headers=GUESS | headers, **content)
    return int(answer.status_code)


def spellings(path: str) -> Iterator[str]:
    """The same address as something on the way might write it."""
    head, _slash, last = path.rpartition("/")
    yield f"{head}/%{ord(last[0]):02x}{last[1:]}"
    yield f"{head}/{last[:-1]}%{ord(last[-1]):02X}"
    yield from (f"{path}/", f"{path}//", f"{path}.json", f"{path};x=1", f"{path}%20", f"{path}%00", f"{path}%0a")
    yield from (f"{path}?x=1", f"{path}?_method=POST", f"{head}/{last.upper()}", f"{head}//{last}")
    yield from (f"{head}/./{last}", f"{head}/x/../{last}", path.replace("/api/", "/API/"), f"/{path}")


def uses_up(settings: LazySettings, name: str) -> Caller:
    """Somebody who may not do it any more."""
    limit(settings, **{name: "1/minute"})
    caller = Caller()
    method, path, body = DOORS[name][0]
    assert ask(caller, method, path, body) != 429
    return caller


def handled(status: int) -> bool:
    """Whether more was done than to refuse: the address is none, the method is none, or there were too many."""
    return status not in (404, 405, 429)


@pytest.mark.parametrize("name", DOORS)
def test_every_way_to_the_same_act_is_counted_together(name: str, settings: LazySettings) -> None:
    caller = uses_up(settings, name)
    assert {path: ask(caller, method, path, body) for method, path, body in DOORS[name]} == {
        path: 429 for _method, path, _body in DOORS[name]
    }


@pytest.mark.parametrize("name", DOORS)
def test_no_other_spelling_is_handled_once_the_limit_is_reached(name: str, settings: LazySettings) -> None:
    caller = uses_up(settings, name)
    found = {
        spelling: status
        for method, path, body in DOORS[name]
        for spelling in spellings(path)
        if handled(status := ask(caller, method, spelling, body))
    }
    assert found == {}


@pytest.mark.parametrize("name", DOORS)
def test_no_other_method_is_handled_once_the_limit_is_reached(name: str, settings: LazySettings) -> None:
    caller = uses_up(settings, name)
    found = {
        (method, path): status
        for wanted, path, body in DOORS[name]
        for method in ("get", "head", "post", "put", "patch", "delete", "options", "trace")
        for header in OVERRIDES
        if handled(status := ask(caller, method, path, None, **{header: wanted.upper()}))
    }
    assert found == {}


@pytest.mark.parametrize("proxies", [0, 1, 2])
@pytest.mark.parametrize("header", CLIENTS)
def test_no_header_of_the_clients_own_says_who_asks(header: str, proxies: int, settings: LazySettings) -> None:
    limit(settings, login="3/minute", login_email="1000/minute")
    settings.TRUSTED_PROXY_COUNT = proxies
    ours = ", ".join([HERE, "10.0.0.1"][:proxies])
    statuses = []
    for number in range(8):
        said = f"192.0.2.{number}"
        chain = {"x-forwarded-for": ours} if proxies else {}
        own = {header: ", ".join(filter(None, [said, ours]))} if header == "x-forwarded-for" else {header: said}
        method, path, body = DOORS["login"][0]
        statuses.append(ask(Caller(HERE), method, path, body, **chain | own))
    assert statuses == [401] * 3 + [429] * 5


def test_the_control_a_header_that_is_believed_makes_somebody_else(settings: LazySettings) -> None:
    """As it would be with more proxies trusted than there are."""
    limit(settings, login="3/minute", login_email="1000/minute")
    settings.TRUSTED_PROXY_COUNT = 1
    method, path, body = DOORS["login"][0]
    made_up = [{"x-forwarded-for": f"192.0.2.{number}"} for number in range(8)]
    assert [ask(Caller(HERE), method, path, body, **headers) for headers in made_up] == [401] * 8


def test_no_number_of_addresses_in_a_network_of_64_bits_helps(settings: LazySettings) -> None:
    limit(settings, login="3/minute", login_email="1000/minute")
    addresses = [f"2001:db8:0:1:{number:x}:{number * 7:x}::{number:x}" for number in range(1, 30)]
    method, path, body = DOORS["login"][0]
    assert [ask(Caller(address), method, path, body) for address in addresses].count(401) == 3


def test_one_account_is_not_tried_from_many_addresses(settings: LazySettings) -> None:
    limit(settings, login_email="3/minute")
    written = ("ada@example.com", "ADA@example.com", " ada@example.com", "ada@\uff45xample.com")
    method, path, _body = DOORS["login"][0]
    statuses = [
        ask(Caller(f"198.51.100.{number}"), method, path, LOGIN | {"email": written[number % len(written)]})
        for number in range(10)
    ]
    assert statuses == [401] * 3 + [429] * 7


def test_the_control_a_view_that_names_no_limit_is_handled(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = uses_up(settings, "coupon")
    monkeypatch.setattr(ApplyCouponView, "limit", "")
    method, path, body = DOORS["coupon"][0]
    assert handled(ask(caller, method, path, body))


def test_the_control_another_address_is_somebody_else(settings: LazySettings) -> None:
    uses_up(settings, "coupon")
    method, path, body = DOORS["coupon"][0]
    assert handled(ask(Caller(ELSEWHERE), method, path, body))
