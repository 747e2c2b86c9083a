"""Registering, proving the address, and what the account finds there."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail as django_mail
from django.utils import timezone

from customers.models import Customer, Registration, User
from customers.services import forget_unproven
from tests.customers.member import OTHER_PASSWORD, Member, account, mails, member, proven, token_in
from tests.factories import PASSWORD, CustomerFactory, OrderFactory
from tests.world import together

pytestmark = pytest.mark.django_db
ADA = "ada@example.com"


def test_who_registers_and_proves_the_address_can_log_in() -> None:
    ada = proven(ADA)
    answer = ada.log_in()
    assert answer.status_code == 200
    assert answer.json()["data"]["email"] == ADA
    assert ada.customer.type == Customer.Type.REGISTERED


def test_who_registers_was_here_then_and_not_when_the_mail_was_opened() -> None:
    ada = Member(ADA)
    ada.register()
    begun = Registration.objects.get().created_at
    with time_machine.travel(begun + timedelta(hours=20)):
        ada.verify(token_in(mails()[0]))
    assert ada.customer.first_visit_at == begun


def test_nobody_is_logged_in_by_registering_or_proving() -> None:
    assert proven(ADA).account().status_code == 401


def test_an_account_cannot_be_used_before_its_address_is_proven() -> None:
    ada = Member(ADA)
    ada.register()
    mails()
    assert ada.log_in().status_code == 401
    assert not User.objects.exists()
    assert not ada.client.login(username=ADA, password=PASSWORD)


def test_names_are_taken_over() -> None:
    ada = Member(ADA)
    ada.register(firstName="Ada", lastName="Byron")
    ada.verify(token_in(mails()[0]))
    assert (ada.customer.first_name, ada.customer.last_name) == ("Ada", "Byron")


def test_the_address_is_kept_in_one_spelling_and_found_in_any() -> None:
    proven("  Ada@EXAMPLE.com ")
    assert User.objects.get().email == "Ada@example.com"
    assert Member("aDA@Example.COM").log_in().status_code == 200


def test_a_link_works_once() -> None:
    ada = Member(ADA)
    ada.register()
    token = token_in(mails()[0])
    assert ada.verify(token).status_code == 200
    answer = ada.verify(token)
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")
    assert "token" in answer.json()["details"]


def test_a_link_works_for_three_days() -> None:
    ada = Member(ADA)
    ada.register()
    token = token_in(mails()[0])
    Registration.objects.update(created_at=timezone.now() - timedelta(days=3, seconds=1))
    assert ada.verify(token).status_code == 400


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\u202e", "é:é:é", "x" * 1000, "x" * 1001])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert Member(ADA).verify(token).status_code == 400


def test_a_token_of_another_purpose_is_refused() -> None:
    ada = member(ADA)
    ada.ask_for_reset()
    assert ada.verify(token_in(mails()[0])).status_code == 400


def test_without_the_password_that_was_registered_nothing_is_proven() -> None:
    ada = Member(ADA)
    ada.register()
    answer = ada.verify(token_in(mails()[0]), OTHER_PASSWORD)
    assert (answer.status_code, answer.json()["error"]) == (401, "INVALID_CREDENTIALS")
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["short", "password123", "ada@example.com", "12345678"])
def test_a_weak_password_is_refused(password: str) -> None:
    answer = Member(ADA).register(password)
    assert answer.status_code == 400
    assert answer.json()["details"]["password"]
    assert not Registration.objects.exists()


def test_spaces_belong_to_a_password() -> None:
    ada = proven(ADA, "  a horse of spaces  ")
    assert ada.log_in("a horse of spaces").status_code == 401
    assert ada.log_in("  a horse of spaces  ").status_code == 200


@pytest.mark.parametrize("letters", [64, 256])
def test_a_long_password_is_taken_whole(letters: int) -> None:
    password = "a horse " * (letters // 8)
    ada = proven(ADA, password)
    assert ada.log_in(password[:-1]).status_code == 401
    assert ada.log_in(password).status_code == 200


def test_a_mail_to_an_unproven_address_has_nothing_in_it_that_the_sender_wrote() -> None:
    Member("victim@example.com").register(firstName="http://evil.example/", lastName="Prize")
    (message,) = mails()
    assert "evil" not in message.body + message.alternatives[0].content + message.subject


def test_who_has_an_account_is_told_so_and_helped_back_in() -> None:
    ada = member(ADA)
    ada.register(OTHER_PASSWORD)
    (message,) = mails()
    assert message.to == [ADA]
    assert "account already" in message.subject
    assert ada.log_in().status_code == 200
    assert ada.reset(token_in(message), "third-horse-72").status_code == 400  # the login has overtaken it


@pytest.mark.parametrize("fields", [{"is_staff": True}, {"is_active": False}], ids=["staff", "inactive"])
def test_those_who_cannot_log_in_here_get_no_mail(fields: dict[str, bool]) -> None:
    account(ADA, **fields)
    ada = Member(ADA)
    assert (ada.register().status_code, ada.ask_for_reset().status_code) == (202, 202)
    assert mails() == []


def test_registering_finds_the_guests_history_after_the_proof() -> None:
    guest = CustomerFactory.create(email="Ada@example.com", first_name="A.", phone="123")
    order = OrderFactory.create(customer=guest)
    ada = Member(ADA)
    ada.register(firstName="Ada")
    token = token_in(mails()[0])
    guest.refresh_from_db()
    assert (guest.user, guest.type) == (None, "guest")
    ada.verify(token)
    guest.refresh_from_db()
    assert (guest.type, guest.first_name, guest.phone, guest.email) == ("registered", "Ada", "123", ADA)
    ada.log_in()
    assert order.customer_id == guest.pk == ada.customer.pk


def test_two_proofs_at_once_open_one_account(transactional_db: None, crowd: None) -> None:
    first, second = Member(ADA), Member("ADA@example.com")
    tokens = []
    for someone in (first, second):
        someone.register()
        tokens.append(token_in(mails()[0]))
    answers = together(8, lambda place: Member(ADA).verify(tokens[place % 2]).status_code)
    assert sorted(answers) == [200] + [400] * 7
    assert (User.objects.count(), Customer.objects.count(), Registration.objects.count()) == (1, 1, 0)


def test_registrations_that_nobody_confirms_are_forgotten() -> None:
    Member(ADA).register()
    assert forget_unproven(now=timezone.now() + timedelta(days=3)) == 0
    assert forget_unproven(now=timezone.now() + timedelta(days=4)) == 1


def test_the_mail_is_in_the_language_of_whoever_registers() -> None:
    Member(ADA, **{"accept-language": "vi"}).register()
    assert 'lang="vi"' in mails()[0].alternatives[0].content


def test_an_address_gets_five_such_mails_an_hour() -> None:
    for _time in range(7):
        Member(ADA).ask_for_reset()
        Member(ADA).register()
    mails()
    assert len(mails()) + len(django_mail.outbox) == 5
