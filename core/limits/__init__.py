"""How often one may ask: limits by address, by customer and by e-mail address, counted in Redis."""

from core.limits.counted import TOO_MANY, Counted, RateLimitedError
from core.limits.counting import Allowance, allowance, hit
from core.limits.fallback import forget_ended
from core.limits.windows import refusals

__all__ = [
    "TOO_MANY",
    "Allowance",
    "Counted",
    "RateLimitedError",
    "allowance",
    "forget_ended",
    "hit",
    "refusals",
]
