import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now


class Migration(migrations.Migration):
    """What staff do with an order: how its parcel is followed, what a refund is for, comments, who may."""

    dependencies = [("orders", "0007_provider_of_attempt")]

    operations = [
        migrations.AlterModelOptions(
            "order",
            {
                "ordering": ["-placed_at"],
                "permissions": [
                    ("resolve_order", "Can decide about money that needs attention"),
                    ("fulfil_order", "Can say how far an order is on its way"),
                    ("refund_order", "Can send back money of a paid order"),
                ],
            },
        ),
        migrations.AddField(
            "order", "carrier", models.CharField(blank=True, db_default="", default="", max_length=60)
        ),
        migrations.AddField(
            "order", "tracking_number", models.CharField(blank=True, db_default="", default="", max_length=100)
        ),
        migrations.AddField(
            "order",
            "tracking_url",
            models.CharField(blank=True, db_default="", default="", max_length=500, verbose_name="tracking page"),
        ),
        migrations.AddIndex(
            "order", models.Index(fields=["fulfillment_status", "-placed_at"], name="order_by_fulfilment")
        ),
        migrations.AddField(
            "refund",
            "pieces",
            models.JSONField(
                blank=True, db_default={}, default=dict, help_text="What it is for: line to pieces."
            ),
        ),
        migrations.CreateModel(
            name="OrderComment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(max_length=2000)),
                ("actor", models.CharField(help_text="The e-mail of whoever wrote it.", max_length=120)),
                ("created_at", models.DateTimeField(db_default=Now())),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="comments", to="orders.order"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": ("view", "add"),
                "constraints": [
                    models.CheckConstraint(condition=~Q(text=""), name="order_comment_says_something")
                ],
            },
        ),
    ]
