"""`make check`: every locked package has a hash, none was taken back by its author, none has a known advisory.

Asked is the index that pip is set up with (PIP_INDEX_URL, UV_DEFAULT_INDEX, else its own). Some serve advisories (the
JSON API of a release), mirrors often only the list of files, which says what was taken back. Answers hold for a day, as
long as the lock stays the same. Without a network this says so, and when it was last audited, and does not fail.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from config.embedded import PROJECT, home

LOCKS = sorted((PROJECT / "requirements").glob("*.txt"))
PINNED = re.compile(r"^(?P<name>[\w.-]+)(?:\[.*\])?==(?P<version>[^\s;\\]+)(?P<rest>(?:.*\\\n)*.*)", re.M)
HASH = "--hash=sha256:"
FRESH = timedelta(days=1)
AT_ONCE = 8
TIMEOUT_SECONDS = 10.0
FILES = "application/vnd.pypi.simple.v1+json"
PIPS_OWN = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
ACCEPTED: dict[str, str] = {}
"""Advisories that do not concern the shop: id to reason."""


class NotAuditedError(Exception):
    """Nobody could be asked; the text says why."""


@dataclass(frozen=True)
class Pin:
    """One package of the lock."""

    name: str
    version: str
    hashes: int


@dataclass
class Report:
    """What was found, and how many packages were looked up where."""

    at: str
    lock: str
    faults: list[str] = field(default_factory=list)
    by_advisories: int = 0
    by_files: int = 0

    def sentence(self) -> str:
        """For people."""
        found = f"audited {self.at[:10]}: {self.by_advisories} packages for advisories"
        return (
            f"{found}, {self.by_files} only for releases taken back: this index has no more" if self.by_files else found
        )


def pins(text: str) -> Iterator[Pin]:
    """The packages of a lock."""
    for found in PINNED.finditer(text):
        yield Pin(found["name"], found["version"], found["rest"].count(HASH))


def locked() -> list[Pin]:
    """Those of all locks, each once."""
    return sorted({pin for lock in LOCKS for pin in pins(lock.read_text())}, key=lambda pin: pin.name)


def without_hash(packages: list[Pin]) -> list[str]:
    """What could be swapped on its way here."""
    return [f"{pin.name} {pin.version} has no hash: make lock" for pin in packages if not pin.hashes]


def index_url() -> str:
    """Where pip finds packages, with no slash at its end.

    Raises:
        NotAuditedError: nobody says.
    """
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL", "UV_INDEX_URL"):
        if os.environ.get(name):
            return os.environ[name].rstrip("/")
    asked = subprocess.run([sys.executable, "-c", PIPS_OWN], capture_output=True, text=True)
    if asked.returncode:
        raise NotAuditedError("no index is known, set PIP_INDEX_URL")
    return asked.stdout.strip().rstrip("/")


async def look_up(packages: list[Pin], index: str, report: Report) -> None:
    """Asks about all of them.

    Raises:
        NotAuditedError: there is no network, or no such index.
    """
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=True) as client:

        async def one(pin: Pin) -> None:
            async with gate:
                await look_at(pin, index, client, report)

        try:
            await asyncio.gather(*map(one, packages))
        except (httpx2.HTTPError, ValueError) as error:
            raise NotAuditedError(f"no answer from {urlsplit(index).hostname} ({type(error).__name__})") from error


async def look_at(pin: Pin, index: str, client: httpx2.AsyncClient, report: Report) -> None:
    """Asks about one: for advisories, and where nobody has them, for files that were taken back."""
    release = f"{index.removesuffix('/simple')}/pypi/{pin.name}/{pin.version}/json"
    answer = await client.get(release)
    if answer.status_code == 200:
        report.by_advisories += 1
        report.faults += faults_of_release(pin, answer.json())
        return
    answer = await client.get(f"{index}/{pin.name}/", headers={"Accept": FILES})
    answer.raise_for_status()
    report.by_files += 1
    report.faults += faults_of_files(pin, answer.json())


def faults_of_release(pin: Pin, said: dict[str, Any]) -> list[str]:
    """What the JSON API says against a release."""
    known = [each for each in said.get("vulnerabilities") or [] if not each.get("withdrawn")]
    named = [each for each in known if ACCEPTED.keys().isdisjoint([each["id"], *each.get("aliases", [])])]
    found = [f"{each['id']}, mended in {', '.join(each.get('fixed_in') or ['no release'])}" for each in named]
    taken_back = said.get("info", {}).get("yanked")
    return [
        f"{pin.name} {pin.version}: {text}" for text in [*found, *(["taken back by its author"] if taken_back else [])]
    ]


def faults_of_files(pin: Pin, said: dict[str, Any]) -> list[str]:
    """What a list of files says: the release was taken back, or the whole project is in quarantine."""
    version = re.compile(rf"[-]{re.escape(pin.version)}(-|\.tar|\.zip)")
    files = [each for each in said.get("files", []) if version.search(each["filename"])]
    state = said.get("project-status", {}).get("status", "active")
    found = [f"its project is {state}"] if state == "quarantined" else []
    if files and all(each.get("yanked") for each in files):
        found.append("taken back by its author")
    return [f"{pin.name} {pin.version}: {text}" for text in found]


def kept() -> Path:
    """Where the last report is."""
    return home() / "audit.json"


def last() -> Report | None:
    """The last report, if there is one."""
    try:
        return Report(**json.loads(kept().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def digest() -> str:
    """Of the lock as it is."""
    return hashlib.sha256(b"".join(lock.read_bytes() for lock in LOCKS)).hexdigest()


def audit(*, now: datetime) -> Report:
    """The last report if it is fresh, else a new one.

    Raises:
        NotAuditedError
    """
    before = last()
    if before and before.lock == digest() and now - datetime.fromisoformat(before.at) < FRESH:
        return before
    report = Report(now.isoformat(), digest())
    asyncio.run(look_up(locked(), index_url(), report))
    report.faults.sort()
    kept().parent.mkdir(parents=True, exist_ok=True)
    kept().write_text(json.dumps(vars(report)))
    return report


def main() -> None:
    faults = without_hash(locked())
    try:
        report = audit(now=datetime.now(UTC))
        print(report.sentence())
        faults += report.faults
    except NotAuditedError as reason:
        before = last()
        print(f"not audited: {reason}; last audited {before.at[:10] if before else 'never'}")
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
