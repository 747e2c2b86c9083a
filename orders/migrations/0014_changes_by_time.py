from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What has changed lately is found by when it did: the days of these orders are computed again."""

    atomic = False
    dependencies = [("orders", "0013_token_hash_without_index")]

    operations = [
        AddIndexConcurrently("orderstatuschange", models.Index(fields=["created_at"], name="order_change_by_time"))
    ]
