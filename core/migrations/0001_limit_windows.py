"""Rate limits while Redis is away."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="LimitWindow",
            fields=[
                ("key", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("used", models.PositiveIntegerField()),
                ("ends_at", models.DateTimeField()),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AddIndex(
            model_name="limitwindow",
            index=models.Index(fields=["ends_at"], name="limit_window_ends"),
        ),
        # What it holds is worth nothing a few minutes later: no write-ahead log for it.
        migrations.RunSQL("ALTER TABLE core_limitwindow SET UNLOGGED", "ALTER TABLE core_limitwindow SET LOGGED"),
    ]
