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


def access_token(order_id: UUID) -> str:
    """The order's token: 128 bits that follow from the id and our secret key.

    Derived rather than drawn, so that the same confirm can be answered with the same token again although only its
    hash is stored.
    """
    digest = hmac.new(settings.SECRET_KEY.encode(), b"footfall.order-token" + order_id.bytes, hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:TOKEN_BYTES]).rstrip(b"=").decode()


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_opens(order: Order, token: str) -> bool:
    """Whether this is the order's token; compared in constant time."""
    return bool(token) and constant_time_compare(token_hash(token), order.access_token_hash)
