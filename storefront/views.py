"""The demo shop's pages: the same bytes for everybody. The browser fills them from `/api/v1`."""

from typing import Any

from django.conf import settings
from django.views.generic import TemplateView


def seller() -> dict[str, str]:
    """Who sells, as an invoice names it; `shop_time_zone` is that of its days."""
    return {
        "shop_name": settings.SHOP_NAME,
        "shop_address": settings.SHOP_ADDRESS,
        "shop_tax_id": settings.SHOP_TAX_ID,
        "shop_time_zone": settings.SHOP_TIME_ZONE,
    }


class ShopPage(TemplateView):
    """One page of the shop. The template gets who sells, and what stands in the address (`slug`, `order_id`)."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**seller(), **kwargs)
