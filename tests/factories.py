"""Test data, one factory a model. Defaults make a valid row; a test says only what it is about.

Times default to `NOW`, so that figures worked out by hand stay the same whenever the tests run.
"""

# mypy: allow-untyped-calls
# factory-boy's declarations carry no types; what the factories make does.

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from factory.declarations import (
    LazyAttribute,
    LazyFunction,
    PostGeneration,
    SelfAttribute,
    Sequence,
    SubFactory,
    Trait,
)
from factory.django import DjangoModelFactory, Password

from catalog.models import Category, Product, StockMovement
from checkout.models import CheckoutSession, Coupon, ShippingMethod, ShippingZone, TaxRate
from customers.models import Customer, User
from orders.models import CLOSED, Order, OrderItem, OrderSession, PaymentAttempt, Refund
from sessions_app.models import SessionEvent, VisitorSession
from sessions_app.months import ensure_months

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PASSWORD = "correct-horse-battery"
ADDRESS = {"line1": "1 High Street", "city": "London", "postalCode": "N1 1AA", "country": "GB"}


T = TypeVar("T")

if TYPE_CHECKING:

    class ModelFactory(DjangoModelFactory[T]):
        """A factory as mypy should see it: calling one makes a row."""

        def __new__(cls, **fields: Any) -> T:  # type: ignore[misc] # not a factory, which is the point
            raise NotImplementedError
else:
    ModelFactory = DjangoModelFactory


class UserFactory(ModelFactory[User]):
    """An account; log in with `PASSWORD`. `is_staff=True` for the admin."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = Sequence(lambda n: f"user{n}@example.com")
    password = Password(PASSWORD)


class CustomerFactory(ModelFactory[Customer]):
    """A guest."""

    class Meta:
        model = Customer

    email = Sequence(lambda n: f"customer{n}@example.com")
    first_name = "Ada"
    last_name = "Byron"
    created_at = NOW


class CategoryFactory(ModelFactory[Category]):
    """A shelf."""

    class Meta:
        model = Category

    slug = Sequence(lambda n: f"category-{n}")
    name = Sequence(lambda n: f"Category {n}")


def write_first_movement(product: Product, create: bool, _value: Any, **_options: Any) -> None:
    """So that the stock is the sum of its movements."""
    if create and product.stock_quantity:
        reason = StockMovement.Reason.INITIAL
        StockMovement.objects.create(product=product, delta=product.stock_quantity, reason=reason)


class ProductFactory(ModelFactory[Product]):
    """Something for 20.00, 100 pieces on stock (`stock_quantity=0` is sold out); the ledger agrees."""

    class Meta:
        model = Product
        skip_postgeneration_save = True

    slug = Sequence(lambda n: f"product-{n}")
    sku = Sequence(lambda n: f"SKU-{n}")
    name = Sequence(lambda n: f"Product {n}")
    price = Decimal("20.00")
    stock_quantity = 100

    ledger = PostGeneration(write_first_movement)


class VisitorSessionFactory(ModelFactory[VisitorSession]):
    """A confirmed desktop visit of one page, begun at `NOW` and seen no more."""

    class Meta:
        model = VisitorSession

    visitor_id = LazyFunction(uuid.uuid4)
    device = "desktop"
    landing_page = "/"
    unconfirmed = False
    script_page_views = 1
    events_count = 1
    started_at = NOW
    last_seen_at = SelfAttribute("started_at")


class SessionEventFactory(ModelFactory[SessionEvent]):
    """A page view that the script sent."""

    class Meta:
        model = SessionEvent

    session = SubFactory(VisitorSessionFactory)
    visitor_id = SelfAttribute("session.visitor_id")
    event_type = "page_view"
    source = SessionEvent.Source.SCRIPT
    page = "/"
    timestamp = SelfAttribute("session.started_at")

    @classmethod
    def _create(cls, model_class: type[SessionEvent], *args: Any, **fields: Any) -> SessionEvent:
        ensure_months([fields["timestamp"]])
        created: SessionEvent = super()._create(model_class, *args, **fields)
        return created


class OrderFactory(ModelFactory[Order]):
    """A pending order of 20.00 without items, session or payment window. `paid=True` makes it a paid one. Another
    status has its time.
    """

    class Meta:
        model = Order

    class Params:
        paid = Trait(status=Order.Status.SUCCESS)

    number = Sequence(lambda n: f"ORD-{n:010d}")
    customer = SubFactory(CustomerFactory)
    email = SelfAttribute("customer.email")
    first_name = "Ada"
    last_name = "Byron"
    subtotal = Decimal("20.00")
    discount_amount = Decimal(0)
    shipping_amount = Decimal(0)
    tax_amount = Decimal(0)
    total = LazyAttribute(
        lambda order: order.subtotal - order.discount_amount + order.shipping_amount + order.tax_amount
    )
    currency = "GBP"
    shipping_address = LazyFunction(lambda: dict(ADDRESS))
    billing_address = LazyFunction(lambda: dict(ADDRESS))
    access_token_hash = LazyFunction(lambda: hashlib.sha256(uuid.uuid4().bytes).hexdigest())
    placed_at = NOW
    status = Order.Status.PENDING
    paid_at = LazyAttribute(lambda order: order.placed_at if order.status == Order.Status.SUCCESS else None)
    closed_at = LazyAttribute(lambda order: order.placed_at if order.status in CLOSED else None)


def with_its_times(status: str) -> dict[str, Any]:
    """The status, and what an order in it must have."""
    return {
        "status": status,
        "paid_at": NOW if status == "success" else None,
        "closed_at": NOW if status in CLOSED else None,
    }


class OrderItemFactory(ModelFactory[OrderItem]):
    """A line of one piece at its product's price."""

    class Meta:
        model = OrderItem

    order = SubFactory(OrderFactory)
    product = SubFactory(ProductFactory)
    name = SelfAttribute("product.name")
    sku = SelfAttribute("product.sku")
    unit_price = SelfAttribute("product.price")
    quantity = 1
    line_total = LazyAttribute(lambda item: item.unit_price * item.quantity)


class OrderSessionFactory(ModelFactory[OrderSession]):
    """An active window of 15 minutes and 3 attempts, begun when the order was placed."""

    class Meta:
        model = OrderSession

    order = SubFactory(OrderFactory)
    duration_minutes = 15
    started_at = SelfAttribute("order.placed_at")
    expires_at = LazyAttribute(lambda window: window.started_at + timedelta(minutes=window.duration_minutes))
    max_payment_attempts = 3


class PaymentAttemptFactory(ModelFactory[PaymentAttempt]):
    """The first attempt: open, of the order's total, not asked about yet. Another status has its time."""

    class Meta:
        model = PaymentAttempt

    order_session = SubFactory(OrderSessionFactory)
    number = 1
    billing_checkout_id = Sequence(lambda n: f"pay_{n}")
    payment_url = LazyAttribute(lambda attempt: f"https://billing.test/pay/{attempt.billing_checkout_id}")
    amount = SelfAttribute("order_session.order.total")
    currency = SelfAttribute("order_session.order.currency")
    next_poll_at = SelfAttribute("opened_at")
    opened_at = SelfAttribute("order_session.started_at")
    status = PaymentAttempt.Status.OPEN
    resolved_at = LazyAttribute(lambda a: None if a.status == PaymentAttempt.Status.OPEN else a.opened_at)


class RefundFactory(ModelFactory[Refund]):
    """A whole refund that was requested and not made yet. `done=True` makes it a made one."""

    class Meta:
        model = Refund

    class Params:
        done = Trait(status=Refund.Status.DONE, made_at=SelfAttribute("requested_at"), next_try_at=None)

    attempt = SubFactory(PaymentAttemptFactory)
    amount = SelfAttribute("attempt.amount")
    reason = "sent back"
    requested_at = NOW
    next_try_at = SelfAttribute("requested_at")


class ShippingZoneFactory(ModelFactory[ShippingZone]):
    """Everywhere."""

    class Meta:
        model = ShippingZone

    name = Sequence(lambda n: f"Zone {n}")
    countries = LazyFunction(lambda: ["*"])


class ShippingMethodFactory(ModelFactory[ShippingMethod]):
    """10.00, three to five days."""

    class Meta:
        model = ShippingMethod

    zone = SubFactory(ShippingZoneFactory)
    name = "Standard"
    price = Decimal("10.00")
    min_days = 3
    max_days = 5


class TaxRateFactory(ModelFactory[TaxRate]):
    """10 % everywhere, on shipping too."""

    class Meta:
        model = TaxRate

    country = "*"
    name = "Tax"
    rate = Decimal("10")


class CouponFactory(ModelFactory[Coupon]):
    """10 % off, for everybody, for ever."""

    class Meta:
        model = Coupon

    code = Sequence(lambda n: f"CODE{n}")
    kind = Coupon.Kind.PERCENT
    value = Decimal("10")


class CheckoutSessionFactory(ModelFactory[CheckoutSession]):
    """An open checkout of nothing yet, begun at `NOW`."""

    class Meta:
        model = CheckoutSession

    visitor_session = SubFactory(VisitorSessionFactory)
    items = LazyFunction(list)
    summary = LazyFunction(dict)
    created_at = NOW
    updated_at = SelfAttribute("created_at")
    expires_at = LazyAttribute(lambda checkout: checkout.updated_at + timedelta(minutes=30))
