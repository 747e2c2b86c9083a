"""What a shop in production must be given."""

import subprocess
import sys

import pytest

from config.check import PRODUCTION
from config.embedded import PROJECT

LOAD = "import django; django.setup()"


def load(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-W", "ignore", "-c", LOAD]
    whole = environment | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.run(words, cwd=PROJECT, env=whole, capture_output=True, text=True, check=False)


def test_a_shop_with_all_its_keys_loads() -> None:
    done = load(PRODUCTION)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL", "BILLING_API_KEY", "EMAIL_URL"]
)
def test_a_shop_without_one_of_them_says_which(name: str) -> None:
    done = load({key: value for key, value in PRODUCTION.items() if key != name})
    assert done.returncode != 0
    assert f"{name} is not set" in done.stderr
