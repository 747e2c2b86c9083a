"""One's own account: read and changed; by nobody else."""

from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings

from customers.models import Address, User
from tests.customers.member import OTHER_PASSWORD, Member, logged_in, mails, token_in
from tests.factories import PASSWORD, CustomerFactory, OrderFactory
from tests.world import ADDRESS, Shopper

pytestmark = pytest.mark.django_db
HOME = {"kind": "shipping", "isDefault": True, **ADDRESS}
OFFICE = {"kind": "billing", "isDefault": True, **ADDRESS, "line1": "2 Low Road", "line2": "Door 3", "region": "Kent"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("patch", ""), ("delete", ""), ("get", "/export")],
)
def test_nobody_has_no_account(method: str, path: str) -> None:
    answer = Shopper().call(method, f"/storefront/account{path}", None if method == "get" else {})
    assert (answer.status_code, answer.json()["error"]) == (401, "NOT_AUTHENTICATED")


def test_each_sees_their_own() -> None:
    ada, grace = logged_in(), logged_in("grace@example.com")
    ada.change(phone="123")
    assert grace.account().json()["data"]["phone"] == ""
    assert ada.account().json()["data"]["phone"] == "123"


def test_what_is_sent_is_changed_and_nothing_else() -> None:
    ada = logged_in()
    ada.change(firstName="Ada", lastName="Byron", phone="123")
    data = ada.change(lastName="Lovelace").json()["data"]
    assert (data["firstName"], data["lastName"], data["phone"]) == ("Ada", "Lovelace", "123")


def test_what_is_not_theirs_to_change_is_ignored() -> None:
    ada = logged_in()
    ada.change(customerId="x", totalSpent="1000", status="active", type="guest", isStaff=True)
    assert (ada.customer.total_orders, ada.customer.type) == (0, "registered")


@pytest.mark.parametrize(
    ("field", "value"),
    [("firstName", "x" * 101), ("phone", "1\x00"), ("lastName", "\ud800"), ("email", "no address"),
     ("email", "a" * 250 + "@example.com"), ("addresses", {}), ("addresses", [{}]), ("addresses", "x"),
     ("addresses", [HOME | {"country": "ZZ"}]), ("addresses", [HOME | {"kind": "home"}]), ("addresses", [HOME] * 2),
     ("addresses", [HOME | {"isDefault": False}] * 21), ("addresses", [None]), ("phone", None), ("password", 1)],
)  # fmt: skip
def test_bad_input_is_refused_by_field_and_changes_nothing(field: str, value: Any) -> None:
    ada = logged_in()
    ada.change(addresses=[HOME])
    answer = ada.change(**{"firstName": "Other", field: value, "currentPassword": PASSWORD})
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")
    assert any(name.startswith(field) for name in answer.json()["details"])
    data = ada.account().json()["data"]
    assert (data["firstName"], len(data["addresses"])) == ("", 1)


def test_addresses_are_replaced_as_a_whole_and_come_back_as_they_were() -> None:
    ada = logged_in()
    ada.change(addresses=[HOME, HOME | {"isDefault": False}])
    data = ada.change(addresses=[OFFICE, HOME]).json()["data"]
    assert data["addresses"] == [OFFICE, HOME | {"line2": "", "region": ""}]
    assert Address.objects.count() == 2
    assert ada.change(addresses=[]).json()["data"]["addresses"] == []


# Passwords


def test_a_password_is_changed_by_whoever_knows_it() -> None:
    ada = logged_in()
    assert ada.change(password=OTHER_PASSWORD, currentPassword=PASSWORD).status_code == 200
    assert Member("ada@example.com").log_in(PASSWORD).status_code == 401
    assert Member("ada@example.com").log_in(OTHER_PASSWORD).status_code == 200
    assert "password was changed" in mails()[0].subject


def test_other_browsers_are_logged_out_by_it_and_this_one_is_not() -> None:
    here, there = logged_in(), Member("ada@example.com")
    there.log_in()
    here.change(password=OTHER_PASSWORD, currentPassword=PASSWORD)
    assert (here.account().status_code, there.account().status_code) == (200, 401)


@pytest.mark.parametrize("current", [{}, {"currentPassword": ""}, {"currentPassword": OTHER_PASSWORD}])
@pytest.mark.parametrize(
    "wish", [{"password": OTHER_PASSWORD}, {"email": "new@example.com"}], ids=["password", "email"]
)
def test_an_open_browser_is_not_enough_for_address_or_password(wish: dict[str, str], current: dict[str, str]) -> None:
    ada = logged_in()
    answer = ada.change(phone="123", **wish, **current)
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["currentPassword"])
    data = ada.account().json()["data"]
    assert (data["phone"], data["pendingEmail"], mails()) == ("", None, [])


@pytest.mark.parametrize(("method", "wish"), [("patch", {"email": "new@example.com"}), ("delete", {})])
def test_an_open_browser_may_guess_the_password_five_times_a_minute(
    method: str, wish: dict[str, str], settings: LazySettings
) -> None:
    settings.RATE_LIMIT_ALLOWLIST = []
    ada = logged_in()  # the first of five
    guess = wish | {"currentPassword": "a-wrong-horse-55"}
    assert [ada.call(method, "/storefront/account", guess).status_code for _try in range(5)] == [400] * 4 + [429]


def test_a_weak_new_password_is_refused() -> None:
    answer = logged_in().change(password="12345678", currentPassword=PASSWORD)
    assert list(answer.json()["details"]) == ["password"]


# Resetting


def test_a_forgotten_password_is_set_anew() -> None:
    ada = logged_in()
    ada.ask_for_reset()
    (message,) = mails()
    token = token_in(message)
    assert ada.reset(token).status_code == 200
    assert Member("ada@example.com").log_in(OTHER_PASSWORD).status_code == 200
    assert ada.account().status_code == 401
    assert ada.reset(token, "third-horse-72").status_code == 400


def test_a_weak_password_leaves_the_link_as_it_is() -> None:
    ada = logged_in()
    ada.ask_for_reset()
    token = token_in(mails()[0])
    assert list(ada.reset(token, "short").json()["details"]) == ["password"]
    assert ada.reset(token).status_code == 200


def test_an_account_that_staff_made_is_taken_over_by_its_owner() -> None:
    User.objects.create_user("ada@example.com")
    guest = CustomerFactory.create(email="ada@example.com")
    ada = Member("ada@example.com")
    ada.ask_for_reset()
    assert ada.reset(token_in(mails()[0])).status_code == 200
    assert ada.log_in(OTHER_PASSWORD).status_code == 200
    guest.refresh_from_db()
    assert guest.user is not None


# Another address


def ask_for(ada: Member, email: str) -> str:
    """The token that the new address is sent."""
    assert ada.change(email=email, currentPassword=PASSWORD).status_code == 200
    return token_in(next(message for message in mails() if message.to == [email]))


def test_another_address_holds_after_its_proof() -> None:
    ada = logged_in()
    token = ask_for(ada, "ada@new.example")
    data = ada.account().json()["data"]
    assert (data["email"], data["pendingEmail"]) == ("ada@example.com", "ada@new.example")
    assert ada.verify(token).status_code == 200
    data = ada.account().json()["data"]
    assert (data["email"], data["pendingEmail"]) == ("ada@new.example", None)
    assert Member("ada@new.example").log_in().status_code == 200
    assert Member("ada@example.com").log_in().status_code == 401


def test_the_old_address_is_told_when_it_is_asked_for_and_when_it_holds() -> None:
    ada = logged_in()
    ada.change(email="ada@new.example", currentPassword=PASSWORD)
    told = {message.to[0]: message for message in mails()}
    assert "about to change" in told["ada@example.com"].subject
    assert "#" not in told["ada@example.com"].body
    ada.verify(token_in(told["ada@new.example"]))
    assert [(message.to, "was changed" in message.subject) for message in mails()] == [(["ada@example.com"], True)]


def test_a_second_wish_ends_the_first() -> None:
    ada = logged_in()
    first, second = ask_for(ada, "one@example.com"), ask_for(ada, "two@example.com")
    assert ada.verify(first).status_code == 400
    assert ada.verify(second).status_code == 200


def test_what_guests_of_the_new_address_ordered_comes_along() -> None:
    ada = logged_in()
    mine = OrderFactory.create(customer=ada.customer)
    guest = CustomerFactory.create(email="ADA@new.example", total_orders=1, total_spent=20)
    theirs = OrderFactory.create(customer=guest, paid=True)
    ada.verify(ask_for(ada, "ada@new.example"))
    ada.email = "ada@new.example"
    assert {order.pk for order in ada.customer.orders.all()} == {mine.pk, theirs.pk}
    assert (ada.customer.total_orders, ada.customer.total_spent) == (1, Decimal(20))


def test_the_same_address_is_no_change() -> None:
    ada = logged_in()
    assert ada.change(email="ada@EXAMPLE.com", currentPassword=PASSWORD).json()["data"]["pendingEmail"] is None
    assert mails() == []
