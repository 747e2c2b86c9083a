"""`manage.py inspect_order NUMBER`: everything about one order, as a timeline."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.money import money_string
from core.serializers import camel
from core.terminal import print_json, print_table
from orders import timeline
from orders.models import Order
from orders.timeline import Account
from sessions_app.management.words import harmless
from sessions_app.timeline import Moment

ORDER_FACTS = (
    "id", "status", "fulfillment_status", "needs_attention", "customer_id", "email", "first_name", "last_name", "phone",
    "language", "currency", "subtotal", "discount_amount", "coupon_code", "shipping_amount", "shipping_method",
    "tax_amount", "total", "refunded_amount", "placed_at", "paid_at", "closed_at", "checkout_id", "visitor_session_id",
)  # fmt: skip
WINDOW_FACTS = (
    "status", "started_at", "expires_at", "duration_minutes", "payment_attempts", "max_payment_attempts",
    "last_payment_attempt_at", "reminder_sent_at",
)  # fmt: skip
ATTEMPT_FACTS = (
    "number", "status", "amount", "currency", "provider", "billing_checkout_id", "billing_order_id", "opened_at",
    "resolved_at", "poll_count", "error_count", "unknown_count", "next_poll_at", "asked_at", "last_error",
)  # fmt: skip
SHOWN_OF_ATTEMPTS = (
    "number",
    "status",
    "billing_checkout_id",
    "poll_count",
    "error_count",
    "next_poll_at",
    "last_error",
)


class Command(BaseCommand):
    """Tells one order."""

    help = (
        "Everything about one order: how its customer came, the visit, the checkout, each payment attempt with its "
        "polls and errors, webhooks, every change, refunds, outbox and mails, in the order of time. Exit code 1 for an "
        "order that is not there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("number", help="the order's number, with or without ORD-, or its id")
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prints it.

        Raises:
            CommandError: there is no such order.
        """
        order = timeline.order_named(options["number"])
        account = timeline.account(order) if order else None
        if account is None:
            raise CommandError("There is no order of that number or id.")
        if options["json"]:
            print_json(self.stdout, body(account))
        else:
            self._tell(account)

    def _tell(self, account: Account) -> None:
        order = account.order
        print_table(self.stdout, rows_of(order, ORDER_FACTS, order), title=f"Order {order.number}")
        print_table(self.stdout, [line_row(line, order) for line in account_lines(order)], columns=("Lines", "", ""))
        if account.window:
            print_table(self.stdout, rows_of(account.window, WINDOW_FACTS, order), title="Payment window")
        if account.attempts:
            attempts = [[text(getattr(one, name)) for name in SHOWN_OF_ATTEMPTS] for one in account.attempts]
            print_table(self.stdout, attempts, columns=tuple(map(words, SHOWN_OF_ATTEMPTS)), title="Payment attempts")
        columns = ("When (UTC)", "After", "Where", "What", "Details")
        rows = [moment_row(moment, order.placed_at) for moment in account.moments]
        print_table(self.stdout, rows, columns=columns, title="Timeline, seconds from the placing")
        if account.visit:
            self.stdout.write(f"What happened in the visit: manage.py inspect_session {account.visit.pk}")


def account_lines(order: Order) -> list[Any]:
    """The order's lines."""
    return list(order.items.all())


def line_row(line: Any, order: Order) -> tuple[str, str, str]:
    """A line for people."""
    return text(f"{line.quantity} × {line.name}"), text(line.sku), text(fact(line, "line_total", order))


def rows_of(row: Any, names: tuple[str, ...], order: Order) -> list[tuple[str, str]]:
    """What there is of these columns."""
    known = [(name, fact(row, name, order)) for name in names]
    return [(words(name), text(value)) for name, value in known if value not in (None, "")]


def fact(row: Any, name: str, order: Order) -> object:
    """A column; money in the order's currency."""
    value: object = getattr(row, name)
    return money_string(value, order.currency) if isinstance(value, Decimal) else value


def words(name: str) -> str:
    """A column's name for people."""
    return name.replace("_", " ")


def text(value: object) -> str:
    """A fact for a terminal."""
    if value is None:
        return ""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else harmless(str(value))


def moment_row(moment: Moment, placed_at: datetime) -> tuple[str, ...]:
    """A moment for people."""
    details = "; ".join(f"{words(name)}: {text(value)}" for name, value in moment.details.items())
    after = f"{(moment.at - placed_at).total_seconds():.1f} s"
    return text(moment.at), after, moment.source, text(moment.what), details


def body(account: Account) -> dict[str, object]:
    """The account for machines."""
    order = account.order
    line_names = ("product_id", "name", "sku", "unit_price", "quantity", "line_total")
    return {
        "number": order.number,
        "order": facts_of(order, ORDER_FACTS, order),
        "items": [facts_of(line, line_names, order) for line in account_lines(order)],
        "window": facts_of(account.window, WINDOW_FACTS, order) if account.window else None,
        "attempts": [facts_of(attempt, ATTEMPT_FACTS, order) for attempt in account.attempts],
        "timeline": [
            {"at": moment.at.astimezone(UTC), "where": moment.source, "what": moment.what, "details": moment.details}
            for moment in account.moments
        ],
    }


def facts_of(row: Any, names: tuple[str, ...], order: Order) -> dict[str, object]:
    """These columns under names as JSON has them here."""
    return {camel(name): fact(row, name, order) for name in names}
