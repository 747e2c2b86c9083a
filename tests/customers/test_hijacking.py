"""An e-mail address is not an identity: the published ways to sit in an account before its owner comes.

Named as in "Pre-hijacked accounts" (Sudhodanan and Paverd, 2022). Mallory never reads Ada's mail.
"""

import pytest

from customers.models import User
from tests.customers.member import OTHER_PASSWORD, Member, logged_in, mails, member, proven, token_in
from tests.factories import PASSWORD, CustomerFactory, OrderFactory

pytestmark = pytest.mark.django_db
ADA = "ada@example.com"
MALLORYS = "mallorys-horse-13"


def mallory_registers() -> str:
    """Mallory was here first, with Ada's address; the token of the link in Ada's mail."""
    Member(ADA).register(MALLORYS)
    return token_in(mails()[0])


def test_classic_merge_the_first_password_is_worth_nothing() -> None:
    mallory_registers()
    ada = proven(ADA, PASSWORD)
    assert Member(ADA).log_in(MALLORYS).status_code == 401
    assert ada.log_in(PASSWORD).status_code == 200


def test_classic_merge_nor_if_mallory_registers_last() -> None:
    ada = Member(ADA)
    ada.register(PASSWORD)
    token = token_in(mails()[0])
    mallory_registers()
    assert ada.verify(token).status_code == 200
    assert Member(ADA).log_in(MALLORYS).status_code == 401


def test_classic_merge_ada_cannot_finish_mallorys_registration_by_accident() -> None:
    token = mallory_registers()
    assert Member(ADA).verify(token, PASSWORD).status_code == 401
    assert not User.objects.exists()


def test_classic_merge_mallorys_link_is_dead_once_ada_has_proven() -> None:
    token = mallory_registers()
    proven(ADA)
    assert Member(ADA).verify(token, MALLORYS).status_code == 400
    assert Member(ADA).log_in(MALLORYS).status_code == 401


def test_unexpired_session_none_is_begun_before_the_proof_and_none_survives_a_reset() -> None:
    mallory = Member(ADA)
    mallory.register(MALLORYS)
    mails()
    assert mallory.account().status_code == 401
    thief = logged_in("grace@example.com")  # who came to know the password
    grace = Member("grace@example.com")
    grace.ask_for_reset()
    assert thief.account().status_code == 200
    assert grace.reset(token_in(mails()[-1])).status_code == 200
    assert thief.account().status_code == 401


def test_trojan_identifier_no_second_way_in_is_kept() -> None:
    """The only identifier is the address; what else was registered with it, names, is gone with the registration."""
    Member(ADA).register(MALLORYS, firstName="Mallory", phone="+1 666")
    mails()
    ada = proven(ADA)
    ada.log_in()
    data = ada.account().json()["data"]
    assert (data["firstName"], data["phone"], data["pendingEmail"]) == ("", "", None)


def test_unexpired_email_change_dies_with_the_password() -> None:
    thief = logged_in(ADA)
    assert thief.change(email="mallory@example.com", currentPassword=PASSWORD).status_code == 200
    token = token_in(next(message for message in mails() if message.to == ["mallory@example.com"]))
    ada = Member(ADA)
    ada.ask_for_reset()
    assert ada.reset(token_in(mails()[0])).status_code == 200
    for password in (PASSWORD, OTHER_PASSWORD):
        assert Member().verify(token, password).status_code == 400
    assert User.objects.get().email == ADA


def test_unexpired_email_change_that_waits_in_the_queue_dies_too() -> None:
    thief = logged_in(ADA)
    thief.change(email="mallory@example.com", currentPassword=PASSWORD)
    thief.change(password=OTHER_PASSWORD, currentPassword=PASSWORD)
    assert "mallory@example.com" not in [message.to[0] for message in mails()]


def test_non_verifying_mallory_cannot_take_adas_address_for_an_account_of_hers() -> None:
    order = OrderFactory.create(customer=CustomerFactory.create(email=ADA))
    mallory = logged_in("mallory@example.com")
    mallory.change(email=ADA, currentPassword=PASSWORD)
    token = token_in(next(message for message in mails() if message.to == [ADA]))
    assert Member(ADA).verify(token, OTHER_PASSWORD).status_code == 401  # Ada follows the link
    assert mallory.order_numbers() == []
    order.refresh_from_db()
    assert order.customer.email == ADA


def test_non_verifying_an_unproven_address_keeps_nobody_out() -> None:
    mallory = logged_in("mallory@example.com")
    mallory.change(email=ADA, currentPassword=PASSWORD)
    token = token_in(next(message for message in mails() if message.to == [ADA]))
    proven(ADA)
    assert mallory.verify(token, PASSWORD).status_code == 400
    assert {user.email for user in User.objects.all()} == {ADA, "mallory@example.com"}


def test_a_history_is_not_claimed_by_guessing_an_address() -> None:
    OrderFactory.create(customer=CustomerFactory.create(email=ADA))
    mallory = logged_in("mallory@example.com")
    Member(ADA).register(MALLORYS)
    mails()
    assert Member(ADA).log_in(MALLORYS).status_code == 401
    assert mallory.order_numbers() == []


def test_the_control_ada_herself_gets_in_by_each_of_these_ways() -> None:
    """A refusal of everything would pass the tests above."""
    order = OrderFactory.create(customer=CustomerFactory.create(email="new@example.com"))
    ada = member(ADA)
    ada.log_in()
    ada.change(email="new@example.com", currentPassword=PASSWORD)
    token = token_in(next(message for message in mails() if message.to == ["new@example.com"]))
    assert ada.verify(token, PASSWORD).status_code == 200
    order.refresh_from_db()
    assert order.customer.email == "new@example.com"
    assert order.customer.user == User.objects.get()
