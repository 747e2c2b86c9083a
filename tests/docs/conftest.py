"""What the guides' tests share."""

from tests.orders.conftest import subscriber

__all__ = ["subscriber"]
