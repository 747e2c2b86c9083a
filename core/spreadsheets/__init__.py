"""CSV as spreadsheets read and write it."""

from core.spreadsheets.cells import BYTE_ORDER_MARK, CellError, Refusal, csv_text, escaped, unescaped
from core.spreadsheets.reading import ENCODINGS, Record, Sheet, Source, WrongSheetError, open_source, records
from core.spreadsheets.reporting import Report
from core.spreadsheets.values import amount_of, longest_of, text_of, word_of

__all__ = [
    "BYTE_ORDER_MARK",
    "ENCODINGS",
    "CellError",
    "Record",
    "Refusal",
    "Report",
    "Sheet",
    "Source",
    "WrongSheetError",
    "amount_of",
    "csv_text",
    "escaped",
    "longest_of",
    "open_source",
    "records",
    "text_of",
    "unescaped",
    "word_of",
]
