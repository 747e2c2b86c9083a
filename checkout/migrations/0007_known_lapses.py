"""When the checkouts of before were abandoned. Those whose order was cancelled were not: somebody chose that."""

from django.db import migrations

FILL = """
UPDATE checkout_checkoutsession SET lapsed_at = expires_at WHERE status = 'timeout' AND order_id IS NULL;
UPDATE checkout_checkoutsession c SET lapsed_at = coalesce(o.closed_at, c.updated_at) FROM orders_order o
WHERE o.id = c.order_id AND (c.status, o.status) IN (('timeout', 'expired'), ('failure', 'failed'));
"""


class Migration(migrations.Migration):
    dependencies = [("checkout", "0006_abandoned")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
