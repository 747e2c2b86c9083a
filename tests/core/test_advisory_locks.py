"""Numbers of advisory locks: two modules with the same one would wait for each other, or not at all."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r'^\w+ = ([\d_]+)\n"""Number of the advisory lock', re.M)
ASKS = re.compile(r"pg_(?:try_)?advisory_(?:xact_)?lock\(%s\)")
OURS = ("analytics", "catalog", "checkout", "config", "core", "customers", "orders", "sessions_app")


def texts() -> list[str]:
    return [path.read_text() for app in OURS for path in sorted((ROOT / app).rglob("*.py"))]


def test_each_module_has_an_advisory_lock_of_its_own() -> None:
    numbers = [int(number) for text in texts() for number in NUMBER.findall(text)]
    assert len(numbers) == len(set(numbers)) >= 5


def test_each_module_that_asks_for_a_lock_by_number_says_its_number() -> None:
    assert all(NUMBER.search(text) for text in texts() if ASKS.search(text))
