"""What nginx is told to write of a request, where there is no nginx to ask (`test_nginx.py`)."""

from __future__ import annotations

import re

from config.embedded import PROJECT

OF_NOBODY = {
    "network", "time_local", "request_method", "path_told", "server_protocol", "status", "body_bytes_sent",
    "request_time", "upstream_cache_status",
}  # fmt: skip


def test_a_line_of_nginx_has_nothing_that_tells_who_it_was() -> None:
    (told,) = re.findall(r"^log_format footfall (.+?);$", (PROJECT / "deploy" / "nginx.conf").read_text(), re.M | re.S)
    assert set(re.findall(r"\$(\w+)", told)) == OF_NOBODY


def test_every_log_of_requests_is_written_so() -> None:
    logs = re.findall(r"^ *access_log (.+);$", (PROJECT / "deploy" / "nginx.conf").read_text(), re.M)
    assert logs
    assert {words for words in logs if words != "off"} == {"/var/log/nginx/footfall.log footfall"}
