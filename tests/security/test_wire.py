"""Bytes that no HTTP library sends, to the web server as the Procfile starts it: each is answered, none is a bug."""

from __future__ import annotations

import gzip
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from wsgiref.simple_server import make_server

import pytest

from config.embedded import PROJECT
from config.run import procfile
from config.wsgi import application
from tests import logs
from tests.e2e.conftest import free_port
from tests.promises.processes import environment, until

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20
"""Seconds for an answer, on a machine that runs the other tests at the same time."""
INITIATE = b"POST /api/v1/checkout/initiate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
PRODUCTS = b"GET /api/v1/storefront/products HTTP/1.1\r\nHost: localhost\r\n"
TRACK = INITIATE.replace(b"checkout/initiate", b"analytics/track")
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BOMB = gzip.compress(b" " * 50_000_000)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server says."""
    return tmp_path_factory.mktemp("wire") / "web.log"


@pytest.fixture
def web(log: Path, transactional_db: None) -> Iterator[int]:
    """A web server on this test's database and Redis; its port."""
    port = free_port()
    words = shlex.split(procfile()["web"].replace("$PORT", str(port)).replace("0.0.0.0", "127.0.0.1"))
    words[words.index("--workers") + 1] = "1"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=PROJECT,
            env=environment() | {"PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    until(lambda: answers(port) or process.poll() is not None, f"the web server: {log.read_text()}")
    yield port
    process.terminate()
    process.wait(PATIENCE)
    logs.search(log)


def answers(port: int) -> bool:
    """Whether the server takes requests."""
    try:
        return status(port, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200
    except OSError:
        return False


def status(port: int, request: bytes) -> int:
    """The status of the answer to some bytes; 0 if the connection is ended without one."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # whoever was refused early hears the rest of it no more
        return read_status(connection)


def read_status(connection: socket.socket) -> int:
    """Of the first answer. A second good one to the same bytes would have been smuggled in."""
    said = b""
    try:
        while part := connection.recv(65536):
            said += part
    except ConnectionError:
        pass
    assert said.count(b"HTTP/1.1 2") <= 1, said
    return int(said.split(b" ", 2)[1]) if said.startswith(b"HTTP/1.") else 0


def chunk(body: bytes) -> bytes:
    """A body in one chunk."""
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


REFUSED = {
    "a chunked body without length": INITIATE + CHUNKED + b"\r\n" + chunk(b'{"cartItems": []}'),
    "a chunked body of 10 MB": INITIATE + CHUNKED + b"\r\n" + chunk(b"x" * 10_000_000),
    "a chunk of no size": INITIATE + CHUNKED + b"\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "a chunk of a negative size": INITIATE + CHUNKED + b"\r\n-5\r\n{}\r\n0\r\n\r\n",
    "a length and chunks": INITIATE + CHUNKED + b"Content-Length: 2\r\n\r\n" + chunk(b"{}"),
    "two lengths": INITIATE + b"Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}",
    "a negative length": INITIATE + b"Content-Length: -2\r\n\r\n{}",
    "a length that is no number": INITIATE + b"Content-Length: 1e3\r\n\r\n{}",
    "a length of a word": INITIATE + b"Content-Length: \xef\xbc\x92\r\n\r\n{}",
    "a body of 10 MB": INITIATE + b"Content-Length: 10000000\r\n\r\n" + b"x" * 10_000_000,
    "another transfer coding": INITIATE + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk(b"{}"),
    "a body that ends too soon": INITIATE + b"Content-Length: 5000\r\n\r\n{}",
    "a gzip bomb": INITIATE + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(BOMB), BOMB),
    "a gzip bomb for tracking": TRACK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(BOMB), BOMB),
    "a null byte in a header": PRODUCTS + b"X-Request-ID: a\x00b\r\n\r\n",
    "a header without a colon": PRODUCTS + b"X-Request-ID\r\n\r\n",
    "a header that goes on": PRODUCTS + b"X-Request-ID: a\r\n b\r\n\r\n",
    "a header of 1 MB": PRODUCTS + b"Idempotency-Key: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "a thousand headers": PRODUCTS + b"X-Order-Token: x\r\n" * 1000 + b"\r\n",
    "an address of 1 MB": b"GET /api/v1/storefront/products?search="
    + b"x" * 1_000_000
    + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "another version": b"GET /api/v1/orders HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "a method that is none": b"G\x00T /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no method at all": b"\r\n\r\n\r\n /\r\n\r\n",
    "a host with a path": b"GET /api/v1/orders HTTP/1.1\r\nHost: evil.example/..\r\n\r\n",
    "two hosts": PRODUCTS + b"Host: evil.example\r\n\r\n",
    "ten thousand parameters": b"GET /api/v1/storefront/products?"
    + b"a=1&" * 10_000
    + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
TAKEN_OR_REFUSED = {
    "raw bytes in the address": b"GET /api/v1/storefront/products/\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a null byte in the query": b"GET /api/v1/storefront/products?search=%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a null byte in the path": b"GET /api/v1/storefront/products/a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "another's address": b"GET http://evil.example/api/v1/orders HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two slashes": b"GET //evil.example/api/v1/orders HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a way up": b"GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a way up in static files": b"GET /static/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a null byte in static files": b"GET /static/a%00b.css HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "bytes in a header": PRODUCTS + b"X-Visitor-Session: \xff\xfe\xed\xa0\x80\r\nX-Request-ID: \xff\r\n\r\n",
    "bytes in a cookie": PRODUCTS + b"Cookie: visitor_session=\xff\x01; footfall_login=\xed\xa0\x80; a\r\n\r\n",
    "a language of bytes": PRODUCTS + b"Accept-Language: \xff,vi;q=\xfe, en;q=1e400\r\n\r\n",
    "no host": b"GET /api/v1/orders HTTP/1.0\r\n\r\n",
    "a method of their own": b"FROB /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a static file that is posted to": INITIATE.replace(b"api/v1/checkout/initiate", b"static/admin/footfall.css")
    + b"Content-Length: 2\r\n\r\n{}",
}


def taken(port: int) -> dict[str, int]:
    """What was answered otherwise than with a refusal, of what must be refused."""
    said = {what: status(port, request) for what, request in REFUSED.items()}
    return {what: code for what, code in said.items() if not (400 <= code < 500 or code == 0)}


def test_every_request_that_is_none_is_refused_by_the_server(web: int, log: Path) -> None:
    assert taken(web) == {}
    said = {what: status(web, request) for what, request in TAKEN_OR_REFUSED.items()}
    assert {what: code for what, code in said.items() if not 200 <= code < 500} == {}
    assert answers(web)
    assert "Internal Server Error" not in log.read_text(errors="replace")


def test_control_a_server_that_takes_what_comes_is_noticed(transactional_db: None) -> None:
    with make_server("127.0.0.1", 0, application) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        assert taken(server.server_port)
        server.shutdown()
