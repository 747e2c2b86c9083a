"""What the mean duration and the payment success were made of, so that days can be added. Rows that are there get it
from their means; the next computation makes it exact."""

from django.db import migrations, models

FROM_MEANS = """
UPDATE analytics_dailymetrics
   SET session_seconds = (avg_session_duration * total_visits)::numeric(18, 6),
       placed_and_paid = round(payment_success_rate * placed_orders / 100)
"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0001_initial")]
    operations = [
        migrations.AddField(
            "dailymetrics", "session_seconds", models.DecimalField(max_digits=18, decimal_places=6, default=0)
        ),
        migrations.AddField("dailymetrics", "placed_and_paid", models.PositiveIntegerField(default=0)),
        migrations.RunSQL(FROM_MEANS, migrations.RunSQL.noop),
    ]
