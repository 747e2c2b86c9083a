from django.db import migrations, models


class Migration(migrations.Migration):
    """When expiry asked billing its last question, and who may ask billing at once."""

    dependencies = [
        ("orders", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="paymentattempt",
            name="asked_at",
            field=models.DateTimeField(
                blank=True, help_text="When expiry last asked in vain; in the future while it is asking.", null=True
            ),
        ),
        migrations.AlterModelOptions(
            name="paymentattempt",
            options={
                "ordering": ["opened_at"],
                "permissions": [("check_paymentattempt", "Can ask billing about open payments")],
            },
        ),
    ]
