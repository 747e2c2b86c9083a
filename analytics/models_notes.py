"""What staff know of a day and its figures do not say."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Annotation(models.Model):
    """A note on a day, `sale started`, shown on every chart that has the day."""

    day = models.DateField(db_index=True)
    text = models.CharField(max_length=80)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["-day", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(text=""),
                name="annotation_says_something",
                violation_error_message="A note says something.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.text}"
