from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_mail")]

    operations = [
        migrations.CreateModel(
            name="MailText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(editable=False, max_length=60)),
                ("language", models.CharField(editable=False, max_length=10)),
                ("subject", models.CharField(blank=True, max_length=200)),
                ("body", models.TextField(blank=True, max_length=5000, verbose_name="text")),
            ],
            options={
                "ordering": ["kind", "language"],
                "default_permissions": ("view", "change"),
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "language"), name="one_mail_text_a_language"),
                ],
            },
        ),
    ]
