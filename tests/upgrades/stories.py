"""What single migrations are to do with rows that are there. A migration of which nothing is told here keeps every row
as it is, and the walk sees to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from django.db import connection
from django.db.migrations.state import StateApps

from tests.upgrades.filling import NOW, REFUND, Filler
from tests.upgrades.plan import Key


class Story:
    """Rows before a migration, and what became of them. Every method gets the models as they are then."""

    changes: ClassVar[frozenset[str]] = frozenset()
    """Columns (`table.column`) that it fills anew or takes away on purpose, and tables of which it removes rows."""

    def before(self, apps: StateApps, filler: Filler) -> None:
        """Adds rows."""

    def after(self, apps: StateApps) -> None:
        """Asserts what became of them."""

    def back(self, apps: StateApps) -> None:
        """Asserts what is left of them on the way back."""


class GoalsOfMonths(Story):
    """A month's goal on another day becomes that of the month, if it has none."""

    changes = frozenset({"analytics_salesgoal"})

    def before(self, apps: StateApps, filler: Filler) -> None:
        goals = [("month", 1, 1, 1), ("month", 1, 15, 2), ("month", 2, 3, 3), ("month", 2, 4, 4), ("day", 2, 5, 5)]
        for period, month, day, amount in goals:
            apps.get_model("analytics", "SalesGoal").objects.create(
                period=period, starts_on=date(2030, month, day), amount=amount
            )

    def after(self, apps: StateApps) -> None:
        goals = apps.get_model("analytics", "SalesGoal").objects.filter(starts_on__year=2030)
        found = {(goal.period, goal.starts_on.month, goal.starts_on.day): int(goal.amount) for goal in goals}
        assert found == {("month", 1, 1): 1, ("month", 2, 1): 4, ("day", 2, 5): 5}


class SearchOfProducts(Story):
    """Products that were there are found."""

    def before(self, apps: StateApps, filler: Filler) -> None:
        filler.add(apps.get_model("catalog", "Product"), {"name": "Crème brûlée", "sku": "CREME"})

    def after(self, apps: StateApps) -> None:
        found = apps.get_model("catalog", "Product").objects.extra(
            where=["search @@ catalog_query('creme', 'named') OR search @@ catalog_query('creme', 'sku')"]
        )
        assert [product.sku for product in found] == ["CREME"]


class EventsByMonth(Story):
    """The table of events is cut into the months that there are, and made whole again."""

    def before(self, apps: StateApps, filler: Filler) -> None:
        for month in (5, 9):
            event = apps.get_model("sessions_app", "SessionEvent")
            filler.add(event, {"timestamp": datetime(2025, month, 3, tzinfo=UTC)})

    def after(self, apps: StateApps) -> None:
        assert {"sessions_app_sessionevent_2025_05", "sessions_app_sessionevent_2025_09"} <= set(partitions())

    def back(self, apps: StateApps) -> None:
        assert list(partitions()) == []


class DecidedMoney(Story):
    """Money that came before counts where it paid."""

    def before(self, apps: StateApps, filler: Filler) -> None:
        order, session, attempt, refund = (
            apps.get_model("orders", name) for name in ("Order", "OrderSession", "PaymentAttempt", "Refund")
        )
        statuses: list[dict[str, Any]] = [
            {"status": "success", "paid_at": NOW}, {"status": "expired", "closed_at": NOW}, {"status": "pending"},
        ]  # fmt: skip
        self.attempts = []
        for values in statuses:
            window = {"order_id": filler.add(order, values), "started_at": NOW, "expires_at": NOW + timedelta(hours=1)}
            money = {"status": "success", "amount": 7, "currency": "EUR", "resolved_at": NOW}
            paid = {"order_session_id": filler.add(session, window)} | money
            self.attempts.append(filler.add(attempt, paid))
        filler.add(refund, REFUND | {"attempt_id": self.attempts[1], "was_sale": False})

    def after(self, apps: StateApps) -> None:
        attempts = apps.get_model("orders", "PaymentAttempt").objects.in_bulk(self.attempts)
        found = [
            (attempts[pk].counted_at, attempts[pk].paid_amount, attempts[pk].paid_currency) for pk in self.attempts
        ]
        assert found == [(NOW, 7, "EUR"), (None, 7, "EUR"), (None, None, "")]


class WebhookInbox(Story):
    """Receipts of webhooks are kept, as billing's and settled."""

    def before(self, apps: StateApps, filler: Filler) -> None:
        filler.add(apps.get_model("orders", "WebhookReceipt"), {"webhook_id": "msg_1", "received_at": NOW})

    def after(self, apps: StateApps) -> None:
        receipt = apps.get_model("orders", "WebhookReceipt").objects.get(webhook_id="msg_1")
        assert (receipt.provider, receipt.outcome, receipt.handled_at) == ("billing", "settled", NOW)

    def back(self, apps: StateApps) -> None:
        assert apps.get_model("orders", "WebhookReceipt").objects.get(pk="msg_1").received_at == NOW


class OutboxDelivery(Story):
    """Events that nobody was told are told now; those that were told then are not told again on the way back."""

    changes = frozenset({"orders_outboxevent.attempts"})

    def before(self, apps: StateApps, filler: Filler) -> None:
        self.event = filler.add(apps.get_model("orders", "OutboxEvent"), {"delivered_at": None, "attempts": 3})

    def after(self, apps: StateApps) -> None:
        event = apps.get_model("orders", "OutboxEvent").objects.get(pk=self.event)
        assert (event.published_at, event.streamed_at) == (None, None)

    def back(self, apps: StateApps) -> None:
        event = apps.get_model("orders", "OutboxEvent").objects.get(pk=self.event)
        assert (event.delivered_at, event.attempts) == (None, 0)


class ProviderOfAttempt(Story):
    """Attempts from before are the billing service's."""

    def before(self, apps: StateApps, filler: Filler) -> None:
        self.attempt = filler.add(apps.get_model("orders", "PaymentAttempt"), {"amount": 5})

    def after(self, apps: StateApps) -> None:
        assert apps.get_model("orders", "PaymentAttempt").objects.get(pk=self.attempt).provider == "billing"


class KeyOfARequest(Story):
    """A key's scope was its session and path in one; it is put together again."""

    changes = frozenset({"checkout_idempotencykey.scope"})

    def before(self, apps: StateApps, filler: Filler) -> None:
        filler.add(apps.get_model("checkout", "IdempotencyKey"), {"scope": "5f1c:/confirm", "key": "mine"})

    def after(self, apps: StateApps) -> None:
        key = apps.get_model("checkout", "IdempotencyKey").objects.get(key="mine")
        assert (key.owner, key.path) == ("session:5f1c", "/confirm")

    def back(self, apps: StateApps) -> None:
        assert apps.get_model("checkout", "IdempotencyKey").objects.get(key="mine").scope == "5f1c:/confirm"


class NoVisitorOfACheckout(Story):
    changes = frozenset({"checkout_checkoutsession.visitor_id"})


class KnownLapses(Story):
    """Checkouts that were left before are abandoned, but for cancelled and paid ones."""

    changes = frozenset({"checkout_checkoutsession.lapsed_at"})
    ENDS = {
        "idle": ("timeout", None),
        "expired": ("timeout", "expired"),
        "failed": ("failure", "failed"),
        "cancelled": ("failure", "cancelled"),
        "paid": ("success", "success"),
    }

    def before(self, apps: StateApps, filler: Filler) -> None:
        order, checkout = apps.get_model("orders", "Order"), apps.get_model("checkout", "CheckoutSession")
        for name, (status, of_order) in self.ENDS.items():
            end = {"paid_at": NOW} if of_order == "success" else {"closed_at": NOW}
            placed = {"order_id": filler.add(order, {"status": of_order} | end)} if of_order else {}
            filler.add(checkout, {"status": status, "language": name, "expires_at": NOW - timedelta(hours=1)} | placed)

    def after(self, apps: StateApps) -> None:
        checkouts = apps.get_model("checkout", "CheckoutSession").objects.filter(language__in=self.ENDS)
        assert dict(checkouts.values_list("language", "lapsed_at")) == {
            "idle": NOW - timedelta(hours=1), "expired": NOW, "failed": NOW, "cancelled": None, "paid": None
        }  # fmt: skip


def partitions() -> Iterator[str]:
    """Of the table of events."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relid::regclass::text FROM pg_partition_tree('sessions_app_sessionevent') WHERE level = 1"
        )
        yield from (name for (name,) in cursor.fetchall())


NOTHING = Story()
STORIES: dict[Key, Story] = {
    ("analytics", "0007_goals_of_months"): GoalsOfMonths(),
    ("catalog", "0003_product_search"): SearchOfProducts(),
    ("checkout", "0003_key_is_of_a_request"): KeyOfARequest(),
    ("checkout", "0005_no_visitor_of_a_checkout"): NoVisitorOfACheckout(),
    ("checkout", "0007_known_lapses"): KnownLapses(),
    ("orders", "0004_decided_money"): DecidedMoney(),
    ("orders", "0005_webhook_inbox"): WebhookInbox(),
    ("orders", "0006_outbox_delivery"): OutboxDelivery(),
    ("orders", "0007_provider_of_attempt"): ProviderOfAttempt(),
    ("sessions_app", "0002_event_partitions"): EventsByMonth(),
}
