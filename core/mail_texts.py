"""What mails say, as far as staff may say it otherwise: a subject and a text for each kind and language.

`MailText` has a row for each. While it is empty the mail says what we say, which comes from the translations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings

from core.mail import Letter
from core.models import MailText

WORD = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class Text:
    """Paragraphs have an empty line between them. `{number}` and such stand for what is told of one mail."""

    subject: str
    body: str


@dataclass(frozen=True)
class Editable:
    """A kind of mail whose text staff may change: its name, our text in the active language, the words that may stand
    in braces with what they stand for, and a mail about nobody with any text, to look at.
    """

    name: str
    ours: Callable[[], Text]
    words: Mapping[str, str]
    sample: Callable[[Text], Letter]


editable: dict[str, Editable] = {}


def register(kind: str, mail: Editable) -> None:
    """Makes a kind known; called when the app is ready."""
    editable[kind] = mail


def text_of(kind: str, language: str) -> Text:
    """What a mail says now. The language must be the active one."""
    ours = editable[kind].ours()
    row = MailText.objects.filter(kind=kind, language=language).first()
    return either(row, ours) if row else ours


def either(row: MailText, ours: Text) -> Text:
    """What staff wrote, and ours where they wrote nothing."""
    return Text(row.subject or ours.subject, row.body or ours.body)


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its words in place.

    Raises:
        KeyError: there is no such word: saving it should have been refused (`unknown_words`).
    """
    return WORD.sub(lambda found: values[found[1]], text)


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text."""
    return [part.strip() for part in re.split(r"\n\s*\n", text.strip())]


def unknown_words(kind: str, text: str) -> list[str]:
    """The words in braces that this kind of mail does not know."""
    return [word for word in WORD.findall(text) if word not in editable[kind].words]


def sync_texts() -> int:
    """Adds the rows that are not there yet, empty; returns how many. What staff wrote stays."""
    known = set(MailText.objects.values_list("kind", "language"))
    wanted = {(kind, language) for kind in editable for language, _name in settings.LANGUAGES}
    missing = [MailText(kind=kind, language=language) for kind, language in sorted(wanted - known)]
    MailText.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)
