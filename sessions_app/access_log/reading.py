"""A log file, plain or gzip, in blocks of lines, with memory for one block."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

GZIP_MAGIC = b"\x1f\x8b"
OTHERWISE_PACKED = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
STANDARD_INPUT = "-"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

LONGEST_LINE = 64 * 1024
"""Bytes. Web servers refuse requests long before; what is longer is no line of a log."""

LINES_AT_ONCE = 1_000
BUFFER = 1 << 18


class LogUnreadableError(Exception):
    """The file cannot be read, or not to its end; the text says why."""


class Place(NamedTuple):
    """Between two lines. Before it lie `position` bytes, unzipped, and `lines`; `checksum` is the bytes' CRC-32."""

    position: int = 0
    lines: int = 0
    checksum: int = 0


START = Place()


class Block(NamedTuple):
    """Some lines, with their ends, and the place behind them. It is within a line if they are not `whole`."""

    lines: list[bytes]
    place: Place
    whole: bool


@dataclass
class Log:
    """An open log. `size` is in bytes on disk, None when it comes through a pipe."""

    name: str
    raw: BinaryIO
    text: BinaryIO
    size: int | None
    held: list[bytes] = field(default_factory=list)
    damage: LogUnreadableError | None = None

    def position(self) -> int:
        """Bytes on disk that have been read."""
        return self.raw.tell() if self.size is not None else 0

    def beginning(self) -> list[bytes]:
        """The first lines from here. They are not lost to who asks for blocks after that."""
        self.held = self.held or self._take()
        return self.held

    def go_to(self, place: Place) -> bool:
        """Goes to a place, if the same lies before it as when it was noted; else stays at the start.

        Everything before is read, which takes a thirtieth of importing it, and so it is with gzip too. A pipe cannot
        go back if it was the wrong one.
        """
        if self.size is None:
            return False
        self.text.seek(0)
        self.held, self.damage = [], None
        if self._checksum(place.position) == place.checksum:
            return True
        self.text.seek(0)
        self.damage = None
        return False

    def blocks(self, start: Place = START) -> Iterator[Block]:
        """What lies behind the place to which the log has gone. Of a line too long to be one, only the beginning.

        Raises:
            LogUnreadableError: the file ends in the middle of its gzip data, or the disk fails. What could be read
                was given before.
        """
        place, within = start, False
        pieces = self.beginning()
        while pieces:
            lines = _lines(pieces, within)
            within = not pieces[-1].endswith(b"\n")
            content = b"".join(pieces)
            place = Place(place.position + len(content), place.lines + len(lines), zlib.crc32(content, place.checksum))
            yield Block(lines, place, whole=not within)
            pieces = self._take()
        if self.damage:
            raise self.damage

    def _take(self) -> list[bytes]:
        """A block. Where the file turns out to be damaged, what lies before the damage."""
        taken: list[bytes] = []
        if not self.damage:
            with self._noting_damage():
                taken.extend(islice(iter(partial(self.text.readline, LONGEST_LINE), b""), LINES_AT_ONCE))
        return taken

    def _checksum(self, position: int) -> int | None:
        """The CRC-32 of so many bytes, None if there are fewer."""
        checksum = 0
        with self._noting_damage():
            while position and (content := self.text.read(min(position, BUFFER))):
                checksum = zlib.crc32(content, checksum)
                position -= len(content)
        return None if position else checksum

    @contextmanager
    def _noting_damage(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, zlib.error, OSError) as error:
            self.damage = LogUnreadableError(str(error))


def _lines(pieces: list[bytes], within: bool) -> list[bytes]:
    """Those pieces that begin a line; `within` says whether the first goes on with one. Nearly always it is all."""
    if not within and max(map(len, pieces)) < LONGEST_LINE:
        return pieces
    lines = []
    for piece in pieces:
        if not within:
            lines.append(piece)
        within = not piece.endswith(b"\n")
    return lines


@contextmanager
def open_log(path: str) -> Iterator[Log]:
    """Opens a log; `-` is standard input. Whether it is gzip is seen from its first bytes, not from its name.

    Raises:
        LogUnreadableError: there is no such file, it may not be read, or it is packed with something else than gzip.
    """
    if path == STANDARD_INPUT:
        yield _log("standard input", sys.stdin.buffer, size=None)
        return
    try:
        raw = Path(path).open("rb", buffering=BUFFER)  # noqa: SIM115 - closed by the with below
        size = Path(path).stat().st_size if is_file(path) else None
    except OSError as error:
        raise LogUnreadableError(f"{path} cannot be read: {error.strerror}.") from error
    with raw:
        yield _log(path, raw, size=size)


def is_file(path: str) -> bool:
    """Whether it can be read twice: a pipe cannot, whatever its name."""
    return path != STANDARD_INPUT and Path(path).is_file()


def _log(name: str, raw: BinaryIO, *, size: int | None) -> Log:
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
    begin = buffered.peek(6)
    for magic, packer in OTHERWISE_PACKED.items():
        if begin.startswith(magic):
            raise LogUnreadableError(f"{name} is packed with {packer}, only gzip is read. Unpack it before.")
    if not begin.startswith(GZIP_MAGIC):
        return Log(name, buffered, buffered, size)
    return Log(name, buffered, io.BufferedReader(_Unzipped(buffered), buffer_size=BUFFER), size)


class _Unzipped(io.RawIOBase):
    """Gives each piece as soon as it is unzipped, so that nothing before a damage is lost with what follows."""

    def __init__(self, zipped: BinaryIO) -> None:
        self.file = gzip.GzipFile(fileobj=zipped)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        content = self.file.read1(len(view))
        view[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.file.seek(offset, whence)


def each_once(paths: Iterable[str]) -> list[str]:
    """Without what is named twice, by the same name, another or a hard link.

    Raises:
        LogUnreadableError: there is no such file, or a pipe stands beside others: it cannot be put in order.
    """
    found: dict[object, str] = {}
    for path in paths:
        found.setdefault(_identity(path), path)
    distinct = list(found.values())
    if len(distinct) > 1 and (pipes := [path for path in distinct if not is_file(path)]):
        raise LogUnreadableError(f"{pipes[0]} is a pipe: it is read alone, not beside files.")
    return distinct


def _identity(path: str) -> object:
    if path == STANDARD_INPUT:
        return path
    try:
        stat = Path(path).stat()
    except OSError as error:
        raise LogUnreadableError(f"{path} cannot be read: {error.strerror}.") from error
    if S_ISDIR(stat.st_mode):
        raise LogUnreadableError(f"{path} is a directory.")
    return stat.st_dev, stat.st_ino
