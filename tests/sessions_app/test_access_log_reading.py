"""Files of logs: what they are packed in, where their lines end, and from where they are read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import threading
from pathlib import Path

import pytest

from sessions_app.access_log import LogUnreadableError, reading
from sessions_app.access_log.reading import Block, Place, each_once, open_log


def blocks_of(path: Path | str) -> list[Block]:
    with open_log(str(path)) as log:
        return list(log.blocks())


def lines_of(path: Path | str) -> list[bytes]:
    return [line.rstrip(b"\r\n") for block in blocks_of(path) for line in block.lines]


def test_gzip_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(gzip.compress(b"one\ntwo\r\nthree"))

    assert lines_of(path) == [b"one", b"two", b"three"]


def test_several_gzip_files_in_one_are_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress(b"one\ntw") + gzip.compress(b"o\n"))

    assert lines_of(path) == [b"one", b"two"]


def test_a_plain_file_may_be_called_gz(tmp_path: Path) -> None:
    path = tmp_path / "access.gz"
    path.write_bytes(b"one\n\ntwo\n")

    assert lines_of(path) == [b"one", b"", b"two"]


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"one\n"))))

    assert lines_of("-") == [b"one"]


def test_a_named_pipe_is_read_like_standard_input(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_bytes, args=(b"one\ntwo\n",))
    writing.start()

    with open_log(str(pipe)) as log:
        assert [block.lines for block in log.blocks()] == [[b"one\n", b"two\n"]]
        assert (log.size, log.position()) == (None, 0)
    writing.join()


@pytest.mark.parametrize("size", [64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 1_000_000])
@pytest.mark.parametrize("at_once", [1, 2, 1000])
def test_of_a_line_that_is_too_long_only_the_beginning_is_held(
    size: int, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LINES_AT_ONCE", at_once)
    path = tmp_path / "zeros"
    path.write_bytes(b"\0" * size + b"\nnext\n")

    first, second = lines_of(path)

    assert len(first) == min(size, 64 * 1024)
    assert second == b"next"


def test_each_place_knows_what_lies_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINES_AT_ONCE", 2)
    path = tmp_path / "access.log"
    path.write_bytes(b"one\ntwo\n" + b"x" * 200_000 + b"\nfour\nfive")

    blocks = blocks_of(path)

    whole = [block.place for block in blocks if block.whole]
    assert [(place.position, place.lines) for place in whole] == [(8, 2), (200_009, 3)]
    assert not blocks[-1].whole
    for place in whole:
        with open_log(str(path)) as log:
            assert log.go_to(place)
            assert b"".join(line for block in log.blocks(place) for line in block.lines).endswith(b"five")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_log_goes_to_a_place_and_on_from_there(pack: type[bytes], tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(pack(b"one\ntwo\n"))
    [block] = blocks_of(path)
    path.write_bytes(pack(b"one\ntwo\nthree\n"))

    with open_log(str(path)) as log:
        log.beginning()
        assert log.go_to(block.place)
        [following] = log.blocks(block.place)

    assert (following.lines, following.place.lines) == ([b"three\n"], 3)


@pytest.mark.parametrize("now", [b"one\n2wo\nthree\n", b"one\n", b""])
def test_a_log_stays_at_the_start_if_something_else_lies_before_the_place(now: bytes, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"one\ntwo\n")
    [block] = blocks_of(path)
    path.write_bytes(now)

    with open_log(str(path)) as log:
        assert not log.go_to(block.place)
        assert b"".join(line for block in log.blocks() for line in block.lines) == now


def test_a_pipe_stays_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\n")))

    with open_log("-") as log:
        assert log.beginning() == [b"one\n"]
        assert not log.go_to(Place(4, 1, 0))
        assert [block.lines for block in log.blocks()] == [[b"one\n"]]


@pytest.mark.parametrize(
    ("content", "packer"), [(bz2.compress(b"x"), "bzip2"), (lzma.compress(b"x"), "xz"), (b"PK\3\4rest", "zip")]
)
def test_what_is_packed_otherwise_says_so(content: bytes, packer: str, tmp_path: Path) -> None:
    path = tmp_path / "access.log.1"
    path.write_bytes(content)

    with pytest.raises(LogUnreadableError, match=f"packed with {packer}"):
        lines_of(path)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(LogUnreadableError, match="No such file"):
        lines_of(tmp_path / "nothing")


def test_what_lies_before_the_damage_of_a_gzip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "half.gz"
    path.write_bytes(gzip.compress(b"line\n" * 1500)[:-12])

    with open_log(str(path)) as log:
        blocks = log.blocks()
        lines = next(blocks).lines + next(blocks).lines
        with pytest.raises(LogUnreadableError, match="ended before"):
            next(blocks)

    assert len(lines) > 1000


def test_the_position_is_in_bytes_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"one\ntwo\n")

    with open_log(str(path)) as log:
        list(log.blocks())
        assert (log.position(), log.size) == (8, 8)


def test_a_file_that_is_named_twice_or_linked_is_one(tmp_path: Path) -> None:
    one, linked, copy = tmp_path / "one", tmp_path / "linked", tmp_path / "copy"
    one.write_bytes(b"x")
    copy.write_bytes(b"x")
    linked.hardlink_to(one)
    (tmp_path / "symbolic").symlink_to(one)

    names = [one, linked, copy, one, tmp_path / "symbolic"]
    assert each_once(map(str, names)) == [str(one), str(copy)]


def test_a_pipe_is_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"x")

    assert each_once(["-", "-"]) == ["-"]
    with pytest.raises(LogUnreadableError, match="alone"):
        each_once([str(path), "-"])


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(LogUnreadableError, match="is a directory"):
        each_once([str(tmp_path)])
