import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Orders of another shop keep their numbers; money that it gave back has no payment attempt here."""

    dependencies = [("orders", "0010_invariants_of_old_rows")]

    operations = [
        migrations.AlterField(
            "order",
            "number",
            models.CharField(max_length=40, unique=True),
        ),
        migrations.AlterField(
            "refund",
            "attempt",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="orders.paymentattempt",
            ),
        ),
        migrations.AddField(
            "refund",
            "order",
            models.ForeignKey(
                blank=True,
                help_text="Of an imported refund alone; others are of their attempt's.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="imported_refunds",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            "refund",
            "credit_note",
            models.CharField(
                blank=True, db_default="", default="", help_text="The number of an imported refund.", max_length=42
            ),
        ),
        AddConstraintNotValid(
            "refund",
            models.CheckConstraint(
                condition=Q(attempt__isnull=False, order=None, credit_note="")
                | (Q(attempt=None, status="done", was_sale=True) & ~Q(credit_note="")),
                name="refund_is_of_an_attempt_or_imported",
            ),
        ),
        migrations.AddConstraint(
            "refund",
            models.UniqueConstraint(
                condition=~Q(credit_note=""), fields=("credit_note",), name="credit_note_is_imported_once"
            ),
        ),
    ]
