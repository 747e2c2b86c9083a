"""Keys for staff's own programs."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from core.ids import new_id

SCOPES = {"analytics.view_dailymetrics": "Read the stats"}
"""What a token may be for: a permission, which whoever it belongs to must have as well."""


class ApiToken(models.Model):
    """Lets a program in as a member of staff, for some things, for a while. Of the token only its hash is kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey("customers.User", on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60, help_text="What it is for, such as the name of the program.")
    begins = models.CharField(max_length=12, editable=False, help_text="How the token begins, to tell it by.")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=100, choices=list(SCOPES.items())))
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "API token"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "-created_at"], name="api_token_of_user")]

    def __str__(self) -> str:
        return self.name
