import pytest

from sessions_app.agents import parse
from sessions_app.models import Device

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Mobile/15E148 Safari/604.1"
)
IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/16.6 Mobile/15E148 Safari/604.1"
)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "device", "browser", "os"),
    [
        (IPHONE, Device.MOBILE, "Mobile Safari", "iOS"),
        (IPAD, Device.TABLET, "Mobile Safari", "iOS"),
        (CHROME, Device.DESKTOP, "Chrome", "Windows"),
        (
            "Mozilla/5.0 (X11; NetBSD amd64; rv:24.0) Gecko/20131021 Firefox/24.0",
            Device.DESKTOP,
            "Firefox",
            "NetBSD",
        ),
    ],
)
def test_a_browser_has_device_name_and_system(user_agent: str, device: Device, browser: str, os: str) -> None:
    agent = parse(user_agent)

    assert (agent.device, agent.browser, agent.os, agent.is_bot) == (device, browser, os, False)


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "curl/8.5.0",
        "python-requests/2.32.3",
        "Wget/1.21",
        "Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)",
        "LumiBot 2.0",
    ],
)
def test_crawlers_tools_and_feed_readers_are_bots(user_agent: str) -> None:
    assert parse(user_agent).is_bot
    assert parse(user_agent).device == Device.BOT


@pytest.mark.parametrize("user_agent", ["", "-"])
def test_who_gives_no_name_is_a_bot(user_agent: str) -> None:
    assert parse(user_agent).is_bot


def test_an_unknown_program_is_no_bot_and_has_no_names() -> None:
    agent = parse("OurShopApp 3.1")

    assert (agent.device, agent.browser, agent.os, agent.is_bot) == (Device.OTHER, "", "", False)


def test_what_stands_beyond_512_characters_is_not_read() -> None:
    assert not parse(CHROME.ljust(512, " ") + "Googlebot/2.1").is_bot


def test_a_string_is_parsed_once() -> None:
    assert parse(CHROME + " once") is parse(CHROME + " once")
