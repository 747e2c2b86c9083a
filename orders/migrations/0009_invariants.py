from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q

CLOSED = ("failed", "expired", "cancelled")
STEPS = """
CREATE FUNCTION orders_order_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'pending' OR (NEW.status = 'success' AND OLD.status <> 'success') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'order % cannot go from % to %', OLD.number, OLD.status, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'order_goes_forward';
END $$;
CREATE TRIGGER order_goes_forward BEFORE UPDATE OF status ON orders_order
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION orders_order_step();
"""
NO_STEPS = """
DROP TRIGGER order_goes_forward ON orders_order;
DROP FUNCTION orders_order_step();
"""
APPEND_ONLY = """
CREATE FUNCTION orders_history_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of orders is only added to'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'order_history_stays';
END $$;
CREATE TRIGGER order_history_is_not_deleted BEFORE DELETE ON orders_orderstatuschange
    FOR EACH ROW EXECUTE FUNCTION orders_history_stays();
CREATE TRIGGER order_history_is_not_changed BEFORE UPDATE ON orders_orderstatuschange
    FOR EACH ROW WHEN (
        (NEW.id, NEW.order_id, NEW.field, NEW.old, NEW.new, NEW.actor, NEW.created_at)
            IS DISTINCT FROM (OLD.id, OLD.order_id, OLD.field, OLD.old, OLD.new, OLD.actor, OLD.created_at)
        OR NEW.reason NOT IN ('', OLD.reason)
    ) EXECUTE FUNCTION orders_history_stays();
"""
NOT_APPEND_ONLY = """
DROP TRIGGER order_history_is_not_deleted ON orders_orderstatuschange;
DROP TRIGGER order_history_is_not_changed ON orders_orderstatuschange;
DROP FUNCTION orders_history_stays();
"""


def check(model, name, condition):
    return AddConstraintNotValid(model, models.CheckConstraint(condition=condition, name=name))


class Migration(migrations.Migration):
    """The invariants of orders and their payment, kept by PostgreSQL for every new row. The next migration looks at the
    old ones, without a lock that would hold up the shop.
    """

    dependencies = [("orders", "0008_order_desk")]

    operations = [
        migrations.AddField(
            "refund",
            "refusals",
            models.PositiveIntegerField(db_default=0, default=0, help_text="Times in a row that billing refused it."),
        ),
        migrations.RunSQL(STEPS, NO_STEPS),
        migrations.RunSQL(APPEND_ONLY, NOT_APPEND_ONLY),
        check("order", "order_status_is_known", Q(status__in=["pending", "success", *CLOSED])),
        check(
            "order",
            "order_fulfilment_is_known",
            Q(fulfillment_status__in=["pending", "processing", "shipped", "delivered", "canceled"]),
        ),
        check(
            "order",
            "order_parts_not_negative",
            Q(subtotal__gte=0, discount_amount__gte=0, shipping_amount__gte=0, tax_amount__gte=0),
        ),
        migrations.RemoveConstraint("order", "order_total_not_negative"),  # a refund is between nothing and it
        migrations.RemoveConstraint("order", "order_paid_has_its_time"),
        check(
            "order",
            "order_paid_has_its_time",
            Q(status="success", paid_at__isnull=False) | (~Q(status="success") & Q(paid_at=None)),
        ),
        check(
            "order",
            "order_closed_has_its_time",
            Q(status__in=CLOSED, closed_at__isnull=False) | (~Q(status__in=CLOSED) & Q(closed_at=None)),
        ),
        check("orderitem", "order_item_not_negative", Q(unit_price__gte=0, line_total__gte=0)),
        check(
            "ordersession",
            "order_session_status_is_known",
            Q(status__in=["active", "expired", "completed", "cancelled"]),
        ),
        check("ordersession", "order_session_ends_after_its_beginning", Q(expires_at__gt=F("started_at"))),
        check(
            "paymentattempt",
            "payment_attempt_status_is_known",
            Q(status__in=["open", "success", "failure", "timeout"]),
        ),
        check("paymentattempt", "payment_attempt_of_something", Q(amount__gt=0)),
        check(
            "paymentattempt",
            "payment_attempt_over_has_its_time",
            Q(status="open", resolved_at=None) | (~Q(status="open") & Q(resolved_at__isnull=False)),
        ),
        check(
            "paymentattempt",
            "payment_attempt_counts_if_money_came",
            Q(counted_at=None) | Q(status="success", paid_amount__isnull=False, paid_amount__gt=0),
        ),
        check(
            "paymentattempt",
            "payment_attempt_took_money_if_success",
            Q(paid_amount=None) | Q(status="success", paid_amount__gte=0),
        ),
        migrations.RemoveConstraint("refund", "money_that_never_counted_goes_back_once"),
        migrations.AddConstraint(
            "refund",
            models.UniqueConstraint(
                fields=["attempt"],
                condition=Q(was_sale=False) & ~Q(status="failed"),
                name="money_that_never_counted_goes_back_once",
            ),
        ),
        check("refund", "refund_status_is_known", Q(status__in=["requested", "done", "failed"])),
        check(
            "refund",
            "refund_made_has_its_time",
            Q(status="done", made_at__isnull=False) | (~Q(status="done") & Q(made_at=None)),
        ),
        check("refund", "refund_requested_is_tried", ~Q(status="requested") | Q(next_try_at__isnull=False)),
    ]
