"""Tokens for staff's own programs: what they open, and what ends them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from core.clock import now
from customers.models import ApiToken, User
from customers.services import TokenLifeError, create_token, revoke_token
from tests.analytics.staff import logged_in, member
from tests.factories import NOW

pytestmark = pytest.mark.django_db
SCOPE = "analytics.view_dailymetrics"
STATS = "/api/v1/analytics/metrics"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def owner() -> User:
    return member(SCOPE)


def made(user: User, *scopes: str, days: int = 30) -> tuple[ApiToken, str]:
    return create_token(user=user, name="sheet", scopes=scopes, expires_at=now() + timedelta(days=days), now=now())


def asked(text: str, scheme: str = "Bearer") -> Any:
    return Client().get(STATS, headers={"authorization": f"{scheme} {text}"})


def test_a_token_opens_what_it_is_for(owner: User) -> None:
    assert asked(made(owner, SCOPE)[1]).status_code == 200


def test_a_token_that_is_for_something_else_is_refused(owner: User) -> None:
    response = asked(made(owner)[1])
    assert (response.status_code, response.json()["error"]) == (403, "FORBIDDEN")


def test_a_token_opens_nothing_that_its_owner_may_not_see() -> None:
    assert asked(made(member(), SCOPE)[1]).status_code == 403


def test_of_a_token_its_hash_alone_is_kept(owner: User) -> None:
    token, text = made(owner, SCOPE)
    assert text not in str(ApiToken.objects.values().get())
    assert (text.startswith(token.begins), len(text)) == (True, 46)


@pytest.mark.parametrize("text", ["", "ff_", "ff_unknown", "é", "a b"])
def test_a_token_that_is_none_is_refused(text: str) -> None:
    response = asked(text)
    assert (response.status_code, response.json()["error"]) == (401, "INVALID_CREDENTIALS")


def test_a_token_ends_with_its_time(owner: User, clock: time_machine.Traveller) -> None:
    text = made(owner, SCOPE, days=1)[1]
    clock.move_to(NOW + timedelta(days=1))
    assert asked(text).status_code == 401


def test_a_revoked_token_lets_nobody_in(owner: User) -> None:
    token, text = made(owner, SCOPE)
    revoke_token(token=token, now=now())
    assert asked(text).status_code == 401


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_a_token_ends_with_its_owners_employment(owner: User, change: dict[str, bool]) -> None:
    text = made(owner, SCOPE)[1]
    User.objects.filter(pk=owner.pk).update(**change)
    assert asked(text).status_code == 401


def test_another_scheme_is_somebody_elses(owner: User) -> None:
    response = asked(made(owner, SCOPE)[1], scheme="Basic")
    assert (response.status_code, response.json()["error"]) == (401, "NOT_AUTHENTICATED")


def test_its_last_use_is_known_to_the_minute(owner: User, clock: time_machine.Traveller) -> None:
    token, text = made(owner, SCOPE)
    for seconds, used in ((0, NOW), (59, NOW), (61, NOW + timedelta(seconds=61))):
        clock.move_to(NOW + timedelta(seconds=seconds))
        asked(text)
        token.refresh_from_db()
        assert token.last_used_at == used


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_token_lives_a_year_at_most(owner: User, days: int) -> None:
    with pytest.raises(TokenLifeError):
        made(owner, SCOPE, days=days)


PAGE = "/admin/customers/apitoken/"
ASKED = {"_form_submitted": "True"}


def person(*names: str) -> User:
    return member(SCOPE, *(f"customers.{name}_apitoken" for name in names))


def test_a_new_token_is_shown_once_and_works() -> None:
    browser = logged_in(person("add", "view"))
    form = {"name": "sheet", "scopes": [SCOPE], "last_day": str(NOW.date() + timedelta(days=9))}
    page = browser.post(f"{PAGE}add/", form, follow=True).content.decode()
    text = page.partition("<code>")[2].partition("</code>")[0]
    assert asked(text).status_code == 200
    assert text not in browser.get(PAGE).content.decode()
    assert ApiToken.objects.get().expires_at.date() == NOW.date() + timedelta(days=10)


@pytest.mark.parametrize("days", [-1, 366])
def test_a_last_day_that_is_too_far_is_refused_beside_its_field(days: int) -> None:
    form = {"name": "sheet", "scopes": [SCOPE], "last_day": str(NOW.date() + timedelta(days=days))}
    page = logged_in(person("add", "view")).post(f"{PAGE}add/", form)
    assert (page.status_code, ApiToken.objects.exists()) == (200, False)
    assert "From today to" in page.content.decode()


def test_everybody_sees_their_own_tokens(owner: User) -> None:
    other = made(owner, SCOPE)[0]
    colleague = person("view", "change")
    own = made(colleague, SCOPE)[0]
    browser = logged_in(colleague)
    page = browser.get(PAGE).content.decode()
    assert (str(own.pk) in page, str(other.pk) in page) == (True, False)
    assert browser.get(f"{PAGE}{other.pk}/change/").status_code == 302


def test_a_token_is_revoked_by_its_owner_and_by_nobody_else(owner: User) -> None:
    token = made(owner, SCOPE)[0]
    colleague = person("view", "change")
    own = made(colleague, SCOPE)[0]
    browser = logged_in(colleague)
    assert browser.post(f"{PAGE}{token.pk}/revoke/", ASKED).status_code == 403
    browser.post(f"{PAGE}{own.pk}/revoke/", ASKED)
    token.refresh_from_db()
    own.refresh_from_db()
    assert (token.revoked_at, own.revoked_at) == (None, NOW)


def test_a_token_is_renamed_and_nothing_else_of_it_changes() -> None:
    colleague = person("view", "change")
    token = made(colleague, SCOPE)[0]
    before = ApiToken.objects.values().get()
    logged_in(colleague).post(f"{PAGE}{token.pk}/change/", {"name": "report", "scopes": [], "begins": "x"})
    assert ApiToken.objects.values().get() == before | {"name": "report"}
