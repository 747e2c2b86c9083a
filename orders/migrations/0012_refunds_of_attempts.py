from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Every refund that was there before is of its attempt."""

    dependencies = [("orders", "0011_imported_orders")]

    operations = [ValidateConstraint("refund", "refund_is_of_an_attempt_or_imported")]
