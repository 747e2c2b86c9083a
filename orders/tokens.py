"""Order numbers, and the token by which a guest reaches an order."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare

from orders.models import Order

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TOKEN_BYTES = 16


def new_number() -> str:
    """`ORD-` and 10 random letters and digits that cannot be mistaken for each other (50 bits)."""
    return "ORD-" + "".join(secrets.choice(CROCKFORD) for _ in range(10))


def access_token(order_id: UUID, key: str = "") -> str:
    """The token of a new order: 128 bits that follow from the id and our secret key, or from another `key`.

    Derived rather than drawn, so that the same confirm can be answered with the same token again although only its
    hash is stored.
    """
    by = (key or settings.SECRET_KEY).encode()
    digest = hmac.new(by, b"footfall.order-token" + order_id.bytes, hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:TOKEN_BYTES]).rstrip(b"=").decode()


def token_of(order: Order) -> str:
    """The token that opens this order: of the key that it was placed under, for as long as that is accepted."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if token_opens(order, token := access_token(order.id, key)):
            return token
    return access_token(order.id)


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_opens(order: Order, token: str) -> bool:
    """Whether this is the order's token; compared in constant time."""
    return bool(token) and constant_time_compare(token_hash(token), order.access_token_hash)
