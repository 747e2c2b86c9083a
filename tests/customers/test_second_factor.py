"""The second factor of staff: set up, asked for once the password is right, used up, taken away."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from core import personal_data
from core.clock import now
from customers.models import RecoveryCode, SecondFactor, User
from customers.sealing import SealBrokenError, seal, unseal
from customers.selectors import subject_with_email
from customers.services import (
    SecondFactorStateError,
    WrongCodeError,
    check_code,
    enrol,
    reset_second_factor,
    second_factor,
)
from customers.services.second_factor import STEP_SECONDS, new_secret, step_of
from tests.analytics.staff import member
from tests.core.limited import limit
from tests.customers.staff import (
    BOSS,
    CODE,
    ENROL,
    HERE,
    LOGIN,
    MINE,
    Person,
    boss,
    browser,
    careful_boss,
    code_of,
    told,
)
from tests.factories import NOW, PASSWORD, UserFactory
from tests.world import together

pytestmark = pytest.mark.django_db
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def person() -> Person:
    """A superuser with a second factor."""
    return careful_boss()[0]


def is_taken(person: Person, code: str) -> bool:
    """Whether the code is right, asked by the service."""
    try:
        check_code(user=person.user, code=code, origin=HERE, now=now())
    except WrongCodeError:
        return False
    return True


# Codes


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert step_of(RFC_SECRET, code, after=-1, now=at) == seconds // STEP_SECONDS


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_one_half_minute(person: Person, steps: int, right: bool) -> None:
    assert is_taken(person, person.code(steps)) is right


def test_a_code_is_taken_once(person: Person) -> None:
    code = person.code()
    assert [is_taken(person, code) for _try in range(2)] == [True, False]


def test_and_none_of_before_it_afterwards(person: Person) -> None:
    assert [is_taken(person, person.code(steps)) for steps in (0, -1, 1)] == [True, False, True]


def test_control_without_the_note_of_the_step_a_code_is_taken_again(person: Person) -> None:
    code = person.code()
    assert is_taken(person, code)
    SecondFactor.objects.update(last_step=-1)
    assert is_taken(person, code)


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "١٢٣٤٥٦", "000000000000", "\x00", "' OR 1=1"])
def test_what_is_no_code_is_refused(person: Person, typed: str) -> None:
    assert not is_taken(person, typed)


def test_blanks_within_a_code_are_how_apps_show_them(person: Person) -> None:
    code = person.code()
    assert is_taken(person, f"{code[:3]} {code[3:]} ")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_a_code_that_comes_eight_times_at_once_is_taken_once(person: Person) -> None:
    code = person.code()
    assert together(8, lambda _place: is_taken(person, code)).count(True) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_control_without_the_lock_it_is_taken_more_often(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Barrier(8)

    def read(user: User) -> SecondFactor:
        """All have read it before one writes."""
        factor = SecondFactor.objects.get(user=user)
        gate.wait(20)
        return factor

    monkeypatch.setattr(second_factor, "locked_factor", read)
    code = person.code()
    assert together(8, lambda _place: is_taken(person, code)).count(True) > 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_a_recovery_code_that_comes_eight_times_at_once_is_taken_once() -> None:
    person, codes = careful_boss()
    assert together(8, lambda _place: is_taken(person, codes[0])).count(True) == 1


def test_a_recovery_code_is_taken_once_however_it_is_typed() -> None:
    person, codes = careful_boss()
    shown = [codes[0], codes[0], codes[1].upper().replace("-", " "), codes[1]]
    assert [is_taken(person, code) for code in shown] == [True, False, True, False]
    assert told(person.user)[-2:] == [
        "A recovery code was used; 8 are left.", "Wrong code of the second factor, from 203.0.113.0/24."
    ]  # fmt: skip


def test_a_recovery_code_is_of_no_use_to_another_account() -> None:
    _person, codes = careful_boss()
    other = Person(UserFactory.create(is_staff=True), new_secret())
    enrol(user=other.user, secret=other.secret, code=other.code(), origin=HERE, now=now())
    assert not is_taken(other, codes[0])


# What is kept


def test_neither_secret_nor_recovery_codes_stand_in_the_database() -> None:
    person, codes = careful_boss()
    stored = str([*SecondFactor.objects.values(), *RecoveryCode.objects.values()])
    assert person.secret not in stored
    assert not [code for code in codes if code in stored or code.replace("-", "") in stored]


def test_a_secret_outlives_a_rotation_of_the_key_and_is_sealed_anew(person: Person, settings: LazySettings) -> None:
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "x" * 50
    assert is_taken(person, person.code())
    settings.SECRET_KEY_FALLBACKS = []
    assert is_taken(person, person.code(1))


def test_with_its_key_gone_recovery_codes_still_let_in(
    settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    person, codes = careful_boss()
    settings.SECRET_KEY = "x" * 50
    assert [is_taken(person, person.code()), is_taken(person, codes[0])] == [False, True]
    assert "SECRET_KEY that is gone" in caplog.text


def test_what_was_altered_is_not_opened() -> None:
    sealed = seal("secret")
    with pytest.raises(SealBrokenError):
        unseal(sealed[:-2] + "AA")


def test_it_goes_with_the_account_and_is_given_out_without_the_secret(person: Person) -> None:
    person.user.is_staff = person.user.is_superuser = False
    person.user.save()
    subject = subject_with_email(BOSS)
    held = personal_data.export(subject)["secondFactors"]
    assert list(held[0]) == ["id", "userId"]
    personal_data.erase(subject, now=now())
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()


# At the door


def test_the_password_alone_leads_to_the_code_and_lets_nobody_in(person: Person) -> None:
    answer = person.log_in(onward="/admin/live/")
    assert (answer["Location"], person.is_in) == (CODE, False)
    assert person.client.get("/api/v1/analytics/metrics").status_code == 401


def test_the_code_lets_in_and_leads_on(person: Person) -> None:
    person.log_in(onward="/admin/live/")
    half = person.client.session.session_key
    assert person.show(person.code())["Location"] == "/admin/live/"
    assert person.is_in
    assert person.client.session.session_key != half


def test_a_wrong_code_does_not(person: Person) -> None:
    person.log_in()
    answer = person.show("000000")
    assert (answer.status_code, person.is_in) == (200, False)
    assert "not right" in answer.content.decode()


def test_a_recovery_code_lets_in() -> None:
    person, codes = careful_boss()
    person.log_in()
    person.show(codes[3])
    assert person.is_in


def test_the_code_alone_is_nothing(person: Person) -> None:
    assert person.show(person.code())["Location"] == LOGIN


def test_the_code_has_ten_minutes(person: Person, clock: time_machine.Traveller) -> None:
    person.log_in()
    clock.shift(timedelta(minutes=10))
    assert person.show(person.code())["Location"] == LOGIN


def test_a_password_that_changes_meanwhile_ends_what_was_begun(person: Person) -> None:
    person.log_in()
    person.user.set_password("another-horse-91")
    person.user.save()
    assert person.show(person.code())["Location"] == LOGIN


def test_so_many_codes_are_tried_from_wherever_and_then_not_even_a_right_one(settings: LazySettings) -> None:
    limit(settings, staff_code="4/hour", staff_login="99/hour")
    person = careful_boss()[0]  # the first of four
    for _try in range(3):
        stranger = Person(person.user)
        stranger.log_in()
        assert stranger.show("000000").status_code == 200
    person.log_in()
    answer = person.show(person.code())
    assert (answer.status_code, person.is_in) == (429, False)
    assert "come again in" in answer.content.decode()
    assert told(person.user)[-1].startswith("Too many tries (staff_code)")


def test_control_without_the_count_the_right_one_is_taken(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(settings, staff_code="4/hour")
    person = careful_boss()[0]
    monkeypatch.setattr(second_factor, "count_guess", lambda *_counted: None)
    person.log_in()
    for _try in range(4):
        person.show("000000")
    person.show(person.code())
    assert person.is_in


def test_a_browser_that_is_remembered_is_asked_for_no_code_for_thirty_days(
    person: Person, clock: time_machine.Traveller
) -> None:
    person.log_in()
    person.show(person.code(), remember="on")
    asked = []
    for days in (0, 29, 1):
        clock.shift(timedelta(days=days))
        person.client.post("/admin/logout/")
        asked.append(person.log_in()["Location"])
    assert asked == ["/admin/", "/admin/", CODE]


@pytest.mark.parametrize("end", ["forget", "password", "another factor", "other browser"])
def test_what_ends_that(person: Person, end: str) -> None:
    person.log_in()
    person.show(person.code(), remember="on")
    if end == "forget":
        person.do("forget")
    if end == "password":
        person.user.set_password(PASSWORD)
        person.user.save()
    if end == "another factor":
        reset_second_factor(user=person.user, text="x", now=now())
        with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
            enrol(user=person.user, secret=person.secret, code=person.code(), origin=HERE, now=now())
    if end == "other browser":
        person.client = browser()
    person.client.post("/admin/logout/")
    assert person.log_in()["Location"] == CODE


def test_control_with_none_of_these_it_is_remembered(person: Person) -> None:
    person.log_in()
    person.show(person.code(), remember="on")
    person.client.post("/admin/logout/")
    assert person.log_in()["Location"] == "/admin/"


# My second factor


def proposed_key(page: Any) -> str:
    """The key that a page shows."""
    found = re.search(r'ff-key">([A-Z2-7 ]+)<', page.content.decode())
    assert found, page.content.decode()
    return found[1].replace(" ", "")


def recovery_codes(page: Any) -> list[str]:
    """Those that a page shows."""
    return re.findall(r"<li><code>([a-z2-9-]+)</code>", page.content.decode())


def test_one_sets_it_up_with_a_code_of_the_app_and_gets_ten_recovery_codes_once() -> None:
    person = boss()
    person.log_in()
    person.secret = proposed_key(person.client.get(MINE))
    page = person.do("enrol", code=person.code())
    codes = recovery_codes(page)
    assert (len(set(codes)), person.is_in) == (10, True)
    assert "no-store" in page["Cache-Control"]
    assert not recovery_codes(person.client.get(MINE))
    assert is_taken(person, codes[9])


def test_a_page_that_is_loaded_again_shows_the_same_key_and_another_session_another() -> None:
    person = boss()
    person.log_in()
    elsewhere = Person(person.user)
    elsewhere.log_in()
    keys = [proposed_key(each.client.get(MINE)) for each in (person, person, elsewhere)]
    assert keys[0] == keys[1] != keys[2]


def test_a_wrong_code_sets_nothing_up() -> None:
    person = boss()
    person.log_in()
    assert "not right" in person.do("enrol", code="000000").content.decode()
    assert not SecondFactor.objects.exists()


def test_setting_it_up_ends_the_other_logins() -> None:
    person = boss()
    elsewhere = Person(person.user)
    person.log_in(), elsewhere.log_in()
    person.secret = proposed_key(person.client.get(MINE))
    person.do("enrol", code=person.code())
    assert (person.is_in, elsewhere.is_in) == (True, False)


def test_no_second_one_is_set_up_over_it(person: Person) -> None:
    with pytest.raises(SecondFactorStateError):
        enrol(user=person.user, secret=RFC_SECRET, code=code_of(RFC_SECRET), origin=HERE, now=now())


def entered() -> tuple[Person, list[str]]:
    """Logged in with password and code."""
    person, codes = careful_boss()
    person.log_in()
    person.show(person.code(-1))
    assert person.is_in
    return person, codes


def test_new_recovery_codes_take_the_place_of_the_old() -> None:
    person, old = entered()
    new = recovery_codes(person.do("renew", code=person.code()))
    assert [is_taken(person, old[0]), is_taken(person, new[0])] == [False, True]


@pytest.mark.parametrize(("password", "steps", "off"), [(PASSWORD, 0, True), ("wrong", 0, False), (PASSWORD, 9, False)])
def test_switching_it_off_takes_password_and_code(password: str, steps: int, off: bool) -> None:
    person, _codes = entered()
    person.do("off", password=password, code=person.code(steps))
    assert SecondFactor.objects.exists() is not off
    assert person.is_in


@pytest.mark.parametrize("name", ["enrol", "renew", "off", "forget", "", "x"])
def test_what_is_asked_without_its_fields_changes_nothing(name: str) -> None:
    person, _codes = entered()
    before = SecondFactor.objects.values("secret", "last_step").get()
    assert person.client.post(MINE, {"do": name}).status_code in (200, 302)
    assert SecondFactor.objects.values("secret", "last_step").get() == before


def test_the_page_is_for_staff_alone() -> None:
    shopper = browser()
    shopper.force_login(UserFactory.create())
    assert [each.get(MINE).status_code for each in (shopper, browser())] == [302, 302]


# Required


@pytest.fixture
def required(settings: LazySettings) -> None:
    settings.STAFF_SECOND_FACTOR = "required"


@pytest.mark.usefixtures("required")
def test_where_it_is_required_who_has_none_sets_one_up_before_anything_else() -> None:
    person = boss()
    assert person.log_in(onward="/admin/live/")["Location"] == ENROL
    assert not person.is_in
    person.secret = proposed_key(person.client.get(ENROL))
    page = person.client.post(ENROL, {"do": "enrol", "enrol-code": person.code()})
    assert len(recovery_codes(page)) == 10
    assert 'href="/admin/live/"' in page.content.decode()
    assert person.is_in


@pytest.mark.usefixtures("required")
def test_nobody_sets_one_up_there_without_the_password_or_over_another(person: Person) -> None:
    assert browser().get(ENROL)["Location"] == LOGIN
    person.log_in()
    assert person.client.get(ENROL)["Location"] == LOGIN


def test_a_login_from_before_it_was_required_counts_no_more(settings: LazySettings) -> None:
    person = boss()
    person.log_in()
    settings.STAFF_SECOND_FACTOR = "required"
    assert not person.is_in
    answer = person.client.get("/api/v1/analytics/metrics")
    assert (answer.status_code, answer.json()["error"]) == (403, "SECOND_FACTOR_REQUIRED")
    check = person.client.post("/api/v1/ops/checkout-sessions/check")
    assert (check.status_code, check.json()["error"]) == (403, "SECOND_FACTOR_REQUIRED")
    assert "checks" not in person.client.get("/api/v1/health").json()
    assert person.client.get("/api/v1/storefront/products").status_code == 200


def test_control_where_it_is_optional_it_does() -> None:
    person = boss()
    person.log_in()
    assert person.is_in
    assert person.client.get("/api/v1/analytics/metrics").status_code == 200


# Reset


def test_a_superuser_resets_it_and_the_log_says_who(person: Person) -> None:
    other = Person(UserFactory.create(is_staff=True, is_superuser=True))
    other.log_in()
    page = f"/admin/customers/user/{person.user.pk}/"
    assert "Reset second factor" in other.client.get(f"{page}change/").content.decode()
    other.client.post(f"{page}reset_factor/", {"_form_submitted": "True"})
    assert not SecondFactor.objects.exists()
    assert person.log_in()["Location"] == "/admin/"
    assert "Second factor reset." in told(person.user)


def test_and_not_their_own_which_takes_password_and_code() -> None:
    person, _codes = entered()
    page = f"/admin/customers/user/{person.user.pk}/reset_factor/"
    assert person.client.post(page, {"_form_submitted": "True"}).status_code == 403
    assert SecondFactor.objects.exists()


def test_nobody_else_does(person: Person) -> None:
    clerk = Person(member("customers.change_user", "customers.view_user"))
    clerk.log_in()
    answer = clerk.client.post(f"/admin/customers/user/{person.user.pk}/reset_factor/", {"_form_submitted": "True"})
    assert answer.status_code == 403
    assert SecondFactor.objects.exists()


def test_so_does_a_command(person: Person) -> None:
    person.log_in()
    person.show(person.code())
    call_command("reset_second_factor", "BOSS@example.com")
    assert not person.is_in
    assert told(person.user)[-1] == "Second factor reset at the command line."
    with pytest.raises(CommandError):
        call_command("reset_second_factor", BOSS)
