"""What the mails about accounts say, decided when they are sent: no request tells who has an account.

A mail to an address that nobody has proven holds nothing that whoever asked for it has written: else strangers could
send their words through us.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from core import mail
from core.mail import Letter
from core.models import Mail
from customers import tokens
from customers.models import EmailChange, Registration, User
from customers.selectors import is_staff, may_reset
from customers.tokens import LIVES, RESET, VERIFY

REGISTERED = "account.registered"
PASSWORD_RESET = "account.password_reset"  # noqa: S105 - the name of a mail
PASSWORD_CHANGED = "account.password_changed"  # noqa: S105 - the name of a mail
EMAIL_CHANGE = "account.email_change"
EMAIL_ASKED = "account.email_asked"
EMAIL_CHANGED = "account.email_changed"
SECOND_FACTOR = "account.second_factor"
AN_HOUR = 5
"""Mails that anybody can have sent to anybody's address."""
TELL_A_SUPERUSER = "If this was not you, please tell a superuser of the shop at once."


class FactorChange(StrEnum):
    """What may happen to the second factor of a member of staff."""

    SET_UP = "set up"
    RENEWED = "recovery codes renewed"
    SWITCHED_OFF = "switched off"
    RESET = "reset"


OF_SECOND_FACTORS = {
    FactorChange.SET_UP: (
        "Your second factor was set up",
        "Whoever logs in to your account at %(shop)s is asked for a code from now on. Its other logins have ended.",
    ),
    FactorChange.RENEWED: (
        "Your recovery codes were renewed",
        "There are new recovery codes for your account at %(shop)s. Those of before let nobody in any more.",
    ),
    FactorChange.SWITCHED_OFF: (
        "Your second factor was switched off",
        "The password of your account at %(shop)s lets in alone from now on. Its other logins have ended.",
    ),
    FactorChange.RESET: (
        "Your second factor was reset",
        "A superuser, or whoever runs the shop, took the second factor of your account at %(shop)s away: the password "
        "lets in alone until you set up another. All logins have ended.",
    ),
}
"""Subject and text."""


def register_kinds() -> None:
    """Makes these mails known; called when the app is ready."""
    mail.register(REGISTERED, registered, life=LIVES[VERIFY], an_hour=AN_HOUR)
    mail.register(PASSWORD_RESET, password_reset, life=LIVES[RESET], an_hour=AN_HOUR)
    mail.register(EMAIL_CHANGE, email_change, life=LIVES[VERIFY], an_hour=AN_HOUR)
    mail.register(EMAIL_ASKED, email_asked)
    mail.register(EMAIL_CHANGED, email_changed)
    mail.register(PASSWORD_CHANGED, password_changed)
    mail.register(SECOND_FACTOR, second_factor)


def letter(recipient: str, subject: str, *paragraphs: str, link: str = "", remarks: tuple[str, ...] = ()) -> Letter:
    """A short mail: paragraphs, perhaps a link, and what stands below it."""
    context: dict[str, Any] = {"paragraphs": paragraphs, "link": link, "remarks": remarks}
    return Letter(recipient, subject, context=context)


def account_of(address: str) -> User | None:
    """The account of an address, with its customer."""
    return User.objects.with_email(address).select_related("customer").first()


def registered(row: Mail, now: datetime) -> Letter | None:
    """The link that proves the address; to whoever has an account already, that somebody tried."""
    registration = Registration.objects.filter(pk=row.context["registration"]).first()
    if registration is None:
        return None
    if (user := account_of(registration.email)) is not None:
        return has_account(user)
    link = tokens.link(VERIFY, registration=str(registration.pk))
    return letter(
        registration.email,
        _("Please confirm your e-mail address"),
        _("Somebody, probably you, opened an account at %(shop)s with this e-mail address.") % shop(),
        _("To confirm it, open this page within three days and enter the password that you chose:"),
        link=link,
        remarks=(_("If this was not you, you need do nothing: without your confirmation there is no account."),),
    )


def has_account(user: User) -> Letter | None:
    """To somebody who has an account, and whose address was entered for a new one."""
    if not may_reset(user):
        return None
    return letter(
        user.email,
        _("You have an account already"),
        _("Somebody, probably you, entered this e-mail address for an account at %(shop)s. It has one already.")
        % shop(),
        _("If you have forgotten your password, open this page within an hour to choose another one:"),
        link=reset_link(user),
        remarks=(_("If this was not you, you need do nothing. Nobody was let in."),),
    )


def password_reset(row: Mail, now: datetime) -> Letter | None:
    """The link to a new password; nothing to an address without account. Sent where the account says, not where
    somebody asked to: two addresses may look alike.
    """
    user = account_of(row.recipient)
    if user is None or not may_reset(user):
        return None
    return letter(
        user.email,
        _("Choose a new password"),
        _("Somebody, probably you, asked for a new password at %(shop)s.") % shop(),
        _("To choose one, open this page within an hour:"),
        link=reset_link(user),
        remarks=(_("If this was not you, you need do nothing: your password stays as it is."),),
    )


def email_change(row: Mail, now: datetime) -> Letter | None:
    """The link that proves an account's new address."""
    change = EmailChange.objects.filter(pk=row.context["change"], email=row.recipient).first()
    if change is None:
        return None
    if (other := account_of(change.email)) is not None and other.pk != change.user_id:
        return has_account(other)
    return letter(
        change.email,
        _("Please confirm your new e-mail address"),
        _("Somebody, probably you, wants to use this e-mail address for an account at %(shop)s.") % shop(),
        _("To confirm it, open this page within three days and enter the password of the account:"),
        link=tokens.link(VERIFY, change=str(change.pk)),
        remarks=(_("If this was not you, you need do nothing: the address will not be used."),),
    )


def email_asked(row: Mail, now: datetime) -> Letter:
    """To the old address, when another one is asked for."""
    return letter(
        row.recipient,
        _("Your e-mail address is about to change"),
        _("Somebody, probably you, asked to use another e-mail address for your account at %(shop)s.") % shop(),
        _("If this was not you, please change your password now. That also ends the change."),
    )


def email_changed(row: Mail, now: datetime) -> Letter:
    """To the old address, when the other one has taken its place."""
    return letter(
        row.recipient,
        _("Your e-mail address was changed"),
        _("Your account at %(shop)s now has another e-mail address. This one is no longer used for it.") % shop(),
        _("If this was not you, please tell the shop."),
    )


def password_changed(row: Mail, now: datetime) -> Letter:
    """That the password is another one. Staff have no way to a new one by mail."""
    user = User.objects.filter(pk=row.context.get("user")).first()
    customers_help = _("If this was not you, please ask for a new password at once.")
    return letter(
        row.recipient,
        _("Your password was changed"),
        _("The password of your account at %(shop)s was changed.") % shop(),
        TELL_A_SUPERUSER if user is not None and is_staff(user) else customers_help,
    )


def second_factor(row: Mail, now: datetime) -> Letter:
    """What happened to a second factor. As all mails to staff, in English."""
    subject, text = OF_SECOND_FACTORS[FactorChange(row.context["change"])]
    return letter(row.recipient, subject, text % shop(), TELL_A_SUPERUSER)


def reset_link(user: User) -> str:
    """A link to a new password for an account as it is now."""
    return tokens.link(RESET, user=user.pk, state=tokens.state_of(user))


def shop() -> dict[str, str]:
    """What the texts name."""
    return {"shop": settings.SHOP_NAME}
