"""Cursors: opaque, and nobody's but ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.pages import decode_cursor, encode_cursor

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(TEXT, min_size=2, max_size=2))
def test_a_place_comes_back_as_it_went(place: list[str]) -> None:
    assert decode_cursor(encode_cursor(place), 2) == place


@given(st.text(max_size=200))
def test_any_other_text_is_refused_and_nothing_worse(text: str) -> None:
    try:
        place = decode_cursor(text, 2)
    except InvalidInputError:
        return
    assert len(place) == 2


@pytest.mark.parametrize("place", [["a"], ["a", "b", "c"], ["a", "\0"], ["a", "\ud800"]])
def test_a_place_of_another_shape_is_refused(place: list[str]) -> None:
    with pytest.raises(InvalidInputError):
        decode_cursor(encode_cursor(place), 2)
