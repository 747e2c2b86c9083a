"""What a cell of a CSV file may hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spreadsheets import escaped, unescaped


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "\tx", "\rx", "'=x", "''-x"])
def test_what_a_spreadsheet_would_run_is_written_as_text(text: str) -> None:
    assert escaped(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1+1", "-1\n", "--1", "-1.", "-.5", "-1e5", "-٣"])
def test_what_is_not_quite_a_number_below_0_is_written_as_text(text: str) -> None:
    assert escaped(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Mug", "'s-Hertogenbosch", "", "'", "1-2", "a=b", "-1", "-5.00", "1.5"])
def test_other_texts_are_written_as_they_are(text: str) -> None:
    assert escaped(text) == text


@given(st.text("'=+-@\t\rab1.", max_size=6))
def test_what_is_written_reads_the_same(text: str) -> None:
    assert unescaped(escaped(text)) == text
