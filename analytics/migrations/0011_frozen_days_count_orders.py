from django.db import migrations, models


class Migration(migrations.Migration):
    """What a frozen day is, in other words. The table stays as it is."""

    dependencies = [("analytics", "0010_annotations")]

    operations = [
        migrations.AlterField(
            "dailymetrics",
            "is_frozen",
            models.BooleanField(
                default=False, db_default=False, help_text="Its visits are being removed: only orders are counted again."
            ),
        )
    ]
