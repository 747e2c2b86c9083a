"""How a client stands with a limit, and how that is told: in headers, and by a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from django.utils.translation import gettext_lazy as _

from core.clock import now
from core.errors import DomainError
from core.limits.policies import Policy

TOO_MANY = _("Too many requests. Please wait a moment and try again.")


@dataclass(frozen=True)
class Counted:
    """A request was counted. `used` is how many there were with it, `left` the seconds until counting begins anew."""

    policy: Policy
    used: int
    left: float

    @property
    def refused(self) -> bool:
        """Whether it is one too many."""
        return self.used > self.policy.amount

    @property
    def first_refused(self) -> bool:
        """Whether it is the first of its window that is one too many. Counting is atomic, so there is one."""
        return self.used == self.policy.amount + 1

    @property
    def remaining(self) -> int:
        """How many more may come in this window."""
        return max(0, self.policy.amount - self.used)

    @property
    def seconds(self) -> int:
        """Whole seconds until counting begins anew, at least one."""
        return max(1, ceil(self.left))

    @property
    def headers(self) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers, and for older clients `X-RateLimit-*` (`Reset` in Unix seconds)."""
        remaining, seconds = str(self.remaining), self.seconds
        told = {
            **self.policy.headers,
            "RateLimit": f'"{self.policy.name}";r={remaining};t={seconds}',
            "X-RateLimit-Remaining": remaining,
            "X-RateLimit-Reset": str(int(now().timestamp()) + seconds),
        }
        return told | {"Retry-After": str(seconds)} if self.refused else told


class RateLimitedError(DomainError):
    """Too many requests; `counted` says of what, and when the next may come."""

    code, status = "RATE_LIMITED", 429
    message = TOO_MANY

    def __init__(self, counted: Counted) -> None:
        super().__init__()
        self.counted = counted


def binding(counted: list[Counted]) -> Counted:
    """The one that tells the client most: what refused it, else what has least left; of two alike the later."""
    last = counted[-1]
    if len(counted) == 1 or last.refused:
        return last
    return min(reversed(counted), key=lambda each: each.remaining)
