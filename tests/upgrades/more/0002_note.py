from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing_sandbox", "0001_initial")]

    operations = [migrations.AddField("switches", "note", models.TextField(null=True))]
