"""Orders of another shop, from CSV."""

from orders.transfer.importing import DayTotals, ImportRunningError, Tally, import_orders

__all__ = ["DayTotals", "ImportRunningError", "Tally", "import_orders"]
