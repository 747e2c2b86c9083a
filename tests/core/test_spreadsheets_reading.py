"""The records of a CSV file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.spreadsheets import Sheet, WrongSheetError, open_source, records
from core.spreadsheets.reading import LONGEST_LINE

SHEET = Sheet("products", ("sku", "name", "price", "stock"), needed=("sku", "name", "price"))
HEADER = b"sku,name,price\n"


def problems(content: bytes) -> list[tuple[int, str]]:
    return [(record.line, record.problem) for record in records(content.splitlines(keepends=True), SHEET)]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("separator", [b",", b";", b"\t"])
def test_files_of_every_spreadsheet_are_read(mark: bytes, end: bytes, separator: bytes) -> None:
    lines = [mark + separator.join([b'"SKU"', b" Name ", b"price"]) + end, separator.join([b"M", "Đèn".encode(), b"1"])]
    (record,) = records(lines, SHEET)
    assert record.cells == {"sku": "M", "name": "Đèn", "price": "1"}


def test_a_line_is_counted_where_its_record_begins() -> None:
    content = HEADER + b'A,"two\nlines",1\n\nB,Mug\nC,Mug,1\n'
    assert problems(content) == [(2, ""), (5, "has 2 cells, the header has 3"), (6, "")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"A,M\xfcg,1", "is not UTF-8"),
        (b"A,\xed\xa0\x80,1", "is not UTF-8"),
        (b"A,Mug", "has 2 cells, the header has 3"),
        (b"A,Mug,1,2", "has 4 cells, the header has 3"),
        (b'A,"Mug"s,1', 'has a quotation mark in the wrong place: write "" for one, and " around the whole cell'),
        (b"A," + b"x" * LONGEST_LINE + b",1", "is too long"),
        (b"A," + b"x" * 200_000 + b",1", "has a cell that is too long, or a quotation mark that is not closed"),
    ],
)
def test_a_line_that_cannot_be_read_does_not_keep_the_next_from_being_read(line: bytes, problem: str) -> None:
    assert problems(HEADER + line + b"\nB,Mug,1\n") == [(2, problem), (3, "")]


def test_a_quotation_mark_that_is_not_closed_is_told() -> None:
    assert problems(HEADER + b'A,"Mug,1\n') == [(2, "has a quotation mark that is not closed")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty."),
        (b"\xff\xfes\x00k\x00", "The first line is not UTF-8. Save the file as CSV UTF-8."),
        (b"sku\0", "This is no CSV file. Save it as CSV UTF-8."),
        (b"sku,name\n", "There is no column: price."),
        (b"sku,name,prise\n", "There is no column: price. There is a column too many: prise."),
        (b"sku,name,price,name\n", "There are two columns: name."),
        (b"\n\n", "There is no column: sku, name, price."),
        (b"x" * 2_000_000, "The first line is too long."),
    ],
)
def test_a_file_of_another_sheet_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(WrongSheetError) as error:
        list(records(content.splitlines(keepends=True), SHEET))
    assert str(error.value).startswith(reason)


def test_of_an_endless_line_only_the_begin_is_held(tmp_path: object) -> None:
    path = f"{tmp_path}/long.csv"
    with open(path, "wb") as file:
        file.write(HEADER + b"A," + b"x" * (3 * LONGEST_LINE) + b"\nB,Mug,1\n")
    with open_source(path) as source:
        lines = list(source)
        assert source.position() == source.size
    assert [len(line) <= LONGEST_LINE + 1 for line in lines] == [True] * 3


def test_a_file_may_call_columns_otherwise() -> None:
    sheet = replace(SHEET, called={"sku": "Stock Code", "price": "Unit price"})
    (record,) = records([b'"stock code",name,Unit Price\n', b"A,Mug,1\n"], sheet)
    assert record.cells == {"sku": "A", "name": "Mug", "price": "1"}


def test_a_column_that_was_named_must_be_there() -> None:
    sheet = replace(SHEET, called={"stock": "Left"})
    with pytest.raises(WrongSheetError, match=r"There is no column: Left\."):
        list(records([b"sku,name,price\n"], sheet))


def test_other_columns_are_passed_over_where_there_may_be_some() -> None:
    sheet = replace(SHEET, others=True)
    (record,) = records([b"sku,colour,name,,price,\n", b"A,blue,Mug,x,1,y\n"], sheet)
    assert record.cells == {"sku": "A", "name": "Mug", "price": "1"}


def test_a_file_may_be_in_another_encoding() -> None:
    (record,) = records([b"sku,name,price\n", b"A,Caf\xe9,1\n"], replace(SHEET, encoding="cp1252"))
    assert record.cells["name"] == "Café"


def test_a_line_in_another_encoding_than_was_said_is_refused() -> None:
    (record,) = records([b"sku,name,price\n", b"A,Caf\x81,1\n"], replace(SHEET, encoding="cp1252"))
    assert record.problem == "is not Windows-1252"
