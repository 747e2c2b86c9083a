"""What a user agent string says: device, browser, system, and whether it is a person's at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import crawleruseragents
from user_agents import parsers

from sessions_app.models import Device

LONGEST = 512
"""Characters of a user agent that are looked at, and stored."""

PARSE: Callable[[str], Any] = parsers.parse
"""The library has no types."""


@dataclass(frozen=True)
class Agent:
    """A user agent as we understand it. Names are "" where it does not say."""

    device: Device
    browser: str = ""
    os: str = ""
    is_bot: bool = False


def parse(user_agent: str) -> Agent:
    """What the string says. Crawlers and tools that the two libraries know are bots; so is who gives no name,
    because every browser does.

    A string costs half a millisecond once, then it is remembered.
    """
    return _parse(user_agent[:LONGEST])


@lru_cache(maxsize=8192)
def _parse(user_agent: str) -> Agent:
    if user_agent in ("", "-") or crawleruseragents.is_crawler(user_agent):
        return Agent(Device.BOT, is_bot=True)
    parsed = PARSE(user_agent)
    if parsed.is_bot:
        return Agent(Device.BOT, is_bot=True)
    return Agent(device=_device(parsed, user_agent), browser=_name(parsed.browser.family), os=_name(parsed.os.family))


def _device(parsed: Any, user_agent: str) -> Device:
    if parsed.is_tablet:
        return Device.TABLET
    if parsed.is_mobile:
        return Device.MOBILE
    # The parser does not take the BSDs and old Windows for desktops.
    if parsed.is_pc or "X11" in user_agent or "Windows" in user_agent:
        return Device.DESKTOP
    return Device.OTHER


def _name(family: str) -> str:
    return "" if family == "Other" else family[:64]
