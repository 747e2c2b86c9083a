"""What payers and testers see."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from billing_sandbox.models import PaySession, Switches
from billing_sandbox.views import words
from tests.billing_sandbox.conftest import RETURN_URL, Merchant, expire

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.billing_sandbox.urls")]


def page(checkout_id: str) -> str:
    return f"/billing/pay/{checkout_id}"


def test_the_pay_page_shows_what_is_paid(merchant: Merchant, payer: Client) -> None:
    text = payer.get(page(merchant.opened())).content.decode()
    for shown in (
        "ORD-0123456789",
        "Two mugs",
        "48.90",
        "GBP",
        "open",
        "No real money moves here",
    ):
        assert shown in text
    assert re.search(r"14 min \d+ s", text)


@pytest.mark.parametrize(("action", "status"), [("pay", "success"), ("decline", "failure"), ("leave", "open")])
def test_a_button_acts_and_sends_the_payer_back(merchant: Merchant, payer: Client, action: str, status: str) -> None:
    checkout_id = merchant.opened()
    answer = payer.post(page(checkout_id), {"action": action})
    assert (answer.status_code, answer["Location"]) == (302, RETURN_URL)
    assert PaySession.objects.get().status == status


def test_paying_twice_pays_once_and_goes_back(merchant: Merchant, payer: Client) -> None:
    checkout_id = merchant.opened()
    payer.post(page(checkout_id), {"action": "pay"})
    paid_at = PaySession.objects.get().paid_at
    assert payer.post(page(checkout_id), {"action": "pay"})["Location"] == RETURN_URL
    assert PaySession.objects.get().paid_at == paid_at


def test_paying_too_late_changes_nothing_and_says_so(merchant: Merchant, payer: Client) -> None:
    checkout_id = merchant.opened()
    expire(checkout_id)
    answer = payer.post(page(checkout_id), {"action": "pay"}, follow=True)
    assert answer.redirect_chain == [(page(checkout_id), 302)]
    assert "Time has run out" in answer.content.decode()
    assert PaySession.objects.get().status == "timeout"


def test_paying_after_declining_is_too_late(merchant: Merchant, payer: Client) -> None:
    checkout_id = merchant.opened()
    payer.post(page(checkout_id), {"action": "decline"})
    assert payer.post(page(checkout_id), {"action": "pay"})["Location"] == page(checkout_id)
    assert PaySession.objects.get().status == "failure"


@pytest.mark.parametrize("data", [{}, {"action": ""}, {"action": "PAY"}])
def test_an_unknown_action_is_400_and_changes_nothing(merchant: Merchant, payer: Client, data: Any) -> None:
    assert payer.post(page(merchant.opened()), data).status_code == 400
    assert PaySession.objects.get().status == "open"


@pytest.mark.parametrize(
    ("action", "title"), [("pay", "Paid"), ("decline", "Payment declined"), ("cancel", "Payment cancelled")]
)
def test_a_settled_session_says_so_with_a_link_back(merchant: Merchant, payer: Client, action: str, title: str) -> None:
    checkout_id = merchant.opened()
    if action == "cancel":
        merchant.cancel(checkout_id)
    else:
        payer.post(page(checkout_id), {"action": action})
    text = payer.get(page(checkout_id)).content.decode()
    assert f"<h1>{title}</h1>" in text
    assert f'href="{RETURN_URL}"' in text
    assert "<button" not in text


def test_a_paid_page_says_what_was_given_back(merchant: Merchant, payer: Client) -> None:
    checkout_id = merchant.opened()
    payer.post(page(checkout_id), {"action": "pay"})
    merchant.refund(checkout_id, "8.50")
    assert "8.50 GBP" in payer.get(page(checkout_id)).content.decode()


def test_an_unknown_payment_is_a_404_page(payer: Client) -> None:
    answer = payer.get(page("00000000-0000-4000-8000-000000000000"))
    assert answer.status_code == 404
    assert "No such payment" in answer.content.decode()


def test_what_the_merchant_sent_is_escaped(merchant: Merchant, payer: Client) -> None:
    checkout_id = merchant.opened(reference="<script>", description="<b>")
    for path in (page(checkout_id), "/billing/"):
        text = payer.get(path).content.decode()
        assert "&lt;script&gt;" in text
        assert "<script" not in text


def test_pages_are_not_stored(merchant: Merchant, payer: Client) -> None:
    for path in (page(merchant.opened()), "/billing/"):
        assert "no-store" in payer.get(path)["Cache-Control"]


def test_pages_fetch_nothing_from_outside_and_hold_nothing_inline(merchant: Merchant, payer: Client) -> None:
    for path in (page(merchant.opened()), "/billing/"):
        text = payer.get(path).content.decode()
        assert all(link.startswith("/static/") for link in re.findall(r'(?:src|<link[^>]+href)="([^"]+)"', text))
        assert not re.search(r"<style|<script|style=|\son\w+=", text)


def test_the_index_lists_sessions_newest_first(merchant: Merchant, payer: Client) -> None:
    for reference in ("first", "second"):
        PaySession.objects.filter(pk=merchant.opened(reference=reference)).update(
            created_at="2026-01-01T00:00:00Z" if reference == "first" else "2026-01-02T00:00:00Z"
        )
    text = payer.get("/billing/").content.decode()
    assert text.index(">second<") < text.index(">first<")


def test_the_index_takes_two_queries(
    merchant: Merchant, payer: Client, django_assert_num_queries: Callable[[int], Any]
) -> None:
    for number in range(5):
        merchant.opened(reference=f"ORD-{number}")
    with django_assert_num_queries(2):
        payer.get("/billing/")


def test_the_index_changes_nothing_by_being_read(merchant: Merchant, payer: Client) -> None:
    expire(merchant.opened())
    assert "time has passed" in payer.get("/billing/").content.decode()
    assert PaySession.objects.get().status == "open"


def token(payer: Client) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', payer.get("/billing/").content.decode())
    assert found
    return found[1]


def test_the_switches_are_saved(payer: Client) -> None:
    form = {"webhooks": "drop", "latency_ms": "250", "error_percent": "10", "silent": "on"}
    for _ in range(2):  # the row is made, then changed
        answer = payer.post("/billing/", form | {"csrfmiddlewaretoken": token(payer)}, follow=True)
        assert "Saved." in answer.content.decode()
    saved = Switches.objects.get()
    assert (saved.webhooks, saved.latency_ms, saved.error_percent, saved.silent) == ("drop", 250, 10, True)


def test_a_switch_out_of_range_is_marked(payer: Client) -> None:
    form = {"webhooks": "send", "latency_ms": "30001", "error_percent": "101"}
    answer = payer.post("/billing/", form | {"csrfmiddlewaretoken": token(payer)})
    assert answer.status_code == 400
    assert answer.content.decode().count('aria-invalid="true"') == 2
    assert not Switches.objects.exists()


def test_the_switches_need_the_csrf_token(payer: Client) -> None:
    answer = payer.post("/billing/", {"webhooks": "drop", "latency_ms": "0", "error_percent": "0"})
    assert answer.status_code == 403
    assert not Switches.objects.exists()


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=14, seconds=59), "14 min 59 s"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=1, hours=3, minutes=9), "1 day 3 h"),
        (timedelta(0), "0 s"),
    ],
)
def test_time_left_in_words(left: timedelta, text: str) -> None:
    assert words(left) == text
