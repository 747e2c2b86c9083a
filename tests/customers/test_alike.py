"""Known and unknown addresses are answered alike: body, status, headers, statements and hashes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.clock import now
from customers.models import Customer
from customers.services import set_status
from sessions_app.months import ensure_months
from tests.customers.member import Member, account, logged_in, mails
from tests.factories import PASSWORD, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
VALUES = re.compile(r"'[^']*'|\b\d+\b|savepoint\s\S+|\"s\d+_\w+\"", re.IGNORECASE)
WRONG = "a-wrong-horse-55"


@pytest.fixture(autouse=True)
def _month_is_known(db: None) -> None:
    """Whoever is the first of a process to have a visit stored asks for its month, whatever the address."""
    ensure_months([now()])


def nobody() -> str:
    return "nobody@example.com"


def known() -> str:
    account("known@example.com")
    return "known@example.com"


def unproven() -> str:
    Member("unproven@example.com").register()
    return "unproven@example.com"


def guest() -> str:
    CustomerFactory.create(email="guest@example.com")
    return "guest@example.com"


def blocked() -> str:
    user = account("blocked@example.com")
    set_status(customer=user.customer, status=Customer.Status.BLOCKED)
    return "blocked@example.com"


def staff() -> str:
    UserFactory.create(email="staff@example.com", is_staff=True)
    return "staff@example.com"


def without_password() -> str:
    user = account("without@example.com")
    user.set_unusable_password()
    user.save()
    return "without@example.com"


def register(member: Member) -> Any:
    return member.register()


def wrong_login(member: Member) -> Any:
    return member.log_in(WRONG)


def right_login(member: Member) -> Any:
    return member.log_in(PASSWORD)


def ask_for_reset(member: Member) -> Any:
    return member.ask_for_reset()


def count_calls(kind: type, name: str, calls: list[str], patch: pytest.MonkeyPatch) -> None:
    """Notes each call of a method, which works as ever."""
    original = getattr(kind, name)

    def counted(*args: Any, **more: Any) -> Any:
        calls.append(name)
        return original(*args, **more)

    patch.setattr(kind, name, counted)


def seen(ask: Callable[[Member], Any], email: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """All that whoever asks can see or measure: the answer, what was asked of the database, and how many hashes."""
    hashes: list[str] = []
    with monkeypatch.context() as counting:
        for name in ("encode", "verify"):
            count_calls(Argon2PasswordHasher, name, hashes, counting)
        member = Member(email, **{"x-request-id": "the-same-id"})
        member.visit()
        with CaptureQueriesContext(connection) as captured:
            answer = ask(member)
    headers = {name: value for name, value in answer.headers.items() if "ratelimit" not in name.lower()}
    return {
        "status": answer.status_code,
        "body": answer.json(),
        "headers": headers,
        "cookies": set(answer.cookies),
        "statements": [VALUES.sub("?", query["sql"]) for query in captured],
        "hashes": len(hashes),
    }


WHO = [known, unproven, guest, blocked, staff, without_password]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("ask", [register, wrong_login, ask_for_reset])
def test_an_address_is_answered_like_one_that_nobody_has(
    ask: Callable[[Member], Any], who: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    email = who()
    unknown = seen(ask, nobody(), monkeypatch)
    assert seen(ask, email, monkeypatch) == unknown
    assert unknown["hashes"] == (0 if ask is ask_for_reset else 1)


@pytest.mark.parametrize("who", [unproven, blocked, staff])
def test_the_right_password_of_who_may_not_log_in_is_answered_like_a_wrong_one(
    who: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    email = who()
    assert seen(right_login, email, monkeypatch) == seen(wrong_login, nobody(), monkeypatch)


def test_the_control_a_login_that_works_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(right_login, known(), monkeypatch)
    assert found["status"] == 200
    assert found != seen(wrong_login, nobody(), monkeypatch)


def test_asking_for_a_taken_address_is_answered_like_for_a_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    known()
    grace = logged_in("grace@example.com")
    answers = []
    for wish in ("known@example.com", "free@example.com"):
        with CaptureQueriesContext(connection) as captured:
            answer = grace.change(email=wish, currentPassword=PASSWORD)
        answers.append((answer.status_code, answer.json()["message"], len(captured)))
        assert answer.json()["data"]["pendingEmail"] == wish
        grace.change(password=PASSWORD, currentPassword=PASSWORD)  # ends the change
    assert answers[0] == answers[1]


def test_a_mail_goes_to_the_account_and_not_to_who_looks_like_it() -> None:
    """Two addresses that the database holds for one: the mail goes to the one that is in the account."""
    account("ada@example.com")
    Member("ADA@example.com").ask_for_reset()
    assert [message.to for message in mails()] == [["ada@example.com"]]


@pytest.mark.parametrize("model", ["customers_user", "customers_customer", "customers_registration", "core_mail"])
def test_addresses_are_found_by_an_index(model: str) -> None:
    column = "recipient" if model == "core_mail" else "email"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN SELECT * FROM {model} WHERE lower({column}) = lower('ada@example.com')")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Cond" in plan, plan
