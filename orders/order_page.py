"""What the staff page of an order shows in its panels: lines, money, payment and visit."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from core.admin import NOTHING, Link, moment_text, record_link, record_page, table
from core.money import money_text
from orders.models import Order, OrderItem, OrderSession, PaymentAttempt, Refund

ADDRESS_PARTS = ("line1", "line2", "postalCode", "city", "region", "country")
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
BREAK = mark_safe("<br>")


def related(order: Order) -> list[str]:
    """What the functions below read, to be fetched at once."""
    refunds = "session__attempts__refunds" if window_of(order) else "imported_refunds"
    return ["items", "history", "comments", refunds]


def items(order: Order) -> SafeString | str:
    """The lines as they were when ordered."""
    rows = [
        [
            product(line),
            line.sku,
            money_text(line.unit_price, order.currency),
            line.quantity,
            money_text(line.line_total, order.currency),
        ]
        for line in order.items.all()
    ]
    return table(["Product", "SKU", "Price", "Quantity", "Sum"], rows)


def product(line: OrderItem) -> SafeString | str:
    """The name of the line, leading to the product while there is one."""
    return record_link("catalog_product", line.product_id, line.name) if line.product_id else line.name


def sums(order: Order) -> SafeString | str:
    """From subtotal to total, and what went back."""
    parts = {
        "Subtotal": order.subtotal,
        f"Discount {order.coupon_code}".strip(): -order.discount_amount,
        "Shipping": order.shipping_amount,
        "Tax": order.tax_amount,
        "Total": order.total,
        "Refunded": order.refunded_amount,
    }
    return table(list(parts), [[money_text(part, order.currency) for part in parts.values()]])


def name(order: Order) -> str:
    """Who ordered."""
    return f"{order.first_name} {order.last_name}".strip() or NOTHING


def address(parts: dict[str, str] | None) -> SafeString | str:
    """An address, a line a part."""
    lines = [(parts[part],) for part in ADDRESS_PARTS if parts.get(part)] if parts else []
    return format_html_join(BREAK, "{}", lines) if lines else NOTHING


def window(order: Order) -> SafeString | str:
    """The payment window: its state, its end, the attempts used."""
    found = window_of(order)
    if found is None:
        return NOTHING
    used = f"{found.payment_attempts} of {found.max_payment_attempts} attempts"
    until = moment_text(found.expires_at)
    parts = [found.get_status_display(), f"{found.duration_minutes} minutes until", until, used]
    by_rule = f"by the rule “{rule}”" if (rule := found.metadata.get("rule")) else ""
    return format_html("{}, {} {}, {} {}", *parts, by_rule)


def window_of(order: Order) -> OrderSession | None:
    """The payment window; imported orders have none."""
    return getattr(order, "session", None)


def attempts_of(order: Order) -> Iterable[PaymentAttempt]:
    """The attempts, first to last."""
    found = window_of(order)
    return found.attempts.all() if found else ()


def attempts(order: Order) -> SafeString | str:
    """The pay sessions that were opened at billing."""
    rows = [
        [
            record_link("orders_paymentattempt", attempt.pk, attempt.number),
            attempt.get_status_display(),
            money_text(attempt.amount, attempt.currency),
            taken(attempt),
            attempt.billing_checkout_id,
            moment_text(attempt.opened_at),
            moment_text(attempt.resolved_at),
            attempt.last_error or NOTHING,
        ]
        for attempt in attempts_of(order)
    ]
    return table(["No.", "Status", "Amount", "Billing took", "At billing", "Opened", "Resolved", "Error"], rows)


def taken(attempt: PaymentAttempt) -> str:
    """What billing took, and whether it counts."""
    if attempt.paid_amount is None:
        return NOTHING
    text = money_text(attempt.paid_amount, attempt.paid_currency)
    return text if attempt.counted_at else f"{text}, not counted"


def refunds_of(order: Order) -> Iterable[Refund]:
    """What goes or went back: here, or of an imported order elsewhere."""
    if window_of(order) is None:
        return order.imported_refunds.all()
    return [refund for attempt in attempts_of(order) for refund in attempt.refunds.all()]


def refunds(order: Order) -> SafeString | str:
    """Money on its way back."""
    rows = [
        [
            record_link("orders_refund", refund.pk, money_text(refund.amount, refund.currency)),
            refund.get_status_display(),
            refund.reason,
            moment_text(refund.requested_at),
            moment_text(refund.made_at),
        ]
        for refund in refunds_of(order)
    ]
    return table(["Amount", "Status", "Reason", "Requested", "Made"], rows)


def visit_links(order: Order) -> list[Link]:
    """The visit that ordered, and whose it was."""
    visit = order.visitor_session
    if visit is None:
        return []
    visitor = reverse("admin:sessions_app_visitor", args=[visit.visitor_id])
    return [Link("Visit", record_page("sessions_app_visitorsession", visit.pk)), Link("Visitor", visitor)]


def touch(facts: dict[str, Any]) -> SafeString | str:
    """How a visit came about: channel, campaign, referrer and when, a line each."""
    utm = " / ".join(facts[name] for name in UTM if facts.get(name))
    when = parse_datetime(str(facts.get("at", "")))
    lines = [(fact,) for fact in (facts.get("channel"), utm, facts.get("referrer"), when and moment_text(when)) if fact]
    return format_html_join(BREAK, "{}", lines) if lines else NOTHING
