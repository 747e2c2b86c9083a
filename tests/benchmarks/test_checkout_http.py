"""What the flows' client reads."""

import pytest

from benchmarks.checkout_http import checkout_named_in
from benchmarks.measurement import NotDoneError


def test_the_checkout_is_read_from_the_first_answer() -> None:
    checkout_id = "01a213f2-cfca-763c-b73e-0123456789ab"
    assert checkout_named_in(b'{"success":true,"data":{"checkoutId":"%s"}}' % checkout_id.encode()) == checkout_id


def test_an_answer_without_checkout_is_no_figure() -> None:
    with pytest.raises(NotDoneError, match="no checkout is named"):
        checkout_named_in(b"{}")
