"""`make check`: everything that can be said about the code without running it, side by side, in under a minute."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from config.embedded import PROJECT

BIN = Path(sys.executable).parent
DEVELOPMENT = {"FOOTFALL_ENV": "development", "BILLING_SANDBOX": "1"}
PRODUCTION = {
    "FOOTFALL_ENV": "production",
    "SECRET_KEY": "Zk3v9tQ1x7Wm4Rb8Yc2Nf6Hj5Lp0Sd-Gu_EaTiOoPq1Ww2Ee3Rr4Tt5Yy6",
    "PUBLIC_URL": "https://shop.example.com",
    "DATABASE_URL": "postgres://nobody@db.example.com/footfall",
    "REDIS_URL": "redis://redis.example.com/0",
    "BILLING_URL": "https://billing.example.com",
    "BILLING_API_KEY": "a-key",
    "EMAIL_URL": "smtp+tls://shop:secret@mail.shop.example:587",
    "BILLING_WEBHOOK_SECRETS": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
    "BILLING_RETURN_URL": "https://www.example.com/orders/{order_id}",
    "ACCOUNT_URL": "https://www.example.com/account",
    "CART_URL": "https://www.example.com/cart",
    "SHOP_NAME": "Example",
    "DEFAULT_FROM_EMAIL": "shop@example.com",
}
COMPOSE = "vendor.compose-spec"
"""Its schema, which comes with the package."""


@dataclass(frozen=True)
class Check:
    """One command that must succeed, in a given environment."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=lambda: DEVELOPMENT)
    told: bool = False
    """Whether what it says is for people also when all is well."""


def manage(*words: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "manage.py", *words]


CHECKS = [
    Check("types", [str(BIN / "mypy"), "."]),
    Check("lint", [str(BIN / "ruff"), "check", "--quiet", "."]),
    Check("format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."]),
    Check("layers", [str(BIN / "lint-imports")]),
    Check("dependencies", [str(BIN / "deptry"), "."]),
    Check("audit", [sys.executable, "-m", "config.audit"], told=True),
    Check("image", [str(BIN / "hadolint"), "Dockerfile"]),
    Check("containers", [str(BIN / "check-jsonschema"), "--builtin-schema", COMPOSE, "docker-compose.yml"]),
    Check("migrations", manage("makemigrations", "--check", "--dry-run")),
    Check("upgrades", [sys.executable, "-m", "config.upgrades"]),
    Check("deploy", manage("check", "--deploy", "--fail-level", "WARNING"), PRODUCTION),
    Check("API schema", manage("spectacular", "--validate", "--fail-on-warn", "--file", os.devnull)),
]


def run(check: Check) -> tuple[Check, bool, str, float]:
    """Runs one check; says whether it held, what it printed, and how many seconds it took."""
    began = monotonic()
    environment = {name: value for name, value in os.environ.items() if name not in PRODUCTION} | check.environment
    done = subprocess.run(check.command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    return check, done.returncode == 0, done.stdout + done.stderr, monotonic() - began


def main() -> None:
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results = list(pool.map(run, CHECKS))
    for check, good, output, seconds in results:
        print(f"{'ok  ' if good else 'FAIL'}  {check.name}  ({seconds:.1f} s)")
        if not good or check.told:
            print(output.rstrip())
    sys.exit(0 if all(good for _check, good, _output, _seconds in results) else 1)


if __name__ == "__main__":
    main()
