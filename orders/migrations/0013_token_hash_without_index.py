from django.db import migrations, models


class Migration(migrations.Migration):
    """Nobody looks for an order by its token: two indexes less to be written with every order."""

    dependencies = [("orders", "0012_refunds_of_attempts")]

    operations = [migrations.AlterField("order", "access_token_hash", models.CharField(max_length=64))]
