from django.db import migrations


class Migration(migrations.Migration):
    """A permission for those who answer customers."""

    dependencies = [("customers", "0005_second_factor")]

    operations = [
        migrations.AlterModelOptions(
            "customer",
            options={
                "ordering": ["-created_at"],
                "permissions": [("erase_customer", "Can give out and erase what is held of a customer")],
            },
        ),
    ]
