"""The shop in production behind nginx, as docs/install.md has it: a real nginx, a real gunicorn, HTTPS between them and
whoever asks.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.conf import settings
from django.test import override_settings

from config.check import PRODUCTION
from orders.models import Order
from tests.billing_server import BillingService, billing_service
from tests.browsers import CHROME
from tests.deploy.nginx import HOST, NEEDS_NGINX, Proxy, nginx
from tests.e2e.conftest import free_port
from tests.factories import PASSWORD, UserFactory
from tests.promises.processes import until
from tests.security.web import Web, web
from tests.world import ADDRESS, API, World, cart, signed, webhook_body

pytestmark = [pytest.mark.django_db(transaction=True), NEEDS_NGINX]
LIMIT = 3
COUPON = f"{API}/checkout/apply-coupon"
LOGIN = "/admin/login/"
MINE = {name: value for name, value in PRODUCTION.items() if name not in ("DATABASE_URL", "REDIS_URL", "BILLING_URL")}
ENVIRONMENT = MINE | {
    "BILLING_SANDBOX": "0",
    "STOREFRONT": "0",
    "TRUSTED_PROXY_COUNT": "1",
    "METRICS_ALLOWLIST": "127.0.0.0/8",
    "RATE_LIMIT_ALLOWLIST": "",
    "RATE_LIMIT_COUPON": f"{LIMIT}/hour",
}


@dataclass(frozen=True)
class Door:
    """nginx, the web process behind it, and whoever takes the money."""

    proxy: Proxy
    web: Web
    billing: BillingService

    @contextmanager
    def browser(self, *, address: str = "127.0.0.1") -> Iterator[httpx2.Client]:
        """Somebody with cookies, at an address of this machine, who has the shop's certificate."""
        with browser(self.proxy, address) as client:
            yield client


@contextmanager
def browser(proxy: Proxy, address: str = "127.0.0.1") -> Iterator[httpx2.Client]:
    """Somebody who speaks to this nginx as the shop's host."""
    trusted = ssl.create_default_context(cafile=str(proxy.folder / "cert.pem"))
    asked_for = {"host": HOST, "user-agent": CHROME, "referer": f"https://{HOST}/", "accept-encoding": "gzip"}
    with httpx2.Client(
        base_url=f"https://127.0.0.1:{proxy.https}",
        headers=asked_for,
        transport=httpx2.HTTPTransport(verify=trusted, local_address=address),
        event_hooks={"request": [lambda request: request.extensions.update(sni_hostname=HOST)]},
        timeout=30,
    ) as client:
        yield client


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Door]:
    with ExitStack() as stack:
        stack.enter_context(override_settings())
        billing = stack.enter_context(billing_service(settings))
        billing.api_key = PRODUCTION["BILLING_API_KEY"]
        shop = stack.enter_context(web(tmp_path_factory.mktemp("web"), ENVIRONMENT))
        yield Door(stack.enter_context(nginx(tmp_path_factory.mktemp("nginx"), shop.port)), shop, billing)


def post(client: httpx2.Client, path: str, body: Mapping[str, Any], **headers: str) -> httpx2.Response:
    """One request of the API."""
    return client.post(API + path, json=dict(body), headers=headers)


def flags_of(answer: httpx2.Response) -> dict[str, set[str]]:
    """What each cookie of an answer says beside its value."""
    said = (line.split("; ") for line in answer.headers.get_list("set-cookie"))
    return {words[0].partition("=")[0]: set(words[1:]) for words in said}


# People -------------------------------------------------------------------------------------------------------------


def place_an_order(client: httpx2.Client, world: World) -> dict[str, Any]:
    """A shopper confirms; the answer's data."""
    opened = post(client, "/checkout/initiate", {"cartItems": cart([(world.mug, 1)])})
    asked = {"checkoutId": opened.json()["data"]["checkoutId"], "shippingAddress": ADDRESS}
    person = {"email": "ada@example.com", "firstName": "Ada", "lastName": "Byron"}
    answer = post(client, "/checkout/confirm-order", asked | person | {"shippingMethodId": str(world.method.id)})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def test_a_shopper_buys_and_billing_tells_that_it_is_paid(door: Door, world: World) -> None:
    with door.browser() as client:
        order = Order.objects.get(pk=place_an_order(client, world)["order"]["orderId"])
        session = door.billing.only()
        door.billing.settle(session.checkout_id, "success")
        text = json.dumps(webhook_body(session))
        headers = signed(text, secret=PRODUCTION["BILLING_WEBHOOK_SECRETS"])
        told = client.post(
            f"{API}/billing/webhook", content=text, headers=headers | {"content-type": "application/json"}
        )
        shown = client.get(f"{API}/orders/{order.id}").json()["data"]
    assert told.status_code == 200, told.text
    assert shown["status"] == "success"


def test_cookies_are_of_this_host_and_of_https_alone(door: Door) -> None:
    with door.browser() as client:
        flags = flags_of(client.get(f"{API}/storefront/session/current")) | flags_of(client.get(LOGIN))
    assert len(flags) >= 2
    for name, said in flags.items():
        assert name.startswith("__Host-"), name
        assert {"Secure", "Path=/"} <= said, name


def log_in(client: httpx2.Client, email: str, **headers: str) -> httpx2.Response:
    """Somebody fills in the page at the door of staff."""
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(LOGIN).text)
    assert token is not None
    form = {"csrfmiddlewaretoken": token[1], "username": email, "password": PASSWORD, "next": "/admin/"}
    return client.post(LOGIN, data=form, headers=headers)


def test_staff_log_in_and_a_page_of_another_site_logs_nobody_in(door: Door) -> None:
    staff = UserFactory.create(is_staff=True, is_superuser=True)
    with door.browser() as client:
        foreign = log_in(client, staff.email, origin="https://elsewhere.example.com")
        entered = log_in(client, staff.email, origin=f"https://{HOST}")
        shown = client.get("/admin/")
    assert (foreign.status_code, entered.status_code, shown.status_code) == (403, 302, 200)
    assert shown.headers["strict-transport-security"].startswith("max-age=31536000")


# Addresses ----------------------------------------------------------------------------------------------------------


def coupons_tried(proxy: Proxy, address: str = "127.0.0.1", *, forged: bool = False) -> list[int]:
    """What one address is answered, one time more than the limit allows."""
    with browser(proxy, address) as client:
        hops = [{"x-forwarded-for": f"192.0.2.{place}"} if forged else {} for place in range(LIMIT + 1)]
        return [client.post(COUPON, json={}, headers=hop).status_code for hop in hops]


REFUSED_IN_THE_END = [400] * LIMIT + [429]


def test_each_client_is_counted_for_itself(door: Door) -> None:
    assert coupons_tried(door.proxy, "127.0.0.1") == REFUSED_IN_THE_END
    assert coupons_tried(door.proxy, "127.0.0.2") == REFUSED_IN_THE_END


def test_no_address_that_a_client_makes_up_is_believed(door: Door) -> None:
    assert coupons_tried(door.proxy, forged=True) == REFUSED_IN_THE_END


def test_control_a_proxy_that_passes_on_what_it_is_told_is_noticed(door: Door, tmp_path: Path) -> None:
    passing_on = {"$proxy_add_x_forwarded_for": "$http_x_forwarded_for"}
    with nginx(tmp_path, door.web.port, passing_on) as proxy:
        assert coupons_tried(proxy, forged=True) == [400] * (LIMIT + 1)


def test_the_log_names_neither_addresses_nor_browsers_nor_what_was_searched_for(door: Door) -> None:
    with door.browser(address="127.0.0.3") as client:
        client.get(f"{API}/storefront/products?q=what-ada-seeks")
        client.get(f"{API}/checkout/reminders/unsubscribe/a-token-of-adas")
    until(lambda: f"GET {API}/checkout/reminders/unsubscribe/... HTTP/1.1" in door.proxy.log, "it is logged")
    assert "127.0.0.0 - - " in door.proxy.log
    for word in ("127.0.0.3", CHROME, "what-ada-seeks", "a-token-of-adas"):
        assert word not in door.proxy.log


# The door -----------------------------------------------------------------------------------------------------------


def test_plain_http_leads_to_https(door: Door) -> None:
    answer = httpx2.get(f"http://127.0.0.1:{door.proxy.http}/shop/?a=b", headers={"host": HOST})
    assert (answer.status_code, answer.headers["location"]) == (301, f"https://{HOST}/shop/?a=b")


def test_without_the_proxy_all_but_probes_is_led_to_https(door: Door) -> None:
    assert door.web.ask("GET", f"{API}/storefront/products", host=HOST) == 301
    assert [door.web.ask("GET", path) for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 200]


def test_the_figures_are_not_for_the_world(door: Door) -> None:
    with door.browser() as client:
        assert client.get("/metrics").status_code == 404


def handshake(proxy: Proxy, name: str) -> str | None:
    """The protocol that nginx chooses for a host."""
    context = ssl.create_default_context(cafile=str(proxy.folder / "cert.pem"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    connection = socket.create_connection(("127.0.0.1", proxy.https), 10)
    with connection, context.wrap_socket(connection, server_hostname=name) as wrapped:
        return wrapped.selected_alpn_protocol()


def test_browsers_are_offered_http_2(door: Door) -> None:
    assert handshake(door.proxy, HOST) == "h2"


def test_another_host_is_not_even_greeted(door: Door) -> None:
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        handshake(door.proxy, "elsewhere.example.com")


@pytest.mark.parametrize(("size", "why"), [(300 * 1024, "256 KiB at most."), (11_000_000, "The body is too large.")])
def test_a_body_that_is_too_large_is_refused_in_the_envelope(door: Door, size: int, why: str) -> None:
    with door.browser() as client:
        answer = client.post(
            f"{API}/checkout/initiate", content=b" " * size, headers={"content-type": "application/json"}
        )
    assert (answer.status_code, answer.json()["error"], answer.json()["message"]) == (413, "PAYLOAD_TOO_LARGE", why)


def test_without_a_web_process_the_api_says_so_in_the_envelope(door: Door, tmp_path: Path) -> None:
    with nginx(tmp_path, free_port()) as proxy, browser(proxy) as client:
        answer = client.get(f"{API}/storefront/products")
        said = answer.json()
    assert (answer.status_code, said["success"], said["error"]) == (503, False, "NOT_READY")
    assert answer.headers["retry-after"] == "5"


# Files --------------------------------------------------------------------------------------------------------------


def script(client: httpx2.Client, **headers: str) -> httpx2.Response:
    """The tracking script, as any storefront asks for it."""
    answer = client.get("/tracker.js", headers=headers)
    assert answer.status_code == 200
    return answer


def test_the_script_is_kept_by_nginx_as_the_shop_sent_it(door: Door) -> None:
    with door.browser() as client:
        packed, plain = script(client), script(client, **{"accept-encoding": "identity"})
        again = script(client, **{"accept-language": "vi"})
    until(lambda: door.proxy.log.count("GET /tracker.js") == 3, "they are logged")
    lines = [line for line in door.proxy.log.splitlines() if "GET /tracker.js" in line]
    assert [line.rpartition(" ")[2] for line in lines] == ["MISS", "HIT", "HIT"]
    assert packed.text == plain.text == again.text
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert again.headers["cache-control"] == "public, max-age=3600"
    assert again.headers["cross-origin-resource-policy"] == "cross-origin"
    assert not {"set-cookie", "x-request-id"} & set(again.headers)


def test_answers_of_some_length_are_compressed(door: Door) -> None:
    with door.browser() as client:
        assert client.get(f"{API}/schema").headers.get("content-encoding") == "gzip"
