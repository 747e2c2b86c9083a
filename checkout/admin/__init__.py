"""The screens of checkouts, and of what prices them."""

from checkout.admin import abandoned, records

__all__ = ["abandoned", "records"]
