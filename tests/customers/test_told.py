"""Whose way in becomes another one is told so by mail, whoever changed it and where: it may not have been them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from customers.letters import OF_SECOND_FACTORS, FactorChange
from customers.models import EmailChange, User
from tests.config.admin_rows import filled
from tests.customers.member import OTHER_PASSWORD, account, mails, member
from tests.customers.staff import BOSS, OWN_PASSWORD, Person, boss, careful_boss, code_of
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
MEMBER = "mai@example.com"
Told = tuple[str, str]
"""To whom, and of what."""


@pytest.fixture
def other() -> Person:
    """A superuser, logged in, to whom none of this happens."""
    person = Person(UserFactory.create(email="other@example.com", is_staff=True, is_superuser=True))
    person.log_in()
    assert person.is_in
    return person


def told() -> list[Told]:
    return [(message.to[0], message.subject) for message in mails()]


def careful() -> Person:
    """A superuser with a second factor, logged in; what was told of that is sent."""
    person, _codes = careful_boss()
    person.log_in()
    person.show(person.code(-1))
    assert person.is_in
    mails()
    return person


def set_up(_other: Person) -> None:
    person = boss()
    person.log_in()
    key = person.client.get("/admin/second-factor/").context["key"].replace(" ", "")
    person.do("enrol", code=code_of(key))


def renew(_other: Person) -> None:
    person = careful()
    person.do("renew", code=person.code())


def switch_off(_other: Person) -> None:
    person = careful()
    person.do("off", password=PASSWORD, code=person.code())


def reset(other: Person) -> None:
    person = careful()
    other.client.post(f"/admin/customers/user/{person.user.pk}/reset_factor/", {"_form_submitted": "True"})


def reset_by_command(_other: Person) -> None:
    call_command("reset_second_factor", careful().user.email)


OF_FACTORS: dict[Callable[[Person], None], FactorChange] = {
    set_up: FactorChange.SET_UP,
    renew: FactorChange.RENEWED,
    switch_off: FactorChange.SWITCHED_OFF,
    reset: FactorChange.RESET,
    reset_by_command: FactorChange.RESET,
}


def test_every_change_of_a_second_factor_is_looked_at() -> None:
    assert set(OF_FACTORS.values()) == set(FactorChange) == OF_SECOND_FACTORS.keys()


@pytest.mark.parametrize("change", OF_FACTORS)
def test_who_has_a_second_factor_hears_what_happens_to_it(change: Callable[[Person], None], other: Person) -> None:
    change(other)
    assert told() == [(BOSS, OF_SECOND_FACTORS[OF_FACTORS[change]][0])]


def test_what_is_refused_is_told_to_nobody() -> None:
    person = careful()
    person.do("off", password=PASSWORD, code="000000")
    assert told() == []


def test_what_is_taken_back_is_told_to_nobody() -> None:
    person = careful()
    with transaction.atomic():
        call_command("reset_second_factor", person.user.email)
        transaction.set_rollback(True)
    assert told() == []


def form(password: str) -> dict[str, str]:
    return {"password1": password, "password2": password, "usable_password": "true"}


def set_by(other: Person, user: User, **more: str) -> Any:
    """Another password, or none, by a superuser."""
    sent = form(OTHER_PASSWORD) | {"set-password": "1"} | more
    return other.client.post(f"/admin/customers/user/{user.pk}/password/", sent)


def test_staff_hear_of_their_own_new_password() -> None:
    person = boss()
    person.log_in()
    new = {"new_password1": OTHER_PASSWORD, "new_password2": OTHER_PASSWORD}
    person.client.post(OWN_PASSWORD, {"old_password": PASSWORD} | new)
    (message,) = mails()
    assert (message.to, message.subject) == ([BOSS], "Your password was changed")
    assert "tell a superuser" in message.body
    assert person.is_in


@pytest.mark.parametrize("is_staff", [True, False])
def test_whoever_is_given_another_password_hears_of_it(is_staff: bool, other: Person) -> None:
    user = account(MEMBER, is_staff=is_staff)
    assert set_by(other, user).status_code == 302
    (message,) = mails()
    assert (message.to, message.subject) == ([MEMBER], "Your password was changed")
    assert ("tell a superuser" in message.body) == is_staff


def test_whoever_is_left_without_a_password_hears_of_it(other: Person) -> None:
    user = account(MEMBER)
    set_by(other, user, **{"usable_password": "false", "unset-password": "1"})
    user.refresh_from_db()
    assert not user.has_usable_password()
    assert told() == [(MEMBER, "Your password was changed")]


def test_a_password_that_staff_set_ends_what_was_begun_with_the_old_one(other: Person) -> None:
    mallory = member(MEMBER)
    mallory.log_in()
    mallory.change(email="mallory@example.com", currentPassword=PASSWORD)
    assert EmailChange.objects.exists()
    set_by(other, User.objects.get(email=MEMBER))
    assert not EmailChange.objects.exists()


def test_the_old_address_of_staff_hears_of_a_new_one(other: Person) -> None:
    user = UserFactory.create(email=MEMBER, is_staff=True)
    page = f"/admin/customers/user/{user.pk}/change/"
    assert other.client.post(page, filled(other.client.get(page), email="mallory@example.com")).status_code == 302
    assert told() == [(MEMBER, "Your e-mail address was changed")]


def test_control_what_changes_no_way_in_is_told_to_nobody(other: Person) -> None:
    user = UserFactory.create(email=MEMBER, is_staff=True)
    page = f"/admin/customers/user/{user.pk}/change/"
    assert other.client.post(page, filled(other.client.get(page), first_name="Mai")).status_code == 302
    assert told() == []
