"""Counting in Redis: all the limits of a request in one atomic round trip.

A window begins with the first request in it. What `limits` itself would do takes three round trips a limit (to count,
to read, to read the time left) and three times the processor time; of it only the grammar and its windows are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache

from core import redis as core_redis
from core.counts import DAYS_KEPT, read_days
from core.limits.counted import Counted
from core.limits.policies import Counter
from core.redis import Client, RedisAwayError
from core.redis_scripts import evaluate

Refusals = dict[str, dict[str, dict[str, int]]]
REFUSALS_SECONDS = DAYS_KEPT * 24 * 60 * 60

# What `count` of a script does: counts on so many counters, whose keys begin at `key` and whose words at `word`.
# Answers count and ms left of each, and whether one refuses: those after it are not touched. KEYS there: the counters,
# then today's refusals. ARGV: of each counter its amount, its window in ms and the name of its refusals, then for how
# many seconds these are kept.
COUNTING = """
local function count(key, word, many)
    local told, refusals, kept = {}, KEYS[key + many], ARGV[word + 3 * many]
    for i = 0, many - 1 do
        local counter, amount, window, name = KEYS[key + i], ARGV[word + 3 * i], ARGV[word + 3 * i + 1],
            ARGV[word + 3 * i + 2]
        local used, left = redis.call('INCR', counter), redis.call('PTTL', counter)
        if left < 0 then
            left = tonumber(window)
            redis.call('PEXPIRE', counter, left)
        end
        told[2 * i + 1], told[2 * i + 2] = used, left
        if used > tonumber(amount) then
            redis.call('HINCRBY', refusals, name, 1)
            redis.call('EXPIRE', refusals, kept)
            return told, true
        end
    end
    return told, false
end
"""
COUNT = (
    COUNTING
    + """
local told = count(1, 1, #KEYS - 1)
return told
"""
)


def count(counters: Sequence[Counter], *, endpoint: str, now: datetime) -> list[Counted]:
    """Counts one request on each, in order, up to the first that refuses it. `now` is UTC.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    keys, words = keys_of(counters, now=now), words_of(counters, endpoint)
    told: list[int] = core_redis.call(lambda client: evaluate(client, COUNT, keys, words))
    return counted_of(counters, told)


def keys_of(counters: Sequence[Counter], *, now: datetime) -> list[str]:
    """The KEYS of `COUNTING`."""
    return [each.key for each in counters] + [refusals_key(now.date())]


def words_of(counters: Sequence[Counter], endpoint: str) -> list[str | int]:
    """The ARGV of `COUNTING`."""
    words: list[str | int] = []
    for each in counters:
        words += (each.policy.amount, each.policy.seconds * 1000, f"{each.policy.name} {endpoint}")
    return [*words, REFUSALS_SECONDS]


def counted_of(counters: Sequence[Counter], told: Sequence[int]) -> list[Counted]:
    """What a script has counted. Those after one that refused are missing."""
    return [
        Counted(each.policy, used, left / 1000)
        for each, used, left in zip(counters, told[::2], told[1::2], strict=False)
    ]


@lru_cache(maxsize=2 * DAYS_KEPT)
def refusals_key(day: date) -> str:
    """The refusals of a UTC day."""
    return f"limit:{{visits}}:refused:{day.isoformat()}"


def note_refusal(counter: Counter, endpoint: str, *, now: datetime) -> None:
    """Counts a refusal of a limit that is kept elsewhere; not while Redis is away. `now` is UTC."""

    def write(client: Client) -> None:
        key = refusals_key(now.date())
        client.hincrby(key, f"{counter.policy.name} {endpoint}", 1)
        client.expire(key, REFUSALS_SECONDS)

    with suppress(RedisAwayError):
        core_redis.call(write)


def refusals(*, now: datetime) -> Refusals:
    """How many requests were refused, by UTC day (the newest first), limit and endpoint. Those without Redis are in
    the log only. `now` is UTC.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    found: Refusals = {}
    for day, numbers in read_days(refusals_key, now=now).items():
        for name, number in numbers.items():
            limit, _space, endpoint = name.partition(" ")
            found.setdefault(day, {}).setdefault(limit, {})[endpoint] = number
    return found
