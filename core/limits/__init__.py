"""How often one may ask: limits by address, by customer and by e-mail address, counted in Redis."""

from core.limits.counted import TOO_MANY, Counted, RateLimitedError
from core.limits.counting import Allowance, allowance, endpoint_of, hit
from core.limits.fallback import forget_ended
from core.limits.windows import Refusals, refusals

__all__ = [
    "TOO_MANY",
    "Allowance",
    "Counted",
    "RateLimitedError",
    "Refusals",
    "allowance",
    "endpoint_of",
    "forget_ended",
    "hit",
    "refusals",
]
