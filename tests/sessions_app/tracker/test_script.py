"""The script for shops as it is served. What it does in a browser, the modules beside this one tell."""

import gzip

from django.test import RequestFactory

from sessions_app.track import tracker_js

MOST_BYTES = 1536


def test_at_most_one_and_a_half_kilobytes_compressed() -> None:
    answer = tracker_js(RequestFactory().get("/tracker.js", headers={"accept-encoding": "gzip"}))
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) <= MOST_BYTES


def test_compressed_and_plain_are_the_same_script() -> None:
    compressed = tracker_js(RequestFactory().get("/tracker.js", headers={"accept-encoding": "gzip"}))
    plain = tracker_js(RequestFactory().get("/tracker.js"))
    assert gzip.decompress(compressed.content) == plain.content


def test_known_script_is_not_sent_again() -> None:
    etag = tracker_js(RequestFactory().get("/tracker.js"))["ETag"]
    again = tracker_js(RequestFactory().get("/tracker.js", headers={"if-none-match": etag}))
    assert (again.status_code, again.content) == (304, b"")
