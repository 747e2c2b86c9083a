from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    """How far logs were imported."""

    dependencies = [("sessions_app", "0004_consent_of_session")]

    operations = [
        migrations.CreateModel(
            "AccessLog",
            [
                (
                    "beginning",
                    models.CharField(
                        help_text="Keyed digest of the first line.", max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("position", models.PositiveBigIntegerField(help_text="Bytes before the place, unzipped.")),
                ("lines", models.PositiveBigIntegerField()),
                ("checksum", models.PositiveBigIntegerField(help_text="CRC-32 of these bytes.")),
                (
                    "refused",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="Lines refused before the place by an import that was stopped, and could not tell.",
                    ),
                ),
                (
                    "crawlers",
                    models.JSONField(default=dict, help_text="Page views of crawlers before the place, by day."),
                ),
                ("updated_at", models.DateTimeField(db_default=Now())),
            ],
            {"ordering": ["-updated_at"]},
        ),
    ]
