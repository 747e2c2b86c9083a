"""CSV as spreadsheets read and write it."""

from core.spreadsheets.cells import BYTE_ORDER_MARK, CellError, Refusal, csv_text, escaped, unescaped
from core.spreadsheets.reading import Record, Sheet, WrongSheetError, open_source, records
from core.spreadsheets.reporting import Report

__all__ = [
    "BYTE_ORDER_MARK",
    "CellError",
    "Record",
    "Refusal",
    "Report",
    "Sheet",
    "WrongSheetError",
    "csv_text",
    "escaped",
    "open_source",
    "records",
    "unescaped",
]
