"""How a visit came about, from its UTM parameters and its referrer. Pure, and fed by the sets below.

The order of the rules is that of Plausible and Google Analytics 4: what the link says of itself (UTM) goes before
where it stood (referrer).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from urllib.parse import parse_qsl, urlsplit

from sessions_app.models import Channel

LONGEST = 255
"""Characters of a UTM value or a host that are kept."""

REFERRER_SCHEMES = frozenset({"http", "https", "android-app", "ios-app"})

# A host belongs to a set when it, or a domain it is a part of, is in it.
SEARCH_HOSTS = frozenset(
    {
        "360.cn", "aol.com", "ask.com", "baidu.com", "bing.com", "cn.bing.com", "coccoc.com",
        "com.google.android.googlequicksearchbox", "daum.net", "dogpile.com", "duckduckgo.com", "ecosia.org",
        "kagi.com", "lycos.com", "metager.de", "mojeek.com", "naver.com", "presearch.com", "qwant.com",
        "rambler.ru", "search.brave.com", "searx.be", "seznam.cz", "so.com", "sogou.com", "startpage.com",
        "swisscows.com", "webcrawler.com", "ya.ru", "yep.com", "you.com",
    }
)  # fmt: skip
# These have a host in every country, and other services on other subdomains.
SEARCH_FAMILIES = re.compile(
    r"((www|m|images|encrypted|news|scholar|shopping|search)\.)?google\.(com?\.)?[a-z]{2,3}"
    r"|([a-z-]+\.)*search\.yahoo\.(com?\.)?[a-z]{2,3}|yahoo\.com"
    r"|yandex\.(com?\.)?[a-z]{2,3}"
)
SOCIAL_HOSTS = frozenset(
    {
        "bsky.app", "com.facebook.katana", "com.instagram.android", "com.linkedin.android", "com.pinterest",
        "com.reddit.frontpage", "com.twitter.android", "digg.com", "discord.com", "facebook.com", "fb.com", "fb.me",
        "flickr.com", "flipboard.com", "instagram.com", "line.me", "linkedin.com", "lnkd.in", "mastodon.social",
        "messenger.com", "news.ycombinator.com", "ok.ru", "pin.it", "pinterest.co.uk", "pinterest.com", "pinterest.de",
        "pinterest.fr", "plus.google.com", "plus.url.google.com", "quora.com", "redd.it", "reddit.com", "snapchat.com",
        "stumbleupon.com", "t.co", "t.me", "telegram.me", "telegram.org", "threads.com", "threads.net", "tiktok.com",
        "tumblr.com", "twitter.com", "vk.com", "wa.me", "web.telegram.org", "weibo.com", "whatsapp.com", "x.com",
        "xing.com", "youtu.be", "youtube.com", "zalo.me",
    }
)  # fmt: skip
MAIL_HOSTS = frozenset(
    {
        "com.google.android.gm", "e.mail.ru", "gmx.net", "mail.aol.com", "mail.google.com", "mail.proton.me",
        "mail.ru", "mail.yahoo.com", "mail.yandex.ru", "mail.zoho.com", "outlook.live.com", "outlook.office.com",
        "outlook.office365.com", "web.de",
    }
)  # fmt: skip
# What people write into utm_source instead of a host.
SEARCH_NAMES = frozenset(
    {
        "google",
        "bing",
        "yahoo",
        "duckduckgo",
        "yandex",
        "baidu",
        "ecosia",
        "qwant",
        "naver",
        "coccoc",
        "brave",
    }
)
SOCIAL_NAMES = frozenset(
    {
        "facebook", "fb", "instagram", "ig", "twitter", "x", "linkedin", "pinterest", "reddit", "youtube", "tiktok",
        "threads", "bluesky", "mastodon", "vk", "weibo", "whatsapp", "telegram", "snapchat", "tumblr", "zalo",
    }
)  # fmt: skip

PAID_MEDIUM = re.compile(r"cp[acmlv]|ppc|paid.*|retargeting|remarketing|display|banner|interstitial|ads?")
MAIL_MEDIUM = re.compile(r"e[-_ ]?mail|newsletter")
SOCIAL_MEDIUM = re.compile(r"sm|social([-_ ]?(network|media))?")
# Advertisers' click numbers: automatic tagging says no UTM, and means this.
CLICK_IDS = {"gclid": "google", "gbraid": "google", "wbraid": "google", "msclkid": "bing"}


@dataclass(frozen=True)
class Utm:
    """The five UTM parameters of a link, "" where absent."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    term: str = ""
    content: str = ""

    @classmethod
    def from_query(cls, query: str) -> Utm:
        """From a query string, with or without its question mark. The first of a repeated parameter counts.

        A click number of Google's or Microsoft's ads without UTM reads as `google / cpc` or `bing / cpc`.
        """
        if "utm_" not in query and "clid=" not in query and "braid=" not in query:
            return NO_UTM
        given: dict[str, str] = {}
        for name, value in parse_qsl(query.removeprefix("?")):
            given.setdefault(name.lower(), value.replace("\0", "").strip()[:LONGEST])
        utm = cls(**{field.name: given.get(f"utm_{field.name}", "") for field in fields(cls)})
        if utm != NO_UTM:
            return utm
        clicked = next((source for name, source in CLICK_IDS.items() if given.get(name)), "")
        return cls(source=clicked, medium="cpc") if clicked else NO_UTM


NO_UTM = Utm()


def referrer_host(url: str) -> str:
    """The host of a referrer, in lower case and without `www.`; "" for something that is no web address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:  # such as brackets that are no IPv6 address
        return ""
    if parts.scheme not in REFERRER_SCHEMES or not host.isprintable() or " " in host:
        return ""
    return _bare(host)[:LONGEST]


def classify(*, referrer_host: str, own_host: str, utm: Utm) -> Channel:
    """The channel of a visit that begins with this referrer (a host) and these parameters.

    `own_host` is the shop's own: coming from there is no arrival, so it is direct.
    """
    if utm != NO_UTM:
        return _by_utm(utm)
    host = _bare(referrer_host)
    if not host or host == _bare(own_host):
        return Channel.DIRECT
    return _by_host(host) or Channel.REFERRAL


def _by_utm(utm: Utm) -> Channel:
    medium, source = utm.medium.lower(), utm.source.lower()
    if PAID_MEDIUM.fullmatch(medium):
        return Channel.PAID
    if MAIL_MEDIUM.fullmatch(medium) or MAIL_MEDIUM.fullmatch(source):
        return Channel.EMAIL
    if SOCIAL_MEDIUM.fullmatch(medium):
        return Channel.SOCIAL
    if medium == "organic":
        return Channel.ORGANIC_SEARCH
    if medium == "referral":
        return Channel.REFERRAL
    return _by_source(source) or Channel.CAMPAIGN


def _by_source(source: str) -> Channel | None:
    if source in SOCIAL_NAMES:
        return Channel.SOCIAL
    if source in SEARCH_NAMES:
        return Channel.ORGANIC_SEARCH
    return _by_host(_bare(source))


def _by_host(host: str) -> Channel | None:
    if _within(host, MAIL_HOSTS):
        return Channel.EMAIL
    if _within(host, SOCIAL_HOSTS):
        return Channel.SOCIAL
    if _within(host, SEARCH_HOSTS) or SEARCH_FAMILIES.fullmatch(host):
        return Channel.ORGANIC_SEARCH
    return None


def _within(host: str, domains: frozenset[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[start:]) in domains for start in range(len(labels)))


def _bare(host: str) -> str:
    return host.lower().removeprefix("www.")
