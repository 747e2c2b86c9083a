"""The queue of mails: written with what they tell, sent once, tried for long, given up visibly."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail as django_mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils.translation import gettext as _

from core import mail
from core.clock import now
from core.mail import Letter, Picture
from core.models import Mail
from tests.admin_lists import list_of, queries_of
from tests.world import together

pytestmark = pytest.mark.django_db
NOW = now()


class Server(EmailBackend):
    """A mail server that is told how to behave."""

    down = False
    refuses = ""
    met: list[int] = []

    def open(self) -> bool:
        type(self).met.append(1)
        if type(self).down:
            raise ConnectionRefusedError("nobody there")
        return True

    def send_messages(self, email_messages: Any) -> int:
        for message in email_messages:
            if message.to == [type(self).refuses]:
                raise SMTPRecipientsRefused({message.to[0]: (550, b"no such user")})
        return super().send_messages(email_messages)


@pytest.fixture(autouse=True)
def server(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> type[Server]:
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    settings.SHOP_NAME, settings.PUBLIC_URL = "The <Mug> Shop", "https://shop.example.com"
    for name, value in (("down", False), ("refuses", ""), ("met", [])):
        monkeypatch.setattr(Server, name, value)
    return Server


@pytest.fixture(autouse=True)
def hello(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds of mail of the tests' own."""
    monkeypatch.setattr(mail, "kinds", {})
    mail.register("hello", lambda row, at: Letter(row.recipient, f"Hello {row.context.get('name', '')}".strip()))
    mail.register("nothing", lambda row, at: None)
    mail.register("spoken", lambda row, at: Letter(row.recipient, _("Please log in.")))
    mail.register("brief", lambda row, at: Letter(row.recipient, "Brief"), life=timedelta(hours=1))
    mail.register("rare", lambda row, at: Letter(row.recipient, "Rare"), an_hour=2)


def queue(kind: str = "hello", recipient: str = "ada@example.com", **more: Any) -> None:
    fields: dict[str, Any] = {"kind": kind, "recipient": recipient, "language": "en", "now": NOW} | more
    mail.queue(**fields)


def send(after: timedelta = timedelta(0)) -> int:
    return mail.send_due(now=NOW + after)


def subjects() -> list[str]:
    return [str(message.subject) for message in django_mail.outbox]


def test_a_mail_is_sent_once() -> None:
    queue(context={"name": "Ada"})
    assert (send(), send(), subjects()) == (1, 0, ["Hello Ada"])
    row = Mail.objects.get()
    assert (row.status, row.sent_at, row.attempts) == ("sent", NOW, 1)


def test_a_mail_of_a_transaction_that_failed_is_none() -> None:
    def fail() -> None:
        with transaction.atomic():
            queue()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not Mail.objects.exists()


def test_an_unknown_kind_is_a_mistake() -> None:
    with pytest.raises(mail.UnknownKindError):
        queue("unknown")


def test_a_kind_that_this_worker_does_not_know_yet_waits_for_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    queue()
    with monkeypatch.context() as before:
        before.setattr(mail, "kinds", {})
        assert send() == 0
    row = Mail.objects.get()
    assert row.status == Mail.Status.WAITING
    assert row.next_attempt_at is not None
    assert send(after=row.next_attempt_at - NOW) == 1


def test_the_same_dedupe_key_is_one_mail() -> None:
    for _time in range(3):
        queue(dedupe_key="order 1")
    queue()
    queue()
    assert send() == 3


def test_a_mail_is_text_and_html_in_the_recipients_language() -> None:
    queue("spoken", language="vi")
    send()
    message: Any = django_mail.outbox[0]
    assert message.subject == "Vui lòng đăng nhập."
    html = message.alternatives[0].content
    assert "The &lt;Mug&gt; Shop" in html
    assert 'lang="vi"' in html
    assert "The <Mug> Shop" in message.body


def test_a_mail_has_an_id_of_its_own_that_stays() -> None:
    queue()
    send()
    headers = django_mail.outbox[0].extra_headers
    assert headers["Message-ID"] == f"<{Mail.objects.get().id.hex}@shop.example.com>"
    assert headers["Auto-Submitted"] == "auto-generated"


def test_a_picture_goes_out_inside_of_its_mail() -> None:
    mail.register("drawn", lambda row, at: Letter(row.recipient, "Drawn", pictures=[Picture("week-1", b"\x89PNG")]))
    queue("drawn")
    send()
    whole: Any = django_mail.outbox[0].message()
    texts, picture = whole.get_payload()
    assert (whole.get_content_type(), texts.get_content_type()) == ("multipart/related", "multipart/alternative")
    assert (picture.get_content_type(), picture.get_payload(decode=True)) == ("image/png", b"\x89PNG")
    assert (picture["Content-ID"], picture.get_content_disposition()) == ("<week-1@shop.example.com>", "inline")


def test_a_mail_without_pictures_is_its_two_texts() -> None:
    queue()
    send()
    assert django_mail.outbox[0].message().get_content_type() == "multipart/alternative"


def test_where_there_is_nothing_to_say_nothing_is_sent() -> None:
    queue("nothing")
    assert (send(), send(), subjects()) == (0, 0, [])
    assert Mail.objects.get().status == "skipped"


def test_an_address_gets_no_more_an_hour_than_its_kind_allows() -> None:
    for recipient in ("ada@example.com", "ADA@example.com", "Ada@Example.com", "grace@example.com"):
        queue("rare", recipient)
    queue()
    assert send() == 4
    queue("rare")
    assert send(timedelta(hours=1, seconds=1)) == 1


def test_with_the_server_away_one_mail_asks_and_the_others_wait_a_moment(server: type[Server]) -> None:
    for _time in range(5):
        queue()
    server.down = True
    assert send() == 0
    assert len(server.met) == 1
    assert (send(timedelta(seconds=5)), len(server.met)) == (0, 1)
    server.down = False
    assert send(timedelta(seconds=20)) == 5


def test_a_refused_recipient_keeps_nobody_else_waiting(server: type[Server]) -> None:
    server.refuses = "nobody@example.com"
    queue(recipient="nobody@example.com")
    queue()
    assert (send(), subjects()) == (1, ["Hello"])
    row = Mail.objects.get(recipient="nobody@example.com")
    assert row.status == "waiting"
    assert "SMTPRecipientsRefused" in row.last_error


def test_the_log_does_not_say_whose_mail_failed(server: type[Server], caplog: pytest.LogCaptureFixture) -> None:
    server.refuses = "nobody@example.com"
    queue(recipient="nobody@example.com")
    send()
    assert "SMTPRecipientsRefused" in caplog.text
    assert "nobody@example.com" not in caplog.text


def test_tries_are_longer_and_longer_apart_and_end_after_three_days(server: type[Server]) -> None:
    server.refuses = "ada@example.com"
    queue()
    at, pauses = NOW, []
    while (row := Mail.objects.get()).next_attempt_at is not None:
        pauses.append(row.next_attempt_at - at)
        at = row.next_attempt_at
        mail.send_due(now=at)
    assert pauses[1] < timedelta(seconds=13) < pauses[3] < timedelta(minutes=2)
    assert max(pauses) <= timedelta(hours=1.2)
    assert timedelta(days=3) <= at - NOW <= timedelta(days=3, hours=2)
    assert row.status == "dead"
    assert "SMTPRecipientsRefused" in row.last_error


def test_what_is_worth_something_for_an_hour_is_not_sent_later() -> None:
    queue("brief")
    assert send(timedelta(hours=1)) == 0
    assert Mail.objects.get().status == "dead"


def test_what_a_sender_that_died_had_taken_is_sent_by_another() -> None:
    queue()
    assert mail.claim(now=NOW) is not None
    assert mail.claim(now=NOW + timedelta(minutes=1)) is None
    assert send(timedelta(minutes=2)) == 1


def test_senders_at_once_send_each_mail_once(transactional_db: None, crowd: None) -> None:
    for number in range(30):
        queue(context={"name": str(number)})
    assert sum(together(6, lambda _place: send())) == 30
    assert len(set(subjects())) == len(subjects()) == 30


def test_the_control_without_claims_mails_are_sent_twice(
    transactional_db: None, crowd: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "CLAIM", "SELECT id FROM core_mail WHERE next_attempt_at <= %(now)s LIMIT 1")
    for number in range(30):
        queue(context={"name": str(number)})
    together(6, lambda _place: send())
    assert len(set(subjects())) < len(subjects())


@pytest.mark.parametrize(
    "columns", [{"status": "sent", "next_attempt_at": None}, {"status": "waiting", "next_attempt_at": None},
                {"status": "dead", "next_attempt_at": NOW}],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_the_database(columns: dict[str, Any]) -> None:
    queue()
    with pytest.raises(IntegrityError):
        Mail.objects.update(**columns)


@pytest.mark.parametrize("rows", [3, 30])
def test_staff_see_them_in_as_many_queries_for_30_as_for_3(admin_client: Client, rows: int) -> None:
    for _time in range(rows):
        queue()
    assert queries_of(admin_client, "core/mail") == 3


def test_staff_find_a_mail_by_the_begin_of_its_address_and_the_dead_ones(admin_client: Client) -> None:
    queue(recipient="Ada@example.com")
    queue(recipient="grace@example.com")
    page = list_of(admin_client, "core/mail", q="ada@")
    assert "Ada@example.com" in page
    assert "grace@example.com" not in page
    Mail.objects.filter(recipient="grace@example.com").update(status="dead", next_attempt_at=None)
    page = list_of(admin_client, "core/mail", status__exact="dead")
    assert "grace@example.com" in page
    assert "Ada@example.com" not in page


def test_staff_open_one(admin_client: Client) -> None:
    queue()
    assert admin_client.get(f"/admin/core/mail/{Mail.objects.get().pk}/change/").status_code == 200
