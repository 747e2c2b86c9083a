"""Channels that staff add to the built-in sets."""

from django.db import migrations, models
from django.db.models.functions import Lower, Now


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0002_event_partitions")]

    operations = [
        migrations.CreateModel(
            "ChannelRule",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("referrer host", "Referrer host, with its subdomains"),
                            ("utm source", "utm_source"),
                            ("utm medium", "utm_medium"),
                        ],
                        default="referrer host",
                        max_length=13,
                    ),
                ),
                ("value", models.CharField(max_length=255)),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("direct", "Direct"),
                            ("organic search", "Organic Search"),
                            ("paid", "Paid"),
                            ("social", "Social"),
                            ("e-mail", "Email"),
                            ("referral", "Referral"),
                            ("campaign", "Campaign"),
                        ],
                        max_length=16,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(db_default=Now())),
            ],
            {
                "ordering": ["kind", "value"],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "value"), name="one_channel_rule_a_value"),
                    models.CheckConstraint(
                        condition=models.Q(("value", Lower("value")), models.Q(("value", ""), _negated=True)),
                        name="channel_rule_in_lower_case",
                    ),
                ],
            },
        ),
    ]
