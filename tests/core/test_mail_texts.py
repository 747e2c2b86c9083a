"""What staff may make a mail say, and how they look at it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from core import mail_texts
from core.mail_texts import Text, filled, paragraphs, sync_texts, text_of
from core.models import MailText
from customers.groups import OPS, SHOP_STAFF, create_groups
from orders import letters
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> MailText:
    sync_texts()
    return MailText.objects.get(kind=letters.PAID, language="en")


def member(client: Client, group: str) -> Client:
    create_groups()
    user = UserFactory.create(is_staff=True)
    user.groups.set(Group.objects.filter(name=group))
    client.force_login(user)
    return client


def change(client: Client, row: MailText, **fields: str) -> Any:
    address = reverse("admin:core_mailtext_change", args=[row.pk])
    return client.post(address, {"subject": "", "body": "", **fields})


def look(client: Client, row: MailText) -> Any:
    return client.get(reverse("admin:core_mailtext_preview", args=[row.pk]))


def test_every_kind_has_a_row_for_each_language_once() -> None:
    assert sync_texts() == 2 * len(mail_texts.editable)
    assert sync_texts() == 0


def test_what_is_left_empty_stays_ours(row: MailText) -> None:
    ours = mail_texts.editable[row.kind].ours()
    assert text_of(row.kind, "en") == ours
    MailText.objects.filter(pk=row.pk).update(subject="Paid!")
    assert text_of(row.kind, "en") == Text("Paid!", ours.body)


def test_words_in_braces_are_filled_and_nothing_else_is() -> None:
    assert filled("{number}: { number } {number.real}", {"number": "7"}) == "7: { number } {number.real}"


def test_an_empty_line_begins_a_paragraph() -> None:
    assert paragraphs("\none\r\n\r\ntwo\nlines\n \n\nthree ") == ["one", "two\nlines", "three"]


def test_shop_staff_write_a_text(client: Client, row: MailText) -> None:
    assert change(member(client, SHOP_STAFF), row, subject="Paid: {number}").status_code == 302
    row.refresh_from_db()
    assert row.subject == "Paid: {number}"


def test_a_word_that_the_mail_does_not_know_is_refused(client: Client, row: MailText) -> None:
    answer = change(member(client, SHOP_STAFF), row, body="Hello {nmae} {}")
    assert "This mail does not know {nmae}, {}." in answer.content.decode()
    row.refresh_from_db()
    assert row.body == ""


def test_a_line_break_in_a_subject_is_no_header(client: Client, row: MailText) -> None:
    change(member(client, SHOP_STAFF), row, subject="Paid\r\nBcc: eve@example.com")
    row.refresh_from_db()
    assert "\n" not in row.subject


def test_others_may_not(client: Client, row: MailText) -> None:
    assert change(member(client, OPS), row, subject="Mine").status_code == 403


def test_none_is_added_or_deleted(admin_client: Client, row: MailText) -> None:
    assert admin_client.get(reverse("admin:core_mailtext_add")).status_code == 403
    assert admin_client.post(reverse("admin:core_mailtext_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("kind", sorted(letters.TEXTS))
@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_mail_can_be_looked_at(admin_client: Client, kind: str, language: str) -> None:
    sync_texts()
    shown = look(admin_client, MailText.objects.get(kind=kind, language=language)).content.decode()
    assert "ORD-0123456789" in shown
    assert f'lang="{language}"' in shown
    assert "{" not in shown.partition("<body")[2]


def test_looking_needs_the_permission(client: Client, row: MailText) -> None:
    assert look(member(client, OPS), row).status_code == 403
    assert look(Client(), row).status_code == 302
