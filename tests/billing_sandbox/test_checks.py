"""The sandbox keeps away from production."""

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from billing_sandbox.checks import check_development


def test_the_sandbox_refuses_production(settings: LazySettings) -> None:
    settings.DEVELOPMENT = False
    assert [error.id for error in check_development()] == ["billing_sandbox.E001"]


def test_the_sandbox_runs_in_development() -> None:
    assert check_development() == []


@pytest.mark.urls("tests.billing_sandbox.urls")
def test_the_check_is_registered(settings: LazySettings) -> None:
    settings.DEVELOPMENT = False
    assert "billing_sandbox.E001" in [found.id for found in run_checks()]
