"""A billing service to try the shop with: the real HTTP contract, a pay page. Development only."""

from django.apps import AppConfig
from django.core import checks

from billing_sandbox.checks import check_development


class BillingSandboxConfig(AppConfig):
    """Registers the check that keeps the sandbox away from real money."""

    name = "billing_sandbox"
    verbose_name = "Billing sandbox"

    def ready(self) -> None:
        checks.register(check_development)
