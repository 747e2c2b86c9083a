from django.db import migrations, models


class Migration(migrations.Migration):
    """Attempts remember who opened them; webhooks may come from any provider of the registry."""

    dependencies = [("orders", "0006_outbox_delivery")]

    operations = [
        migrations.AddField(
            "paymentattempt",
            "provider",
            models.CharField(
                db_default="billing",
                default="billing",
                help_text="Who opened it, and is asked about it.",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            "webhookreceipt",
            "provider",
            models.CharField(default="billing", help_text="Who signed it.", max_length=20),
        ),
    ]
