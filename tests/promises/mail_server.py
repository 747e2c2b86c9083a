"""A mail server for tests: real SMTP on this machine, told when to be slow."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from socketserver import StreamRequestHandler, ThreadingTCPServer


@dataclass
class MailServer:
    """What it took, by Message-ID, and the word before which it waits: `greeting`, or `thanks` for what it took."""

    url: str = ""
    taken: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    slow: str = ""
    goes_on: threading.Event = field(default_factory=threading.Event)

    def wait(self, word: str) -> None:
        """If this is the one."""
        if self.slow == word:
            self.goes_on.wait(30)

    @contextmanager
    def waits(self, word: str) -> Iterator[None]:
        """For the length of a `with` block."""
        self.slow, self.goes_on = word, threading.Event()
        try:
            yield
        finally:
            self.slow = ""
            self.goes_on.set()


class Handler(StreamRequestHandler):
    """One caller."""

    mails: MailServer

    def handle(self) -> None:
        self.mails.calls += 1
        self.mails.wait("greeting")
        self.say("220 ready")
        for line in self.rfile:
            word = line.strip().upper()
            if word == b"DATA":
                self.say("354 go on")
                self.take()
                self.mails.wait("thanks")
            self.say("221 bye" if word == b"QUIT" else "250 fine")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def take(self) -> None:
        """One mail, up to the line that is a full stop."""
        lines = list(iter(self.rfile.readline, b".\r\n"))
        self.mails.taken[message_from_bytes(b"".join(lines))["Message-ID"]] += 1


class Server(ThreadingTCPServer):
    """Callers may go without a word."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that was killed is no news."""


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A mail server for the length of a `with` block."""
    mails = MailServer()
    with Server(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"mails": mails})) as server:
        mails.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield mails
        server.shutdown()
