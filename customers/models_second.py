"""The second factor of staff: a secret that their app shares, and codes for the day on which it is lost."""

from django.conf import settings
from django.db import models

from core.ids import new_id


class SecondFactor(models.Model):
    """What an app on somebody's phone makes its codes of (TOTP, RFC 6238). It is there once a code has confirmed it;
    `User.second_factor_since` says the same.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor")
    secret = models.TextField(help_text="Encrypted (`customers.sealing`).")
    last_step = models.BigIntegerField(help_text="The half minute whose code was taken last: each is taken once.")
    browsers = models.UUIDField(
        default=new_id, help_text="Browsers that need no code remember it; they do once it is another."
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"second factor of account {self.user_id}"


class RecoveryCode(models.Model):
    """Stands in for the app once. Of the code only its hash is kept."""

    factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["factor", "code_hash"], name="recovery_code_of_factor")]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"
