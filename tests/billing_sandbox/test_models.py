"""What the database itself refuses."""

from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from billing_sandbox.models import PaySession, Switches

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"status": "failure"}, "pay_session_settled_has_its_time"),
        ({"status": "open", "settled_at": timezone.now()}, "pay_session_settled_has_its_time"),
        ({"status": "success", "settled_at": timezone.now()}, "pay_session_paid_has_its_time"),
        (
            {"status": "timeout", "settled_at": timezone.now(), "paid_at": timezone.now()},
            "pay_session_paid_has_its_time",
        ),
    ],
)
def test_a_state_has_its_times(values: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name):
        PaySession.objects.create(amount="1.00", currency="GBP", expires_at=timezone.now(), **values)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"pk": 2}, "one_row_of_switches"),
        ({"pk": 1, "error_percent": 101}, "error_rate_is_a_percentage"),
        ({"pk": 1, "latency_ms": 30_001}, "latency_has_an_end"),
    ],
)
def test_switches_stay_in_their_range(values: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name):
        Switches.objects.create(**values)


def test_nobody_has_touched_a_switch_yet() -> None:
    switches = Switches.current()
    assert (switches.webhooks, switches.latency_ms, switches.error_percent, switches.silent) == (
        "send",
        0,
        0,
        False,
    )
    assert not Switches.objects.exists()
