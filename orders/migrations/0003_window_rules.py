import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import core.money


class Migration(migrations.Migration):
    """Rules by which staff give some orders another payment window."""

    dependencies = [
        ("catalog", "0003_product_search"),
        ("customers", "0003_customer_groups"),
        ("orders", "0002_last_question"),
    ]

    operations = [
        migrations.CreateModel(
            name="WindowRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "position",
                    models.PositiveIntegerField(
                        default=100, help_text="Rules are tried from the lowest to the highest."
                    ),
                ),
                ("name", models.CharField(max_length=60, unique=True)),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        help_text="One product of it in the order is enough.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="window_rules",
                        to="catalog.category",
                    ),
                ),
                (
                    "minimum_total",
                    core.money.MoneyField(
                        blank=True,
                        decimal_places=3,
                        help_text="From this total on, in the shop's currency.",
                        max_digits=18,
                        null=True,
                    ),
                ),
                (
                    "customer_group",
                    models.ForeignKey(
                        blank=True,
                        help_text="Of customers who are logged in: an e-mail address alone proves nobody.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="window_rules",
                        to="customers.customergroup",
                    ),
                ),
                ("duration_minutes", models.PositiveIntegerField()),
                ("max_attempts", models.PositiveIntegerField()),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "ordering": ["position", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(duration_minutes__gte=1, duration_minutes__lte=1440),
                        name="window_rule_lasts_a_minute_to_a_day",
                        violation_error_message="From 1 to 1440 minutes.",
                    ),
                    models.CheckConstraint(
                        condition=Q(max_attempts__gte=1, max_attempts__lte=20),
                        name="window_rule_has_1_to_20_attempts",
                        violation_error_message="From 1 to 20 attempts.",
                    ),
                    models.CheckConstraint(
                        condition=Q(minimum_total=None) | Q(minimum_total__gte=0),
                        name="window_rule_minimum_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=~Q(category=None, minimum_total=None, customer_group=None),
                        name="window_rule_has_a_condition",
                        violation_error_message="Give a category, a minimum total or a customer group; "
                        "what holds for all orders is in the settings.",
                    ),
                ],
            },
        ),
    ]
