from django.db import migrations, models


class Migration(migrations.Migration):
    """Days whose numbers wait because something of their visits came late, or was erased."""

    dependencies = [("sessions_app", "0006_erased_visits")]

    operations = [
        migrations.CreateModel(
            name="LateDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
            ],
        ),
    ]
