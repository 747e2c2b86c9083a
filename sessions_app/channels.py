"""How a visit came about, from its UTM parameters and its referrer. Pure: fed by the sets below and the rules of staff.

The order of the rules is that of Plausible and Google Analytics 4: what the link says of itself (UTM) goes before
where it stood (referrer). What staff say of a value (`sessions_app.channel_rules`) goes before the sets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from urllib.parse import parse_qsl, urlsplit

from core.net import printable
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
        small = query.lower()
        if "utm_" not in small and "clid=" not in small and "braid=" not in small:
            return NO_UTM
        given: dict[str, str] = {}
        for name, value in parse_qsl(query.removeprefix("?")):
            given.setdefault(name.lower(), nameless(printable(value).strip())[:LONGEST])
        utm = cls(**{part.name: given.get(f"utm_{part.name}", "") for part in fields(cls)})
        if utm != NO_UTM:
            return utm
        clicked = next((source for name, source in CLICK_IDS.items() if given.get(name)), "")
        return cls(source=clicked, medium="cpc") if clicked else NO_UTM

    @classmethod
    def from_address(cls, address: str) -> Utm:
        """From the query of a page's address or path; none if it is malformed."""
        try:
            return cls.from_query(urlsplit(address).query)
        except ValueError:  # such as brackets that are no IPv6 address
            return NO_UTM


NO_UTM = Utm()


@dataclass(frozen=True)
class Rules:
    """Channels that staff gave to values. Keys are in lower case; a host stands for its subdomains too."""

    hosts: Mapping[str, Channel] = field(default_factory=dict)
    sources: Mapping[str, Channel] = field(default_factory=dict)
    mediums: Mapping[str, Channel] = field(default_factory=dict)


NO_RULES = Rules()


def referrer_host(url: str) -> str:
    """The host of a referrer, in lower case and without `www.`; "" for something that is no web address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:  # such as brackets that are no IPv6 address
        return ""
    if parts.scheme not in REFERRER_SCHEMES or not host.isprintable() or " " in host:
        return ""
    return bare(host)[:LONGEST]


def page_path(page: str) -> str:
    """The path of a page's address, with the route of a single-page shop (`/#/cart`), without its query: UTM parameters
    are kept elsewhere, and the others are endless and may be anybody's business.
    """
    try:
        parts = urlsplit(page)
    except ValueError:  # such as brackets that are no IPv6 address
        return nameless(re.split(r"[?#]", page)[0])
    if parts.scheme not in ("", "http", "https"):  # a screen of an app
        return nameless(parts._replace(query="", fragment="").geturl())
    route = f"#{parts.fragment.partition('?')[0]}" if parts.fragment.startswith(("/", "!/")) else ""
    return nameless((parts.path or ("/" if parts.netloc or route else "")) + route)


def nameless(text: str) -> str:
    """A path, or a word of a link, with `...` for parts that are an e-mail address: numbers of days have pages and
    campaigns in them, and are kept for ever.
    """
    if "@" not in text and "%40" not in text:
        return text
    return "/".join("..." if is_email(part) else part for part in text.split("/"))


def is_email(part: str) -> bool:
    """Whether it may be one, or has one in it. (A name as in `/@shop` is none.)"""
    name, _at, host = part.replace("%40", "@").partition("@")
    return bool(name) and "." in host


def classify(*, referrer_host: str, utm: Utm, rules: Rules = NO_RULES) -> Channel:
    """The channel of a visit that begins with this referrer (a host; "" for none, and for an own one) and these
    parameters. Of the `rules` of staff, one for the medium goes before one for the source, as in the built-in sets,
    and of two hosts the longer one counts.
    """
    if utm != NO_UTM:
        return _by_utm(utm, rules)
    host = bare(referrer_host)
    return (_by_host(host, rules) or Channel.REFERRAL) if host else Channel.DIRECT


def _by_utm(utm: Utm, rules: Rules) -> Channel:
    medium, source = utm.medium.lower(), utm.source.lower()
    return (
        rules.mediums.get(medium)
        or rules.sources.get(source)
        or _by_medium(medium, source)
        or _by_source(source, rules)
        or Channel.CAMPAIGN
    )


def _by_medium(medium: str, source: str) -> Channel | None:
    if PAID_MEDIUM.fullmatch(medium):
        return Channel.PAID
    if MAIL_MEDIUM.fullmatch(medium) or MAIL_MEDIUM.fullmatch(source):
        return Channel.EMAIL
    if SOCIAL_MEDIUM.fullmatch(medium):
        return Channel.SOCIAL
    return {"organic": Channel.ORGANIC_SEARCH, "referral": Channel.REFERRAL}.get(medium)


def _by_source(source: str, rules: Rules) -> Channel | None:
    if source in SOCIAL_NAMES:
        return Channel.SOCIAL
    if source in SEARCH_NAMES:
        return Channel.ORGANIC_SEARCH
    return _by_host(bare(source), rules)


def _by_host(host: str, rules: Rules) -> Channel | None:
    if said := _domain_of(host, rules.hosts):
        return rules.hosts[said]
    if _domain_of(host, MAIL_HOSTS):
        return Channel.EMAIL
    if _domain_of(host, SOCIAL_HOSTS):
        return Channel.SOCIAL
    if _domain_of(host, SEARCH_HOSTS) or SEARCH_FAMILIES.fullmatch(host):
        return Channel.ORGANIC_SEARCH
    return None


def _domain_of(host: str, domains: Collection[str]) -> str:
    """The longest of the domains that the host is, or is part of; "" if there is none."""
    labels = host.split(".")
    return next((name for start in range(len(labels)) if (name := ".".join(labels[start:])) in domains), "")


def bare(host: str) -> str:
    """A host as hosts are compared: in lower case, without `www.`"""
    return host.lower().removeprefix("www.").rstrip(".")
