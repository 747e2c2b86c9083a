"""What a user agent string says: device, browser, system, and whether it is a person's at all.

Two libraries know most crawlers and tools. To what they miss, two rules of ours:

- Who names itself with an address (`+http://...`, a web or an e-mail address) and no engine of a browser is a robot:
  feed readers, monitors and crawlers write theirs there for whom they bother. With the plus it is one in any case,
  also if it calls itself a browser: that is the crawlers' spelling. Without the plus an engine decides, because old
  Internet Explorers carry addresses of toolbars. So a crawler is rather counted than a visitor lost.
- Who has the name that an HTTP library gives to programs without one (`node`, `Dart/3.2 (dart:io)`) is a tool, as are
  those of the libraries (`okhttp/4.12.0`, `Go-http-client/1.1`). A shop's app or server may well be called so: it
  begins with `POST /storefront/session`, which asks for no user agent, and whoever shows a valid session is never
  taken for a robot. One that names itself (`OurShopApp/3.1`) is none anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import crawleruseragents
from user_agents import parsers

from core.net import printable
from sessions_app.models import Device

LONGEST = 512
"""Characters of a user agent that are looked at, and stored."""

PARSE: Callable[[str], Any] = parsers.parse
"""The library has no types."""

CRAWLERS_ADDRESS = re.compile(r"\+ ?https?://", re.IGNORECASE)
ADDRESS = re.compile(r"https?://|[\w.+-]@[\w-]+\.[a-z]", re.IGNORECASE | re.ASCII)
ENGINE = re.compile(r"AppleWebKit|Gecko/|Trident|MSIE |Presto|Opera|KHTML/|Goanna|MIDP|UP\.Browser")
"""What browsers name, those of old telephones at the end."""

NAMELESS_TOOLS = re.compile(r"node|undici|Ruby|Dart/[\d.]+ \(dart:io\)|GuzzleHttp/.*|Faraday v.*")


@dataclass(frozen=True)
class Agent:
    """A user agent as we understand it. Names are "" where it does not say."""

    device: Device
    browser: str = ""
    os: str = ""
    is_bot: bool = False


def parse(user_agent: str) -> Agent:
    """What the string says. Crawlers and tools are bots (see above); so is who gives no name, because every browser
    does. Never raises, whatever the string holds.

    A string costs half a millisecond once, then it is remembered: 8,192 of them a process, cut to what is looked at.
    """
    return _parse(printable(user_agent[:LONGEST].encode("ascii", "replace").decode()))


@lru_cache(maxsize=8192)
def _parse(user_agent: str) -> Agent:
    if user_agent in ("", "-") or crawleruseragents.is_crawler(user_agent) or _is_robot(user_agent):
        return Agent(Device.BOT, is_bot=True)
    parsed = PARSE(user_agent)
    if parsed.is_bot:
        return Agent(Device.BOT, is_bot=True)
    return Agent(device=_device(parsed, user_agent), browser=_name(parsed.browser.family), os=_name(parsed.os.family))


def _is_robot(user_agent: str) -> bool:
    """By the rules of ours."""
    if CRAWLERS_ADDRESS.search(user_agent) or NAMELESS_TOOLS.fullmatch(user_agent):
        return True
    return ADDRESS.search(user_agent) is not None and ENGINE.search(user_agent) is None


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
