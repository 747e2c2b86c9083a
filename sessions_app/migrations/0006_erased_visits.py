from django.db import migrations, models


class Migration(migrations.Migration):
    """A visit that was erased says so: nothing that comes late is added to it."""

    dependencies = [("sessions_app", "0005_access_logs")]

    operations = [
        migrations.AlterModelOptions(
            "visitorsession",
            options={
                "ordering": ["-started_at"],
                "permissions": [("erase_visitorsession", "Can give out and erase what is held of a visitor")],
            },
        ),
        migrations.AddField(
            "visitorsession",
            "erased_at",
            models.DateTimeField(
                "erased",
                null=True,
                blank=True,
                help_text="Since when it only counts: nothing is added to it any more.",
            ),
        ),
    ]
