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
from customers.services.second_factor import (
    SecondFactorStateError,
    WrongCodeError,
    check_code,
    enrol,
    forget_browsers,
    renew_recovery_codes,
    reset_second_factor,
    switch_off,
)
from customers.services.staff_login import Origin, check_own_password, check_staff_login
from customers.services.tokens import TokenLifeError, TokenRefusedError, create_token, revoke_token, use_token

__all__ = [
    "AccountChange",
    "InvalidCredentialsError",
    "Origin",
    "SecondFactorStateError",
    "TokenLifeError",
    "TokenRefusedError",
    "WrongCodeError",
    "WrongPasswordError",
    "ask_for_reset",
    "change_account",
    "check_code",
    "check_current",
    "check_login",
    "check_own_password",
    "check_staff_login",
    "create_token",
    "enrol",
    "find_or_create_guest",
    "forget_browsers",
    "forget_unproven",
    "link_customer",
    "record_paid_order",
    "record_paid_orders",
    "record_refunds",
    "register",
    "renew_recovery_codes",
    "reset_password",
    "reset_second_factor",
    "revoke_token",
    "set_status",
    "switch_off",
    "use_token",
    "verify_email",
]
