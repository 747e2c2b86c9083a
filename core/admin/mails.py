"""Mails on their way, and what they say: staff write it here, and look at it before anybody gets it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core import mail
from core.admin.toolkit import (
    BAD,
    GOOD,
    NOTHING,
    PLAIN,
    WAITING,
    DayRangeFilter,
    HistoryAdmin,
    KeySearch,
    RecordForm,
    ShopAdmin,
    action,
    badge,
    moment,
)
from core.mail_texts import Text, editable, either, unknown_words
from core.models import Mail, MailText


@admin.register(Mail)
class MailAdmin(KeySearch, HistoryAdmin):
    """Mails on their way, sent, and given up."""

    list_display = ("recipient", "kind", "state", "attempts", "last_error", "sent", "since")
    list_filter = (("status", ChoicesDropdownFilter), ("created_at", DayRangeFilter))
    sortable_by = ("since",)
    search_help_text = "Begin of the e-mail address"

    state = badge("status", {"waiting": WAITING, "sent": GOOD, "skipped": PLAIN, "dead": BAD}, "Status")
    sent = moment("sent_at", "Sent")
    since = moment("created_at", "Since")

    def find(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        found: QuerySet[Any] = rows.alias(recipient_lower=Lower("recipient"))
        return found.filter(recipient_lower__startswith=word.lower())


class MailTextForm(RecordForm):
    """Subject and text. What is left empty stays ours, which is shown in its place."""

    subject = forms.CharField(max_length=200, required=False, widget=UnfoldAdminTextInputWidget())
    body = forms.CharField(
        label=_("Text"), max_length=5000, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 10})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ours = ours_of(self.instance)
        for name in ("subject", "body"):
            if name in self.fields:  # whoever may only look has none
                self.fields[name].widget.attrs["placeholder"] = getattr(ours, name)

    def clean_subject(self) -> str:
        """One line, and only words that the mail knows."""
        return " ".join(self.checked("subject").split())

    def clean_body(self) -> str:
        """The same."""
        return self.checked("body")

    def checked(self, name: str) -> str:
        """The field's text.

        Raises:
            ValidationError: a word in braces that this mail does not know.
        """
        text: str = self.cleaned_data[name]
        if unknown := unknown_words(self.instance.kind, text):
            words = ", ".join(f"{{{word}}}" for word in unknown)
            raise forms.ValidationError(gettext("This mail does not know %(words)s.") % {"words": words})
        return text


@admin.register(MailText)
class MailTextAdmin(ShopAdmin):
    """A row for each mail and language; none is added or deleted."""

    form = MailTextForm
    list_display = ("mail", "language", "written")
    list_filter = ("language",)
    sortable_by = ()
    fields = ("mail", "language", "subject", "body", "words")
    readonly_fields = ("mail", "language", "words")
    actions_detail = ("preview",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="Mail")
    def mail(self, row: MailText) -> str:
        return editable[row.kind].name if row.kind in editable else row.kind

    @display(description="Text", label={"yours": GOOD})
    def written(self, row: MailText) -> tuple[str, str] | str:
        """Whether staff wrote something."""
        return ("yours", "Yours") if row.subject or row.body else NOTHING

    @display(description="Words in braces")
    def words(self, row: MailText) -> SafeString:
        """What may stand in braces."""
        pairs = ((f"{{{word}}}", meaning) for word, meaning in editable[row.kind].words.items())
        return format_html("<ul>{}</ul>", format_html_join("", "<li><code>{}</code> {}</li>", pairs))

    @action(description=_("Look at it"), url_path="preview", permissions=["view"])
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The mail as it is saved, about an order that nobody placed. It changes nothing."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        with override(row.language):
            letter = editable[row.kind].sample(either(row, editable[row.kind].ours()))
            page = render_to_string(f"{letter.template}.html", mail.context_of(letter, row.language))
        return HttpResponse(page)


def ours_of(row: MailText) -> Text:
    """What the mail says unless staff say otherwise."""
    with override(row.language):
        ours = editable[row.kind].ours()
        return Text(str(ours.subject), str(ours.body))
