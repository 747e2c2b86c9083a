"""No table with personal fields is forgotten when people ask for their data or for its end."""

import pytest

from core import personal_data
from core.personal_data import NOT_PERSONAL, parts, personal_fields, unregistered
from orders.models import Order
from sessions_app.models import VisitorSalt


def test_every_table_that_looks_personal_is_given_out_and_erased() -> None:
    assert unregistered() == [], "register it with the `personal.py` of its app, or say in NOT_PERSONAL why not"


@pytest.mark.parametrize("name", ["customers", "visits", "orders", "checkout", "mails"])
def test_the_control_without_a_part_its_tables_are_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = parts[name].tables
    monkeypatch.setattr(personal_data, "parts", {key: part for key, part in parts.items() if key != name})
    assert set(unregistered()) <= missing
    assert len(unregistered()) >= len(missing) - 3


def test_fields_are_judged_by_their_names_and_by_whom_they_point_to() -> None:
    found = personal_fields(Order)
    assert {"customer", "email", "phone", "first_name", "shipping_address", "visitor_session"} <= set(found)
    assert not {"number", "total", "status"} & set(found)
    assert personal_fields(VisitorSalt) == []


def test_exemptions_have_their_reasons() -> None:
    assert all(len(reason) > 5 for reason in NOT_PERSONAL.values())


def test_those_above_are_erased_before_those_below() -> None:
    order = list(parts)
    assert order.index("customers") < order.index("visits") < order.index("orders") < order.index("checkout")
