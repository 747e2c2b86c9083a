"""The load's own client, for machines without wrk."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from benchmarks.load import drive_asyncio, raw_request
from benchmarks.measurement import NotDoneError


class Handler(BaseHTTPRequestHandler):
    """Answers /good with 200 and everything else with 500, and counts."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    served = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Handler.served += 1
        self.send_response(200 if self.path == "/good" and body == b"{}" else 500)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """Does not tell of clients that went away."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = Server(("127.0.0.1", 0), Handler)
    Handler.served = 0
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_every_answer_is_counted_and_the_client_says_its_own_cost(port: int) -> None:
    load = drive_asyncio(port, [raw_request("POST", "/good", {}, b"{}")], seconds=0.2)
    assert 0 < load.answers == Handler.served
    assert load.client_seconds > 0


def test_an_error_is_no_figure(port: int) -> None:
    with pytest.raises(NotDoneError, match="500"):
        drive_asyncio(port, [raw_request("POST", "/bad", {}, b"{}")], seconds=0.2)


def test_a_request_says_how_long_it_is() -> None:
    assert raw_request("POST", "/good", {"Accept": "*/*"}, b"{}") == (
        b"POST /good HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nContent-Length: 2\r\n\r\n{}"
    )
