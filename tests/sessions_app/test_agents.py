import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from core import redis as core_redis
from sessions_app import agents
from sessions_app.agents import LONGEST, parse
from sessions_app.ingest import flush
from sessions_app.models import DeadLetter, Device, SessionEvent, VisitorSession
from sessions_app.tokens import SESSION_COOKIE
from tests.browsers import CHROME as LINUX_CHROME

WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
ON_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) {WEBKIT}"
ON_ANDROID = f"Mozilla/5.0 (Linux; Android 14; SM-S918B; wv) {BLINK} Version/4.0 Chrome/124.0.0.0 Mobile Safari/537.36"
ON_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK}"

IPHONE = f"{ON_IPHONE} Version/17.4 Mobile/15E148 Safari/604.1"
IPAD = f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {WEBKIT} Version/16.6 Mobile/15E148 Safari/604.1"
CHROME = f"{ON_WINDOWS} Chrome/126.0.0.0 Safari/537.36"

BROWSERS = [
    CHROME,
    IPHONE,
    IPAD,
    f"{ON_WINDOWS} Chrome/125.0.0.0 Safari/537.36 Edg/125.0.0.0",
    f"{ON_WINDOWS} Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0",
    f"{ON_WINDOWS} Chrome/124.0.0.0 Safari/537.36 Vivaldi/6.7",
    f"{ON_WINDOWS} coc_coc_browser/125.0.130 Chrome/119.0.6045.130 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/17.4 Safari/605.1.15",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {BLINK} Chrome/125.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Goanna/5.2 Firefox/102.0 PaleMoon/31.4.0",
    f"Mozilla/5.0 (Linux; Android 10; K) {BLINK} Chrome/125.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 12; CUBOT P60) {BLINK} Chrome/120.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 13; SM-S901B) {BLINK} SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; U; Android 12; en-gb; M2101K6G) {BLINK} Chrome/112 Mobile Safari/537.36 MiuiBrowser/14.4",
    f"Mozilla/5.0 (Linux; U; Android 11; zh-CN; M2012K11AC) {BLINK} Chrome/78 UCBrowser/13.4.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; arm_64; Android 12; CPH2205) {BLINK} Chrome/110 YaBrowser/23.3.3.86.00 Mobile Safari/537.36",
    "Mozilla/5.0 (Android 14; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0",
    f"{ON_IPHONE} FxiOS/125.0 Mobile/15E148 Safari/605.1.15",
    f"{ON_IPHONE} Version/17.4 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
    f"Mozilla/5.0 (Linux; Android 11; KFTRWI) {BLINK} Silk/112.3.1 like Chrome/112.0.5615.213 Safari/537.36",
    "Opera/9.80 (Android; Opera Mini/36.2/191.249; U; en) Presto/2.12.423 Version/12.16",
    f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) {BLINK} 76.0.3809.146/6.0 TV Safari/537.36",
    f"Mozilla/5.0 (PlayStation; PlayStation 5/6.00) {WEBKIT} Version/13.0 Safari/605.1.15",
    "Mozilla/5.0 (compatible; Konqueror/4.14; Linux) KHTML/4.14.3 (like Gecko)",
    "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.6.12",
    "ELinks/0.13.GIT (textmode; Linux; 80x24-2)",
    "w3m/0.5.3+git20210102",
    "SAMSUNG-GT-E2232/1.0 Openwave/6.2.3 Profile/MIDP-2.0 Configuration/CLDC-1.1 UP.Browser/6.2.3.3.c.1.101 (GUI)",
    # with addresses of toolbars and of what embeds them
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.0; Trident/4.0; EmbeddedWB 14.52 from: http://www.bsalsa.com/)",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0; http://www.Abolimba.de)",
]
IN_APPS = [
    f"{ON_IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/450.0.0.38.108;FBDV/iPhone14,5;FBSN/iOS;FBSV/17.4;FBLC/en_GB;FBOP/5]",
    f"{ON_ANDROID} [FB_IAB/FB4A;FBAV/465.0.0.58.80;]",
    f"{ON_IPHONE} Mobile/21E236 Instagram 330.0.3.29.91 (iPhone15,2; iOS 17_4_1; en_GB; en; scale=3.00; 1179x2556)",
    f"{ON_ANDROID} Instagram 321.0.0.39.106 Android (33/13; 420dpi; 1080x2177; Google/google; Pixel 7; panther)",
    f"{ON_IPHONE} Mobile/15E148 musical_ly_33.6.0 JsSdk/2.0 NetType/WIFI Channel/App Store BytedanceWebview/d8a21c6",
    f"{ON_ANDROID} trill_330603 BytedanceWebview/d8a21c6 AppName/musical_ly",
    f"{ON_IPHONE} Mobile/15E148 Zalo iOS/486 ZaloTheme/light ZaloLanguage/vn",
    f"{ON_ANDROID} Zalo android/12100736 ZaloTheme/light ZaloLanguage/vi",
    f"{ON_IPHONE} Mobile/15E148 [LinkedInApp]/9.28.7586",
    f"{ON_ANDROID} [Pinterest/Android]",
    f"{ON_IPHONE} Version/17.0 Mobile/15E148 Snapchat/12.55.0.40 (like Safari/8616.1.27.0.14, panda)",
    f"{ON_IPHONE} Mobile/20B82 Twitter for iPhone/9.34",
    f"{ON_ANDROID} XWEB/5169 MMWEBSDK/20230504 MicroMessenger/8.0.37.2380(0x28002547) WeChat/arm64 Language/zh_CN",
    f"{ON_IPHONE} Mobile/15E148 Safari Line/13.6.1",
    f"{ON_ANDROID};KAKAOTALK 2409220",
    f"{ON_IPHONE} GSA/307.0.614461084 Mobile/15E148 Safari/604.1",
    f"{ON_ANDROID} baiduboxapp/11.0.5.12 (Baidu; P1 7.1.1)",
    f"{ON_ANDROID} Telegram-Android/10.12.0",
    f"{ON_WINDOWS} Slack/4.38.115 Chrome/122.0.6261.156 Electron/29.3.0 Safari/537.36",
]
APPS = [
    "OurShopApp 3.1",
    "OurShopApp/3.1 (iPhone; iOS 17.4; Scale/3.00)",
    "OurShop/3.1 CFNetwork/1496.0.7 Darwin/23.5.0",
    "Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A.230805.001)",
]
KNOWN_TO_THE_LIBRARIES = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "curl/8.5.0",
    "python-requests/2.32.3",
    "Go-http-client/1.1",
    "okhttp/4.12.0",
    "Wget/1.21",
    "LumiBot 2.0",
]
NAMED_BY_AN_ADDRESS = [
    "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/",
    "Chef Client/10.18.2 (ruby-1.9.3-p327; ohai-6.16.0; x86_64-linux; +http://opscode.com)",
    "Liferea/1.8.3 (Linux; en_GB.UTF-8; http://liferea.sf.net/)",
    "NetNewsWire (RSS Reader; https://netnewswire.com/)",
    "Mozilla/5.0 (compatible; Ezooms/1.0; help@moz.com)",
    "SomeCrawler (HTTPS://CRAWLER.EXAMPLE)",
    f"{CHROME} ExampleMonitor/1.0 (+https://monitor.example/about)",
    f"{ON_WINDOWS} Chrome/120.0.0.0 Safari/537.36 (compatible; Unheard/1.0; + http://unheard.example)",
]
NAMELESS_TOOLS = ["node", "undici", "Ruby", "Dart/3.2 (dart:io)", "GuzzleHttp/7", "Faraday v2.9.0"]
ABSURD = [
    "\0",
    "\x1b[31m\x07",
    "\ud800\udfff",
    "²" * 100,
    "Firefox/²³¹.¹",
    "Version/" + "9" * 400,
    "x" * 65_536,
    "(" * 65_536,
    "Mozilla/5.0 " * 5_000,
    b"\xff\xfe\xc3\x28 \xf0\x9f".decode("latin-1"),
    "猫" * 600,
    "OurShop\0/1 CFNetwork/1 Darwin/1",
]


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


@pytest.mark.parametrize("user_agent", BROWSERS + IN_APPS + APPS)
def test_browsers_and_apps_of_people_are_no_bots(user_agent: str) -> None:
    assert not parse(user_agent).is_bot


@pytest.mark.parametrize("user_agent", KNOWN_TO_THE_LIBRARIES)
def test_crawlers_tools_and_feed_readers_are_bots(user_agent: str) -> None:
    assert parse(user_agent).is_bot
    assert parse(user_agent).device == Device.BOT


@pytest.mark.parametrize("user_agent", NAMED_BY_AN_ADDRESS)
def test_who_names_itself_with_an_address_and_is_no_browser_is_a_bot(user_agent: str) -> None:
    assert parse(user_agent).is_bot


@pytest.mark.parametrize("user_agent", NAMELESS_TOOLS)
def test_who_has_only_the_name_of_a_library_is_a_bot(user_agent: str) -> None:
    assert parse(user_agent).is_bot


@pytest.mark.parametrize("user_agent", ["", "-"])
def test_who_gives_no_name_is_a_bot(user_agent: str) -> None:
    assert parse(user_agent).is_bot


def test_an_unknown_program_is_no_bot_and_has_no_names() -> None:
    agent = parse("OurShopApp 3.1")

    assert (agent.device, agent.browser, agent.os, agent.is_bot) == (Device.OTHER, "", "", False)


def test_what_stands_beyond_512_characters_is_not_read() -> None:
    assert not parse(CHROME.ljust(LONGEST, " ") + "Googlebot/2.1").is_bot


def test_a_string_is_parsed_once() -> None:
    assert parse(CHROME + " once") is parse(CHROME + " once")


def test_the_memory_of_strings_is_bounded_in_number_and_length() -> None:
    assert agents._parse.cache_parameters()["maxsize"] == 8192
    size = agents._parse.cache_info().currsize
    one, other = parse("y" * 65_536), parse("y" * LONGEST)
    assert one is other
    assert agents._parse.cache_info().currsize <= size + 1


@pytest.mark.parametrize("user_agent", ABSURD, ids=range(len(ABSURD)))
def test_an_absurd_string_is_parsed_to_names_that_can_be_stored(user_agent: str) -> None:
    agent = parse(user_agent)

    assert (agent.browser + agent.os).isprintable()
    assert max(len(agent.browser), len(agent.os)) <= 64


@given(st.text(st.characters(max_codepoint=255), max_size=600) | st.text(max_size=100))
def test_no_string_breaks_it(user_agent: str) -> None:
    assert parse(user_agent).device in Device


@pytest.mark.parametrize("words", ["Mozilla/5.0 (", "Android 1; ", "A/1.", "iPhone ", "\u00b2/", "Build/"])
@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_nothing_after_a_known_beginning_breaks_it(words: str, rest: str) -> None:
    assert parse(words + rest).device in Device


@pytest.mark.django_db
@pytest.mark.parametrize("user_agent", ABSURD, ids=range(len(ABSURD)))
def test_a_visit_with_an_absurd_user_agent_is_stored_with_its_events(user_agent: str) -> None:
    browser = Client(headers={"user-agent": f"{LINUX_CHROME} {user_agent}"})
    browser.cookies["visitor_consent"] = "granted"

    answer = browser.post(
        "/api/v1/analytics/track", {"eventType": "page_view", "page": "/a"}, content_type="application/json"
    )
    flush(consumer="test")

    assert answer.status_code == 202
    assert not DeadLetter.objects.exists()
    assert SessionEvent.objects.get().page == "/a"
    stored = VisitorSession.objects.get()
    assert stored.user_agent.startswith(LINUX_CHROME)
    assert stored.user_agent.isprintable()
    assert len(stored.user_agent) <= LONGEST


@pytest.mark.django_db
@pytest.mark.parametrize("user_agent", ["okhttp/4.12.0", "node"])
def test_a_nameless_app_is_a_bot_until_it_shows_a_session(user_agent: str) -> None:
    app = Client(headers={"user-agent": user_agent})
    assert SESSION_COOKIE not in app.get("/api/v1/storefront/products").cookies
    assert core_redis.client().keys("session:*") == []

    token = app.post("/api/v1/storefront/session", {}, content_type="application/json").json()["data"]["session"][
        "token"
    ]
    app.get("/api/v1/storefront/products", headers={"x-visitor-session": token})
    flush(consumer="test")

    assert VisitorSession.objects.get().api_page_views == 1


@pytest.mark.django_db
def test_a_visit_that_a_nameless_app_began_is_of_no_bot() -> None:
    app = Client(headers={"user-agent": "okhttp/4.12.0"})
    app.post("/api/v1/storefront/session", {}, content_type="application/json")
    flush(consumer="test")

    assert VisitorSession.objects.get().device == Device.OTHER
