"""One line of a log in the combined format: `address ident user [time] "request" status bytes "referrer" "user agent"`.

What follows the user agent (nginx's `main` format adds the forwarded address) is not read. A line of the common format
ends after the bytes. Either may begin with `host:port `, as Apache's `vhost_combined` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache, partial
from typing import NamedTuple
from urllib.parse import urlsplit

from sessions_app.channels import nameless

LONGEST = 2048
"""Characters of a page or a referrer that are kept."""

QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
FIELDS = r'([^ "]+) [^ ]+ [^ ]+ \[([^\]]+)\] {0} ([0-9]{{3}}) (?:[0-9]+|-) {0} {0}(?: .*)?'
PLAIN = re.compile(FIELDS.format(r'"([^"\\]*)"'), re.DOTALL)
ESCAPED = re.compile(FIELDS.format(QUOTED), re.DOTALL)
"""The same with backslashes, which few lines have: it takes three times as long."""
ANSWERED = re.compile(
    r'([^ "]++) [^ ]++ [^ ]++ \[(.{14})(:[0-5][0-9]:[0-5][0-9])([^\]]++)\] '
    r'"GET (/[^ "?]*+)(?:\?([^ "]*+))? HTTP/[^ "]*+" (?:2[0-9]{2}|304) (?:[0-9]++|-) '
    r'"([^"]*+)" "([^"]*+)"(?: .*+)?',
    re.DOTALL,
)
"""Of the lines without backslashes those that may be page views: nearly every line of a log, read in one go."""
COMMON = re.compile(rf'([^ "]+) [^ ]+ [^ ]+ \[([^\]]+)\] {QUOTED} ([0-9]{{3}}) (?:[0-9]+|-) *', re.DOTALL)
VIRTUAL_HOST = re.compile(r'[^ "]+:[0-9]+ (?=[^ "]+ [^ ]+ [^ ]+ \[)')
TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)
MONTHS = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
ESCAPE = re.compile(r"((?:\\x[0-9a-fA-F]{2})+)|\\(.)", re.DOTALL)

ASSETS = frozenset(
    {
        # images
        "apng", "avif", "bmp", "cur", "gif", "heic", "ico", "jpeg", "jpg", "png", "svg", "svgz",
        "tif", "tiff", "webp",
        # styles and scripts
        "css", "js", "map", "mjs",
        # fonts
        "eot", "otf", "ttf", "woff", "woff2",
        # media
        "aac", "avi", "flac", "flv", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "oga",
        "ogg", "ogv", "opus", "swf", "wav", "webm", "wmv",
        # archives and packages
        "7z", "apk", "bz2", "deb", "dmg", "gem", "gz", "iso", "jar", "rar", "rpm", "tar", "tbz2",
        "tgz", "whl", "xz", "zip", "zst",
        # data
        "json", "txt", "webmanifest", "xml",
    }
)  # fmt: skip
"""Extensions, lower case, of what a page loads or what is downloaded. A request for one is no page view."""


class MalformedLineError(Exception):
    """The line cannot be taken. `reason` is one of few, the text also has what was found."""

    def __init__(self, reason: str, found: str = "") -> None:
        super().__init__(f"{reason}: {found}" if found else reason)
        self.reason = reason


class Request(NamedTuple):
    """One request. `at` is in seconds since 1970; `page` is None when the request is no page view, `user_agent` when
    the format has none.

    Pages are kept without their query, which may hold what is nobody's business. The visit's UTM are read from
    `query`.
    """

    at: int
    address: str
    user_agent: str | None
    referrer: str
    page: str | None
    query: str


REQUEST: Callable[[tuple[int, str, str | None, str, str | None, str]], Request] = partial(tuple.__new__, Request)
"""What `Request` makes of its fields, in half the time."""


def parse_line(raw: bytes) -> Request:
    """Reads one line.

    Raises:
        MalformedLineError: it is of neither format, or its time is none.
    """
    text = raw.decode("utf-8", "replace")
    if "\\" not in text and (answered := ANSWERED.fullmatch(text)):
        address, hour, within_hour, zone, path, query, referrer, user_agent = answered.groups()
        at = whole_hour(hour, zone) + SECONDS[within_hour]
        page = None if is_asset(path) else nameless(path[:LONGEST].replace("\0", ""))
        return REQUEST((at, address, user_agent, referrer, page, query or ""))
    match = PLAIN.fullmatch(text) or COMMON.fullmatch(text) or ESCAPED.fullmatch(text)
    if match is None:
        if VIRTUAL_HOST.match(text):
            return parse_line(raw.partition(b" ")[2])
        raise MalformedLineError(_reason(text))
    address, time, request, status, *names = match.groups()
    referrer, user_agent = names or ("", None)
    at = seconds(time)
    if not (status[0] == "2" or status == "304") or not request.startswith("GET "):
        return Request(at, address, user_agent, referrer, None, "")
    path, _, query = request[4:].partition(" HTTP/")[0].partition("?")
    if not path.startswith("/"):
        path = _path_of_address(path)
    if not path or is_asset(path):
        return Request(at, address, user_agent, referrer, None, "")
    return Request(at, address, user_agent, referrer, nameless(clean(path)), query)


def is_asset(path: str) -> bool:
    """Whether the last part of the path, which begins with a slash, has an extension of `ASSETS`."""
    return path[path.rfind(".") + 1 :].lower() in ASSETS


def seconds(text: str) -> int:
    """Seconds since 1970 of a log's time (`17/May/2015:10:05:03 +0000`). A leap second is the next minute's.

    Raises:
        MalformedLineError: there is no such time, or it is before 1990.
    """
    within_hour = SECONDS.get(text[14:20])
    return whole_time(text) if within_hour is None else whole_hour(text[:14], text[20:]) + within_hour


@lru_cache(maxsize=1024)
def whole_hour(hour: str, zone: str) -> int:
    """The same of an hour (`17/May/2015:10` and ` +0000`): most lines are of the hour of the line before."""
    return whole_time(f"{hour}:00:00{zone}")


def whole_time(text: str) -> int:
    """The same of any time, read to the end."""
    match = TIME.fullmatch(text)
    if match is None or match[2] not in MONTHS or int(match[6]) > 60:
        raise MalformedLineError("there is no such time", text[:40])
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    try:
        zone = timezone(offset if sign == "+" else -offset)
        start = datetime(int(year), MONTHS[month], int(day), int(hour), int(minute), tzinfo=zone)
    except ValueError as error:
        raise MalformedLineError("there is no such time", f"{text}, {error}") from None
    if start.year < 1990:
        raise MalformedLineError("its time is before there was a web", text)
    return int((start - EPOCH).total_seconds()) + int(second)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS = {f":{minute:02}:{second:02}": 60 * minute + second for minute in range(60) for second in range(61)}
"""Of the minutes and seconds that a time may have."""


def clean(text: str) -> str:
    """A field as it was before the server escaped it, without null bytes, cut to what is kept."""
    if "\\" in text:
        text = ESCAPE.sub(_unescape, text)
    if "\0" in text:
        text = text.replace("\0", "")
    return text[:LONGEST]


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return bytes.fromhex(match[1].replace("\\x", "")).decode("utf-8", "replace")
    return {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "v": "\v"}.get(match[2], match[2])


def _path_of_address(target: str) -> str:
    """The path of `GET http://shop.example/path`, which proxies send; "" for what is no address."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    return (parts.path or "/") if parts.scheme in ("http", "https") and parts.netloc else ""


def _reason(text: str) -> str:
    if not text.strip():
        return "the line is empty"
    if "\0" in text[:4]:
        return "the text is UTF-16 or no text at all, it must be UTF-8"
    if COMMON.match(text):
        return "referrer and user agent cannot be read"
    return "not of the combined or common format"
