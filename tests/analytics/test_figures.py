"""Numbers and changes as people read them."""

from decimal import Decimal

import pytest

from analytics.figures import change, share, written
from analytics.metrics import Kind, Number


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [(9504, Kind.COUNT, "9,504"), (Decimal("48.9"), Kind.MONEY, "£48.90"), (Decimal("2.5"), Kind.RATE, "2.50 %")],
)
def test_a_number_is_written_by_its_kind(value: Number, kind: Kind, text: str) -> None:
    assert written(value, kind) == text


@pytest.mark.parametrize(
    ("now", "before", "kind", "text"),
    [
        (112, 100, Kind.COUNT, "▲ +12.0 % up"),
        (Decimal(75), Decimal(100), Kind.MONEY, "▼ −25.0 % down"),
        (Decimal("2.5"), Decimal("3.0"), Kind.RATE, "▼ −0.50 pp down"),
        (5, 0, Kind.COUNT, "▲ new"),
        (0, 5, Kind.COUNT, "▼ −100.0 % down"),
        (0, 0, Kind.COUNT, "= no change"),
        (Decimal(50), Decimal(-100), Kind.MONEY, "▲ +150.0 % up"),
        (Decimal(-150), Decimal(-100), Kind.MONEY, "▼ −50.0 % down"),
        (Decimal(-5), Decimal(0), Kind.MONEY, "▼ new"),
        (100_001, 100_000, Kind.COUNT, "= no change"),
    ],
)
def test_a_change_has_sign_arrow_and_word(now: Number, before: Number, kind: Kind, text: str) -> None:
    assert str(change(now, before, kind)) == text


def test_a_share_of_nothing_is_a_dash() -> None:
    assert (share(1, 3), share(0, 0)) == ("33.3 %", "–")
