"""Scripts are known by their hash, and told again when Redis has forgotten them."""

import pytest

from core import redis as core_redis
from core.redis_scripts import evaluate

SCRIPT = "return {KEYS[1], ARGV[1]}"


def test_a_script_that_redis_has_forgotten_is_told_again() -> None:
    for _ in range(2):
        core_redis.client().script_flush()
        for _ in range(2):
            assert evaluate(core_redis.client(), SCRIPT, ["limit:x"], [7]) == [b"limit:x", b"7"]


def test_control_what_a_cluster_would_refuse_is_noticed() -> None:
    """Every test looks out for it: tests/one_slot.py."""
    with pytest.raises(AssertionError, match="a cluster would refuse"):
        evaluate(core_redis.client(), SCRIPT, ["a", "b"], [7])
    with pytest.raises(AssertionError, match="a cluster would refuse"):
        core_redis.client().pipeline(transaction=True).set("a", 1).set("b", 1).execute()
