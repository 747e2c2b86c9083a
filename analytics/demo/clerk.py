"""Who takes the demo shop's orders: the rows so far, and the customers behind them."""

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password

from analytics.demo import tables
from analytics.demo.dice import Dice
from analytics.demo.shop import Shop
from analytics.demo.visits import Person, Visit
from catalog.models import StockMovement
from checkout.models import CheckoutSession, CouponUse
from customers.models import Address, Customer, User
from orders.models import Order, OrderItem, OrderSession, OrderStatusChange, PaymentAttempt, Refund


@dataclass
class Ledger:
    """The rows that orders leave, to be written together."""

    users: list[User] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    items: list[OrderItem] = field(default_factory=list)
    windows: list[OrderSession] = field(default_factory=list)
    attempts: list[PaymentAttempt] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    changes: list[OrderStatusChange] = field(default_factory=list)
    checkouts: list[CheckoutSession] = field(default_factory=list)
    coupon_uses: list[CouponUse] = field(default_factory=list)
    movements: list[StockMovement] = field(default_factory=list)


@dataclass
class Clerk:
    """Takes orders: the shop, chance, the present, and the rows so far."""

    shop: Shop
    dice: Dice
    now: datetime
    ledger: Ledger = field(default_factory=Ledger)

    def change(
        self, order: Order, old: str, new: str, actor: str, reason: str, when: datetime, field: str = "status"
    ) -> None:
        """A row of the order's history."""
        row = OrderStatusChange(order=order, field=field, old=old, new=new, actor=actor, reason=reason, created_at=when)
        self.ledger.changes.append(row)

    def move_stock(self, order: Order, visit: Visit, sign: int, reason: str, when: datetime) -> None:
        """A movement for each product of the order."""
        self.ledger.movements += [
            StockMovement(product=product, delta=sign * pieces, reason=reason, order_id=order.pk, created_at=when)
            for product, pieces in visit.cart.values()
        ]


def customer_of(clerk: Clerk, visit: Visit) -> Customer:
    """The customer that this person is; made at the first order."""
    person = visit.person
    if person.customer is None:
        person.customer = new_customer(clerk, person, visit)
    return person.customer


def new_customer(clerk: Clerk, person: Person, visit: Visit) -> Customer:
    """A guest, or somebody who registered while ordering."""
    dice, ledger = clerk.dice, clerk.ledger
    first, last = dice.pick(tables.FIRST_NAMES), dice.pick(tables.LAST_NAMES)
    customer = Customer(
        id=dice.id_at(visit.at),
        email=f"{first}.{last}{len(ledger.customers) + 1}@example.com".lower(),
        first_name=first,
        last_name=last,
        phone=f"+44 1632 960{dice.between(100, 999)}",
        first_visit_at=visit.session.started_at,
        created_at=visit.at,
    )
    if dice.happens(tables.REGISTERS):
        register(clerk, customer, person)
    ledger.customers.append(customer)
    return customer


def register(clerk: Clerk, customer: Customer, person: Person) -> None:
    """An account, without a password that anybody knows, and an address kept for the next time."""
    customer.type = Customer.Type.REGISTERED
    customer.user = User(
        email=customer.email,
        password=make_password(None),
        first_name=customer.first_name,
        last_name=customer.last_name,
        date_joined=customer.created_at,
    )
    clerk.ledger.users.append(customer.user)
    country, city, code = person.place
    address = Address(
        customer=customer,
        kind=Address.Kind.SHIPPING,
        line1=street(clerk.dice),
        city=city,
        postal_code=code,
        country=country,
        is_default=True,
    )
    clerk.ledger.addresses.append(address)


def address_of(dice: Dice, person: Person) -> dict[str, str]:
    """Where the parcel goes, as an order keeps it."""
    country, city, code = person.place
    return {"line1": street(dice), "city": city, "postalCode": code, "country": country}


def street(dice: Dice) -> str:
    """A house."""
    return f"{dice.between(1, 180)} {dice.pick(tables.STREETS)}"
