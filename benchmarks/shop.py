"""The shop that is measured: products, shipping, tax, a coupon, visitors with consent."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from catalog.models import Product, StockMovement
from catalog.services import adjust_stock
from checkout.models import Coupon, ShippingMethod, ShippingZone, TaxRate
from core.clock import now
from core.ids import new_id
from sessions_app import services
from sessions_app.models import Consent
from sessions_app.services import Arrival
from sessions_app.state import SessionState

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
STOCK = 10_000_000
COUPON = "TEN"


@cache
def products() -> list[Product]:
    """Three products with more pieces than a benchmark can order."""
    made = [
        Product.objects.create(
            slug=f"kettle-{n}",
            sku=f"KET-{n}",
            name=f"Kettle No. {n}",
            price=Decimal("24.90"),
            description="Boils." * 50,
        )
        for n in range(3)
    ]
    return [adjust_stock(product=p, delta=STOCK, reason=StockMovement.Reason.INITIAL) for p in made]


@cache
def price_tables() -> None:
    """The demo shop's tables: 10 % tax, flat 10.00 shipping, and a coupon of 10 %, limited as real ones are."""
    zone = ShippingZone.objects.create(name="Everywhere", countries=["*"])
    ShippingMethod.objects.create(zone=zone, name="Standard", price=Decimal(10), min_days=3, max_days=5)
    TaxRate.objects.create(country="*", name="Tax", rate=Decimal(10))
    Coupon.objects.create(code=COUPON, kind=Coupon.Kind.PERCENT, value=10, max_uses=STOCK, max_uses_per_customer=3)


def visitor() -> SessionState:
    """A visit that has begun, of a visitor who was never here before."""
    arrival = Arrival(
        ip="203.0.113.7",
        user_agent=BROWSER,
        own_host="127.0.0.1",
        landing_page="/shop/",
        referrer="https://www.google.com/",
        visitor_id=new_id(),
        consent=Consent.GRANTED,
    )
    return services.open_session(services.begin(arrival=arrival, now=now()), events=[], now=now())
