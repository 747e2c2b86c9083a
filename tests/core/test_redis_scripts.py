"""Scripts are known by their hash, and told again when Redis has forgotten them."""

from core import redis as core_redis
from core.redis_scripts import evaluate

SCRIPT = "return {KEYS[1], ARGV[1]}"


def test_a_script_that_redis_has_forgotten_is_told_again() -> None:
    for _ in range(2):
        core_redis.client().script_flush()
        for _ in range(2):
            assert evaluate(core_redis.client(), SCRIPT, ["limit:x"], [7]) == [b"limit:x", b"7"]
