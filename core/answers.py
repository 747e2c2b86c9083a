"""What is said of an answer in its headers."""

from __future__ import annotations

from collections.abc import Mapping

from django.http.response import HttpResponseBase

Headers = dict[str, tuple[str, str]]
"""As Django's answers hold them: by the name in lower case, the name as it is sent and the value."""


def prepared(headers: Mapping[str, str]) -> Headers:
    """Headers as an answer holds them. Their text must be ours: ASCII, and one line."""
    return {name.lower(): (name, value) for name, value in headers.items()}


def say(response: HttpResponseBase, headers: Mapping[str, str]) -> None:
    """Sets headers whose text is ours. Django would look at each letter: of eight headers that takes as long as some
    answers.
    """
    response.headers._store.update(prepared(headers))
