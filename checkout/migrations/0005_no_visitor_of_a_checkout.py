"""A checkout does not know its visitor: its visit does, and what the visitor chooses may change it.

The way back gives each checkout the id of its visit, or any: nobody reads it again.
"""

from django.db import migrations, models

FILL = "UPDATE checkout_checkoutsession SET visitor_id = coalesce(visitor_session_id, gen_random_uuid())"


class Migration(migrations.Migration):
    dependencies = [("checkout", "0004_version_of_the_price_tables")]

    operations = [
        migrations.AlterField("checkoutsession", "visitor_id", models.UUIDField(null=True)),
        migrations.RunSQL(migrations.RunSQL.noop, FILL),
        migrations.RemoveField("checkoutsession", "visitor_id"),
    ]
