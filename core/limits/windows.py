"""Counting in Redis: all the limits of a request in one atomic round trip.

A window begins with the first request in it. What `limits` itself would do takes three round trips a limit (to count,
to read, to read the time left) and three times the processor time; of it only the grammar and its windows are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache

from core import redis as core_redis
from core.counts import DAYS_KEPT, ByDay, read_days
from core.limits.counted import Counted
from core.limits.policies import Counter
from core.redis_scripts import evaluate

REFUSALS_SECONDS = DAYS_KEPT * 24 * 60 * 60

# What `count` of a script does: answers count and ms left. The refusals are today's.
COUNTING = """
local function count(counter, refusals, amount, window, name, kept)
    local used, left = redis.call('INCR', counter), redis.call('PTTL', counter)
    if left < 0 then
        left = tonumber(window)
        redis.call('PEXPIRE', counter, left)
    end
    if used > tonumber(amount) then
        redis.call('HINCRBY', refusals, name, 1)
        redis.call('EXPIRE', refusals, kept)
    end
    return used, left
end
"""
# KEYS: the counters, then today's refusals. ARGV: of each counter its amount, its window in ms and its name, then for
# how many seconds refusals are kept. Those after one that refuses are not touched.
COUNT = (
    COUNTING
    + """
local told = {}
for i = 1, #KEYS - 1 do
    local amount, window, name = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
    local used, left = count(KEYS[i], KEYS[#KEYS], amount, window, name, ARGV[#ARGV])
    told[2 * i - 1], told[2 * i] = used, left
    if used > tonumber(amount) then break end
end
return told
"""
)


def count(counters: Sequence[Counter], *, now: datetime) -> list[Counted]:
    """Counts one request on each, in order, up to the first that refuses it. `now` is UTC.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    words = [word for each in counters for word in words_of(each)] + [REFUSALS_SECONDS]
    keys = [key(each) for each in counters] + [refusals_key(now.date())]
    told: list[int] = core_redis.call(lambda client: evaluate(client, COUNT, keys, words))
    return [
        Counted(each.policy, used, left / 1000)
        for each, used, left in zip(counters, told[::2], told[1::2], strict=False)  # those after a refusal are missing
    ]


def words_of(counter: Counter) -> tuple[str | int, ...]:
    """What a script is told of a counter: its amount, its window in ms and its name."""
    return counter.policy.amount, counter.policy.seconds * 1000, counter.policy.name


def key(counter: Counter) -> str:
    """A counter in Redis. All carry the hash tag of visits, so that one script may touch all that a request does."""
    return f"limit:{{visits}}:{counter.policy.name}:{counter.client}"


@lru_cache(maxsize=2 * DAYS_KEPT)
def refusals_key(day: date) -> str:
    """The refusals of a UTC day."""
    return f"limit:{{visits}}:refused:{day.isoformat()}"


def refusals(*, now: datetime) -> ByDay:
    """How many requests were refused, by UTC day (the newest first) and limit. Those without Redis are in the log only.

    `now` is UTC.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    return read_days(refusals_key, now=now)
