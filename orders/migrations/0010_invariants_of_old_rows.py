from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

KEPT = {
    "order": [
        "order_status_is_known",
        "order_fulfilment_is_known",
        "order_parts_not_negative",
        "order_paid_has_its_time",
        "order_closed_has_its_time",
    ],
    "orderitem": ["order_item_not_negative"],
    "ordersession": ["order_session_status_is_known", "order_session_ends_after_its_beginning"],
    "paymentattempt": [
        "payment_attempt_status_is_known",
        "payment_attempt_of_something",
        "payment_attempt_over_has_its_time",
        "payment_attempt_counts_if_money_came",
        "payment_attempt_took_money_if_success",
    ],
    "refund": ["refund_status_is_known", "refund_made_has_its_time", "refund_requested_is_tried"],
}


class Migration(migrations.Migration):
    """Every row that was there before keeps the invariants too; where one does not, PostgreSQL says which it breaks."""

    dependencies = [("orders", "0009_invariants")]

    operations = [ValidateConstraint(model, name) for model, names in KEPT.items() for name in names]
