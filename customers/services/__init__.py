"""Every change of customers and their accounts."""

from customers.services.blocking import set_status
from customers.services.guests import (
    find_or_create_guest,
    record_paid_order,
    record_paid_orders,
    record_refunds,
)
from customers.services.linking import link_customer
from customers.services.opening import forget_unproven, register, verify_email
from customers.services.passwords import (
    InvalidCredentialsError,
    WrongPasswordError,
    ask_for_reset,
    check_login,
    reset_password,
)
from customers.services.profile import AccountChange, change_account, check_current
from customers.services.tokens import TokenLifeError, TokenRefusedError, create_token, revoke_token, use_token

__all__ = [
    "AccountChange",
    "InvalidCredentialsError",
    "TokenLifeError",
    "TokenRefusedError",
    "WrongPasswordError",
    "ask_for_reset",
    "change_account",
    "check_current",
    "check_login",
    "create_token",
    "find_or_create_guest",
    "forget_unproven",
    "link_customer",
    "record_paid_order",
    "record_paid_orders",
    "record_refunds",
    "register",
    "reset_password",
    "revoke_token",
    "set_status",
    "use_token",
    "verify_email",
]
