from django.db import migrations, models
from django.db.models import Q

import core.money

# Of money that came before this was noted: what paid its order, and what was sent back as not to be counted.
NOTE = """
UPDATE orders_paymentattempt a
SET paid_amount = a.amount, paid_currency = a.currency, counted_at = coalesce(a.resolved_at, a.opened_at)
FROM (
    SELECT DISTINCT ON (p.order_session_id) p.id
    FROM orders_paymentattempt p
    JOIN orders_ordersession s ON s.id = p.order_session_id
    JOIN orders_order o ON o.id = s.order_id
    WHERE p.status = 'success' AND o.status = 'success'
      AND NOT EXISTS (SELECT FROM orders_refund r WHERE r.attempt_id = p.id AND NOT r.was_sale)
    ORDER BY p.order_session_id, (p.resolved_at = o.paid_at) DESC NULLS LAST, p.resolved_at
) paying
WHERE a.id = paying.id;
UPDATE orders_paymentattempt a SET paid_amount = a.amount, paid_currency = a.currency
WHERE a.status = 'success' AND EXISTS (SELECT FROM orders_refund r WHERE r.attempt_id = a.id AND NOT r.was_sale);
"""


class Migration(migrations.Migration):
    """What billing took for an attempt, and whether it counts; nothing counts, or goes back, twice."""

    dependencies = [("orders", "0003_window_rules")]

    operations = [
        migrations.AlterModelOptions(
            name="order",
            options={
                "ordering": ["-placed_at"],
                "permissions": [("resolve_order", "Can decide about money that needs attention")],
            },
        ),
        migrations.AddField(
            model_name="paymentattempt",
            name="paid_amount",
            field=core.money.MoneyField(
                blank=True, decimal_places=3, help_text="What billing says it took.", max_digits=18, null=True
            ),
        ),
        migrations.AddField(
            model_name="paymentattempt",
            name="paid_currency",
            field=models.CharField(blank=True, db_default="", default="", max_length=3),
        ),
        migrations.AddField(
            model_name="paymentattempt",
            name="counted_at",
            field=models.DateTimeField(
                blank=True, help_text="When its money became the order's payment.", null=True
            ),
        ),
        migrations.RunSQL(NOTE, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="paymentattempt",
            constraint=models.UniqueConstraint(
                condition=Q(counted_at__isnull=False),
                fields=("order_session",),
                name="one_payment_counts_an_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(
                condition=Q(was_sale=False), fields=("attempt",), name="money_that_never_counted_goes_back_once"
            ),
        ),
    ]
