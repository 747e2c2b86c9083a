"""Logging in and out: the session, the visit, foreign pages, and who may not."""

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError

from core import redis as core_redis
from customers.models import Customer, User
from customers.services import set_status
from sessions_app import services as visits
from sessions_app.ingest import flush
from sessions_app.models import SessionEvent, VisitorSession
from tests.customers.member import Member, logged_in, member
from tests.factories import PASSWORD, UserFactory
from tests.world import Shopper

pytestmark = pytest.mark.django_db
SHOP = "https://shop.example.com"


def test_login_answers_with_the_account_and_a_csrf_token() -> None:
    data = member().log_in().json()["data"]
    assert (data["email"], data["addresses"], data["pendingEmail"]) == ("ada@example.com", [], None)
    assert len(data["csrfToken"]) == 64


def test_a_wrong_password_is_refused() -> None:
    answer = member().log_in("a-wrong-horse-55")
    assert (answer.status_code, answer.json()["error"]) == (401, "INVALID_CREDENTIALS")
    assert "footfall_login" not in answer.cookies


@pytest.mark.parametrize("body", [{}, {"email": "ada"}, {"email": "ada@example.com"}, {"email": 1, "password": []}, []])
def test_what_is_no_login_is_refused_by_field(body: Any) -> None:
    answer = Shopper().post("/storefront/auth/login", body)
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")
    assert answer.json()["details"]


@pytest.mark.parametrize("letter", ["\x00", "\ud800"], ids=["null byte", "half a letter"])
@pytest.mark.parametrize("name", ["email", "password"])
def test_letters_that_cannot_be_stored_are_refused(name: str, letter: str) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    assert Shopper().post("/storefront/auth/login", body | {name: body[name] + letter}).status_code in (400, 401)


def test_the_sessions_key_is_another_after_the_login() -> None:
    """A key that somebody planted before is worth nothing."""
    session = SessionStore()
    session.create()
    planted = str(session.session_key)
    ada = member()
    ada.client.cookies["footfall_login"] = planted
    ada.log_in()
    assert ada.client.cookies["footfall_login"].value != planted
    assert not SessionStore().exists(planted)


def test_another_login_in_the_same_browser_is_another_account() -> None:
    ada = logged_in()
    grace = member("grace@example.com")
    grace.client = ada.client
    grace.log_in()
    assert grace.account().json()["data"]["email"] == "grace@example.com"


def test_logout_ends_login_and_visit() -> None:
    ada = logged_in()
    visit = ada.visit()
    assert ada.post("/storefront/auth/logout").status_code == 200
    assert ada.account().status_code == 401
    assert ada.visit()["sessionId"] != visit["sessionId"]


def test_logout_of_nobody_is_harmless() -> None:
    assert Shopper().post("/storefront/auth/logout").status_code == 200


def test_staff_are_nobody_to_the_shop() -> None:
    staff = Member("staff@example.com")
    staff.client.force_login(UserFactory.create(email="staff@example.com", is_staff=True))
    assert staff.account().status_code == 401
    assert staff.log_in().status_code == 401


def test_who_is_blocked_is_out_at_once() -> None:
    ada = logged_in()
    set_status(customer=ada.customer, status=Customer.Status.BLOCKED)
    assert ada.account().status_code == 401
    assert ada.log_in().status_code == 401
    set_status(customer=ada.customer, status=Customer.Status.ACTIVE)
    assert ada.log_in().status_code == 200


def test_who_is_blocked_by_the_row_alone_is_out_too() -> None:
    ada = logged_in()
    Customer.objects.update(status=Customer.Status.BLOCKED)
    assert (ada.account().status_code, ada.log_in().status_code) == (401, 401)


def test_answers_about_accounts_are_kept_by_nobody() -> None:
    ada = logged_in()
    answers = [ada.account(), ada.log_in(), ada.log_in("wrong"), ada.get("/storefront/account/export")]
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}


# The visit


@pytest.mark.django_db(transaction=True)
def test_the_visit_becomes_the_customers_and_ends_with_the_logout() -> None:
    ada = member()
    before = ada.visit()
    ada.log_in()
    visit = ada.visit()
    assert (before["type"], before["customerId"]) == ("ANONYMOUS", None)
    assert (visit["type"], visit["customerId"]) == ("CUSTOMER", str(ada.customer.id))
    assert visit["sessionId"] == before["sessionId"]
    ada.post("/storefront/auth/logout")
    after = ada.visit()
    assert (after["type"], after["customerId"]) == ("ANONYMOUS", None)
    flush(consumer="test")
    assert SessionEvent.objects.filter(event_type="customer_login").count() == 1


@pytest.mark.django_db(transaction=True)
def test_another_customers_login_begins_another_visit() -> None:
    ada = logged_in()
    first = ada.visit()
    grace = member("grace@example.com")
    grace.client = ada.client
    assert grace.log_in().status_code == 200
    second = grace.visit()
    assert second["sessionId"] != first["sessionId"]
    assert second["customerId"] == str(grace.customer.id)


@pytest.mark.django_db(transaction=True)
def test_a_new_visit_of_somebody_still_logged_in_is_the_customers_too() -> None:
    ada = logged_in()
    ada.post("/storefront/session/clear")
    assert ada.visit()["type"] == "ANONYMOUS"
    ada.account()
    assert ada.visit()["customerId"] == str(ada.customer.id)


@pytest.mark.django_db(transaction=True)
def test_with_redis_away_one_logs_in_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = member()
    ada.visit()
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    assert ada.log_in().status_code == 200
    assert VisitorSession.objects.get().customer_id == ada.customer.id


@pytest.mark.parametrize("error", [OperationalError("away"), core_redis.RedisAwayError()], ids=["PostgreSQL", "Redis"])
def test_a_visit_that_cannot_be_converted_fails_no_login(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args: Any, **_more: Any) -> None:
        raise error

    monkeypatch.setattr(visits, "log_in", fail)
    ada = member()
    assert ada.log_in().status_code == 200
    assert ada.account().status_code == 200
    assert "could not be made the customer's" in caplog.text


# Pages of other origins


@pytest.fixture
def another_origin(settings: LazySettings) -> None:
    """The shop's pages come from another origin of the same site."""
    settings.CORS_ALLOWED_ORIGINS = [SHOP]


@pytest.mark.parametrize(
    "path", ["login", "logout", "register", "password/reset", "password/reset/confirm", "verify-email"]
)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example", ""])
def test_a_foreign_page_logs_nobody_in_or_out(another_origin: None, path: str, origin: str) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD, "token": "x"}
    answer = member().post(f"/storefront/auth/{path}", body, Origin=origin)
    assert (answer.status_code, answer.json()["error"]) == (403, "CSRF_FAILED")
    assert not answer.cookies.get("footfall_login")


@pytest.mark.parametrize("origin", [SHOP, "http://testserver"])
def test_pages_of_the_shop_log_in_and_change_with_the_token(another_origin: None, origin: str) -> None:
    ada = member()
    assert ada.log_in(Origin=origin).status_code == 200
    body = {"phone": "123"}
    assert ada.call("patch", "/storefront/account", body, Origin=origin).status_code == 200


def test_what_is_no_browser_logs_in_without_an_origin() -> None:
    assert member().log_in().status_code == 200


def test_a_form_of_a_foreign_page_is_no_login() -> None:
    """Such forms send no JSON, and what they do send is not read."""
    ada = member()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = ada.client.post(
            "/api/v1/storefront/auth/login",
            data=json.dumps({"email": ada.email, "password": PASSWORD}),
            content_type=content_type,
        )
        assert answer.status_code == 415


@pytest.mark.parametrize(
    ("method", "path"),
    [("patch", "/storefront/account"), ("delete", "/storefront/account"), ("post", "/storefront/auth/logout"),
     ("post", "/checkout/initiate")],
)  # fmt: skip
def test_whoever_is_logged_in_shows_the_token_with_each_change(method: str, path: str) -> None:
    ada = logged_in()
    token, ada.csrf = ada.csrf, ""
    assert ada.call(method, path, {}).json()["error"] == "CSRF_FAILED"
    ada.csrf = token[::-1]
    assert ada.call(method, path, {}).json()["error"] == "CSRF_FAILED"


def test_the_token_does_not_help_a_foreign_page(another_origin: None) -> None:
    ada = logged_in()
    answer = ada.call("patch", "/storefront/account", {"phone": "1"}, Origin="https://evil.example")
    assert (answer.status_code, answer.json()["error"]) == (403, "CSRF_FAILED")


def test_the_shops_origin_is_none_of_the_admins(another_origin: None) -> None:
    """A hole in the shop's pages is none in the admin."""
    staff = Member("staff@example.com")
    staff.client.force_login(UserFactory.create(email="staff@example.com", is_staff=True, is_superuser=True))
    page = staff.client.get("/admin/customers/user/add/")
    token = page.context["csrf_token"]
    fields = {"csrfmiddlewaretoken": str(token)}
    allowed = staff.client.post("/admin/customers/user/add/", fields, headers={"Origin": "http://testserver"})
    refused = staff.client.post("/admin/customers/user/add/", fields, headers={"Origin": SHOP})
    assert (allowed.status_code, refused.status_code) == (200, 403)


def test_an_account_is_tried_five_times_a_minute(settings: LazySettings) -> None:
    settings.RATE_LIMIT_ALLOWLIST = []
    member()
    answers = [Member("ada@example.com").log_in("a-wrong-horse-55").status_code for _try in range(6)]
    assert answers == [401] * 5 + [429]


@pytest.mark.parametrize("written", ["IDA@example.com", " ida@EXAMPLE.com"])
def test_an_address_that_finds_the_account_counts_as_its_own(written: str, settings: LazySettings) -> None:
    settings.RATE_LIMIT_ALLOWLIST = []
    found = member("ida@example.com")
    for _try in range(5):
        found.log_in("a-wrong-horse-55")
    assert User.objects.with_email(written.strip()).exists()
    assert Member(written).log_in("a-wrong-horse-55").status_code == 429


def test_logins_are_logged_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    ada = member()
    ada.log_in("a-wrong-horse-55"), ada.log_in()
    said = [record.getMessage() for record in caplog.records]
    assert "Unauthorized: /api/v1/storefront/auth/login" in said
    assert f"customer {ada.customer.pk} logged in" in said
    assert ada.email not in caplog.text
