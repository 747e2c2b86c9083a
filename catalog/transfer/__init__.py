"""Products as CSV: in by the admin or a command, out by the same."""

from catalog.transfer.exporting import product_lines
from catalog.transfer.importing import Kind, Stored, Tally, import_products

__all__ = ["Kind", "Stored", "Tally", "import_products", "product_lines"]
