"""Limits and networks of the settings are read, or refused with a clear sentence."""

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from core.limits.checks import check_limits
from core.limits.policies import MalformedLimitError, Policy, parsed
from core.net import parsed_network


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [
        ("10/5minute", 10, 300),
        ("300/minute", 300, 60),
        ("300/minutes", 300, 60),
        ("1/second", 1, 1),
        ("5/2hour", 5, 7200),
        ("1000/day", 1000, 86_400),
    ],
)
def test_a_limit_is_a_number_a_slash_and_a_time(text: str, amount: int, seconds: int) -> None:
    assert parsed("initiate", text) == Policy("initiate", amount, seconds)


@pytest.mark.parametrize(
    "text",
    ["", "10", "/minute", "0/minute", "10/0minute", "-1/minute", "1.5/minute", "10/fortnight", "10/minute;5/second",
     "10/2day", "10/minute\n", "ten/minute", "٣/minute", "9" * 20 + "/minute", "10/month"],
)  # fmt: skip
def test_anything_else_is_no_limit(text: str) -> None:
    with pytest.raises(MalformedLimitError, match="is no limit"):
        parsed("initiate", text)


@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "10.0.0.1/8", "localhost", "10.0.0.0-10.0.0.9", "::1/129"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"IPv4 or IPv6|host bits"):
        parsed_network(text)


def test_the_usual_settings_are_sound() -> None:
    assert [message for message in run_checks() if message.id in ("core.E001", "core.E002")] == []


def test_the_check_names_the_setting_and_what_is_wrong(settings: LazySettings) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"initiate": "often"}
    settings.RATE_LIMITS_CUSTOMER = settings.RATE_LIMITS_CUSTOMER | {"confirm": "0/minute"}
    settings.RATE_LIMIT_ALLOWLIST = ["10.0.0.0/8", "the office"]
    settings.METRICS_ALLOWLIST = ["everybody"]
    assert [(message.id, message.msg) for message in check_limits()] == [
        ("core.E001", "RATE_LIMIT_INITIATE: 'often' is no limit; write it like 10/5minute (a day at most)."),
        ("core.E001", "RATE_LIMIT_CONFIRM_CUSTOMER: '0/minute' is no limit; write it like 10/5minute (a day at most)."),
        (
            "core.E002",
            "RATE_LIMIT_ALLOWLIST: 'the office' does not appear to be an IPv4 or IPv6 network.",
        ),
        ("core.E002", "METRICS_ALLOWLIST: 'everybody' does not appear to be an IPv4 or IPv6 network."),
    ]
