"""The audit of locked packages, with a small index on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from config import audit
from config.audit import NotAuditedError, Pin

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LOCK = """\
mug==1.2 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via tea
tea[green]==2.0 ; python_version < '3.13' \\
    --hash=sha256:cc
"""
ADVISORY = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fixed_in": ["1.3"]}


class Index:
    """Serves these paths as JSON, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    served = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            self.send_response(200 if self.path in served.answers else 404)
            self.end_headers()
            self.wfile.write(json.dumps(served.answers.get(self.path, {})).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    lock = tmp_path / "runtime.txt"
    lock.write_text(LOCK)
    monkeypatch.setattr(audit, "LOCKS", [lock])
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}/simple/")
        served.answers = {f"/pypi/{name}/json": {"info": {}, "vulnerabilities": []} for name in ("mug/1.2", "tea/2.0")}
        yield served
        server.shutdown()


def files_of(name: str, *files: tuple[str, bool], **more: Any) -> dict[str, Any]:
    """The list of a project's files, and whether each was taken back."""
    listed = [{"filename": filename, "yanked": yanked} for filename, yanked in files]
    return {f"/simple/{name}/": {"files": listed} | more}


def test_the_lock_is_read_with_markers_extras_and_hashes() -> None:
    assert list(audit.pins(LOCK)) == [Pin("mug", "1.2", 2), Pin("tea", "2.0", 1)]


def test_every_package_of_our_lock_has_a_hash() -> None:
    packages = audit.locked()
    assert len(packages) > 100
    assert audit.without_hash(packages) == []


def test_control_a_package_without_a_hash_is_noticed() -> None:
    assert audit.without_hash(list(audit.pins("mug==1.2\n"))) == ["mug 1.2 has no hash: make lock"]


def test_a_lock_that_nobody_has_anything_against_is_well(index: Index) -> None:
    report = audit.audit(now=NOW)
    assert (report.faults, report.by_advisories, report.by_files) == ([], 2, 0)
    assert report.sentence() == "audited 2026-03-10: 2 packages for advisories"


def test_an_advisory_is_a_fault(index: Index) -> None:
    index.answers["/pypi/mug/1.2/json"]["vulnerabilities"] = [ADVISORY]
    assert audit.audit(now=NOW).faults == ["mug 1.2: PYSEC-1, mended in 1.3"]


def test_an_advisory_that_was_withdrawn_or_does_not_concern_us_is_none(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "ACCEPTED", {"CVE-1": "we do not boil"})
    index.answers["/pypi/mug/1.2/json"]["vulnerabilities"] = [ADVISORY, {"id": "PYSEC-2", "withdrawn": "2026-01-01"}]
    assert audit.audit(now=NOW).faults == []


def test_a_release_that_was_taken_back_is_a_fault(index: Index) -> None:
    index.answers["/pypi/tea/2.0/json"]["info"] = {"yanked": True}
    assert audit.audit(now=NOW).faults == ["tea 2.0: taken back by its author"]


def test_an_index_without_advisories_says_what_was_taken_back(index: Index) -> None:
    index.answers = files_of("mug", ("mug-1.2-py3-none-any.whl", True), ("mug-1.20.tar.gz", False)) | files_of(
        "tea", ("tea-2.0.tar.gz", False), **{"project-status": {"status": "quarantined"}}
    )
    report = audit.audit(now=NOW)
    assert report.faults == ["mug 1.2: taken back by its author", "tea 2.0: its project is quarantined"]
    assert (report.by_advisories, report.by_files) == (0, 2)


def test_answers_hold_for_a_day_and_for_the_same_lock(index: Index) -> None:
    audit.audit(now=NOW)
    index.asked.clear()
    audit.audit(now=NOW + timedelta(hours=23))
    assert index.asked == []
    audit.LOCKS[0].write_text(LOCK.replace("1.2", "1.3"))
    index.answers["/pypi/mug/1.3/json"] = {"info": {}}
    audit.audit(now=NOW + timedelta(hours=23))
    assert len(index.asked) == 2


def test_without_an_index_nothing_is_said_of_the_packages_and_nothing_fails(
    index: Index, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audit.audit(now=NOW)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    with pytest.raises(NotAuditedError):
        audit.audit(now=NOW + timedelta(days=2))
    with pytest.raises(SystemExit) as ended:
        audit.main()
    assert ended.value.code == 0
    assert capsys.readouterr().out == "not audited: no answer from 127.0.0.1 (ConnectError); last audited 2026-03-10\n"
