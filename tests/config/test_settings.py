"""What a shop in production must be given."""

import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis

from config.check import PRODUCTION
from config.embedded import PORT_FILE, PROJECT
from config.settings import database, env

LOAD = "import sys, django; django.setup(); print(*sys.modules)"


def load(environment: dict[str, str], code: str = LOAD) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-W", "ignore", "-c", code]
    whole = environment | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.run(words, cwd=PROJECT, env=whole, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def loaded() -> subprocess.CompletedProcess[str]:
    """One with all its keys."""
    return load(PRODUCTION)


def test_a_shop_with_all_its_keys_loads(loaded: subprocess.CompletedProcess[str]) -> None:
    assert loaded.returncode == 0, loaded.stderr


def test_a_shop_without_a_sentry_does_not_load_its_library(loaded: subprocess.CompletedProcess[str]) -> None:
    assert "config.apps" in loaded.stdout.split()
    assert "sentry_sdk" not in loaded.stdout.split()


def test_a_form_of_the_log_that_there_is_not_is_refused() -> None:
    done = load(PRODUCTION | {"LOG_FORMAT": "xml"})
    assert done.returncode != 0
    assert "LOG_FORMAT is 'xml'; it can be json or line." in done.stderr


STRIPE = {"PAYMENT_PROVIDER": "stripe", "STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRETS": "whsec_1"}
AT_STRIPE = {name: value for name, value in PRODUCTION.items() if not name.startswith("BILLING_")} | STRIPE


def test_a_shop_that_is_paid_by_stripe_needs_nothing_of_billing() -> None:
    done = load(AT_STRIPE)
    assert done.returncode == 0, done.stderr


GROWN = {
    "DATABASE_DIRECT_URL": PRODUCTION["DATABASE_URL"],
    "DATABASE_REPLICA_URL": PRODUCTION["DATABASE_URL"],
    "REDIS_CLUSTER": "1",
    "CACHE_URL": "redis://cache.example.com/0",
    "CELERY_BROKER_URL": "redis://queues.example.com/0",
}


def test_a_shop_that_has_grown_loads() -> None:
    done = load(PRODUCTION | GROWN)
    assert done.returncode == 0, done.stderr


def test_a_cluster_holds_neither_queues_nor_cache() -> None:
    done = load(PRODUCTION | GROWN | {"CACHE_URL": PRODUCTION["REDIS_URL"]})
    assert done.returncode != 0
    assert "CACHE_URL and CELERY_BROKER_URL" in done.stderr


def test_connections_inside_are_encrypted_if_their_addresses_say_so() -> None:
    asked = database("postgres://shop@db.example.com/shop?sslmode=verify-full")["OPTIONS"]
    kept: Any = redis.Redis.from_url("rediss://redis.example.com/0").connection_pool.make_connection()
    sent: Any = env
    assert asked["sslmode"] == "verify-full"
    assert (type(kept), kept.cert_reqs) == (redis.SSLConnection, ssl.CERT_REQUIRED)
    assert sent.email_url_config("smtp+tls://shop:secret@mail.example.com:587")["EMAIL_USE_TLS"]


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"])
def test_a_shop_that_is_paid_by_stripe_does_not_start_without_its_keys(name: str) -> None:
    done = load({key: value for key, value in AT_STRIPE.items() if key != name})
    assert done.returncode != 0
    assert f"{name} is not set" in done.stderr


@pytest.mark.parametrize("name", ["DEBUG", "BILLING_SANDBOX", "STOREFRONT"])
def test_a_shop_in_production_refuses_what_is_for_development(name: str) -> None:
    done = load(PRODUCTION | {name: "1"})
    assert done.returncode != 0
    assert name in done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "PUBLIC_URL",
        "DATABASE_URL",
        "REDIS_URL",
        "BILLING_API_KEY",
        "BILLING_WEBHOOK_SECRETS",
        "EMAIL_URL",
    ],
)
def test_a_shop_without_one_of_them_says_which(name: str) -> None:
    done = load({key: value for key, value in PRODUCTION.items() if key != name})
    assert done.returncode != 0
    assert f"{name} is not set" in done.stderr


def test_pages_to_pay_at_are_those_of_billing_and_stripe_and_what_the_shop_names() -> None:
    named = {"BILLING_URL": "https://billing.example.com:8443/x", "PAYMENT_HOSTS": "pay.example.com,paypal.com"}
    done = load(PRODUCTION | named, "from config.settings import PAYMENT_HOSTS; print(*sorted(PAYMENT_HOSTS))")
    assert done.stdout.split() == ["billing.example.com", "checkout.stripe.com", "pay.example.com", "paypal.com"]


PUBLIC_URL = "import django; django.setup(); from django.conf import settings; print(settings.PUBLIC_URL)"


def test_a_command_names_the_port_at_which_the_shop_of_its_home_listens(tmp_path: Path) -> None:
    (tmp_path / PORT_FILE).write_text("8061")
    tried = {"FOOTFALL_ENV": "development", "FOOTFALL_HOME": str(tmp_path), "PORT": "8000"}
    assert load(tried, PUBLIC_URL).stdout.strip() == "http://localhost:8061"


def test_a_command_of_a_home_without_a_running_shop_names_the_port_of_the_settings(tmp_path: Path) -> None:
    tried = {"FOOTFALL_ENV": "development", "FOOTFALL_HOME": str(tmp_path), "PORT": "8033"}
    assert load(tried, PUBLIC_URL).stdout.strip() == "http://localhost:8033"
