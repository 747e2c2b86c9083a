"""Every change of a checkout. Totals are made here, never taken from the client."""

from checkout.services.basket import initiate, replace_items, store_visit
from checkout.services.confirm import (
    Confirmation,
    ConfirmRequest,
    confirm_order,
    keep_answer,
)
from checkout.services.coupons import apply_coupon, remove_coupon
from checkout.services.delivery import calculate_tax, choose_shipping
from checkout.services.keys import Key, fingerprint, owner_name
from checkout.services.opening import Owner, read_checkout
from checkout.services.phone import PhoneCart, Quote, place_phone_order, quote_phone_order
from checkout.services.restoring import Restored, restore
from checkout.services.unsubscribing import allow_again, unsubscribe
from checkout.services.wishing import Wish

__all__ = [
    "ConfirmRequest",
    "Confirmation",
    "Key",
    "Owner",
    "PhoneCart",
    "Quote",
    "Restored",
    "Wish",
    "allow_again",
    "apply_coupon",
    "calculate_tax",
    "choose_shipping",
    "confirm_order",
    "fingerprint",
    "initiate",
    "keep_answer",
    "owner_name",
    "place_phone_order",
    "quote_phone_order",
    "read_checkout",
    "remove_coupon",
    "replace_items",
    "restore",
    "store_visit",
    "unsubscribe",
]
