"""The lines of a log file, plain or gzip, with memory for one line."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

GZIP_MAGIC = b"\x1f\x8b"
LONGEST_LINE = 64 * 1024
"""Bytes. Web servers refuse requests long before; what is longer is no line of a log."""


class LogUnreadableError(Exception):
    """The file cannot be read, or not to its end; the text says why."""


@dataclass(frozen=True)
class Log:
    """An open log. `size` is in bytes on disk, None when it comes through a pipe."""

    raw: BinaryIO
    lines: BinaryIO
    size: int | None

    def position(self) -> int:
        """Bytes on disk that have been read."""
        return self.raw.tell() if self.size is not None else 0

    def __iter__(self) -> Iterator[bytes]:
        """Each line without its end. Of a line too long to be one, only the beginning.

        Raises:
            LogUnreadableError: the file ends in the middle of its gzip data, or the disk fails.
        """
        readline = self.lines.readline
        try:
            while line := readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                    self._skip_rest()
                yield line.rstrip(b"\r\n")
        except (EOFError, zlib.error, OSError) as error:
            raise LogUnreadableError(f"The file cannot be read to its end ({error}).") from error

    def _skip_rest(self) -> None:
        while (rest := self.lines.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass


@contextmanager
def open_log(path: str) -> Iterator[Log]:
    """Opens a log; `-` is standard input. Whether it is gzip is seen from its first bytes, not from its name.

    Raises:
        LogUnreadableError: there is no such file, or it may not be read.
    """
    if path == "-":
        yield _log(sys.stdin.buffer, size=None)
        return
    try:
        raw = Path(path).open("rb", buffering=1 << 18)  # noqa: SIM115 - closed by the with below
        size = Path(path).stat().st_size
    except OSError as error:
        raise LogUnreadableError(f"{path} cannot be read: {error.strerror}.") from error
    with raw:
        yield _log(raw, size=size)


def _log(raw: BinaryIO, *, size: int | None) -> Log:
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
    if not buffered.peek(2).startswith(GZIP_MAGIC):
        return Log(buffered, buffered, size)
    unzipped = io.BufferedReader(gzip.GzipFile(fileobj=buffered), buffer_size=1 << 18)
    return Log(buffered, unzipped, size)
