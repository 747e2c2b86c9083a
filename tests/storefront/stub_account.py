"""The stub shop's account: one customer, one login, and the mails that would be sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

Json = dict[str, Any]

EMAIL, PASSWORD = "ada@example.com", "correct-horse"
CSRF_TOKEN = "stub-csrf-token"
REQUEST_ID = "stub-request"
MAIL_TOKEN = "stub:mail-token"
PLACE = {
    "line1": "12 St James's Square",
    "line2": "",
    "city": "London",
    "region": "",
    "postalCode": "SW1Y 4JH",
    "country": "GB",
}
HOME = {"kind": "shipping", "isDefault": True, **PLACE}


class Refused(Exception):
    """A refusal in the API's envelope. `wait` is its `Retry-After` in seconds."""

    def __init__(
        self, status: int, code: str, details: Json | None = None, message: str = "Refused.", *, wait: int = 0
    ) -> None:
        super().__init__(code)
        self.status, self.wait = status, wait
        self.body = {"success": False, "error": code, "message": message, "details": details or {}}
        self.body["requestId"] = REQUEST_ID


def ada() -> Json:
    """The account as the API shows it."""
    return {
        "customerId": str(UUID(int=4000)),
        "email": EMAIL,
        "pendingEmail": None,
        "firstName": "Ada",
        "lastName": "Byron",
        "phone": "+44 20 7946 0000",
        "addresses": [],
        "createdAt": "2026-01-01T12:00:00Z",
        "csrfToken": CSRF_TOKEN,
    }


@dataclass
class StubAccount:
    """The state, and one method for each account call."""

    account: Json = field(default_factory=ada)
    password: str = PASSWORD
    logged_in: bool = False
    mails: list[str] = field(default_factory=list)

    def check_csrf(self, method: str, path: str, token: str) -> None:
        """As the API does for whoever is logged in."""
        door = path.startswith("/storefront/auth/") and path != "/storefront/auth/logout"
        if self.logged_in and method != "GET" and not door and token != CSRF_TOKEN:
            raise Refused(403, "CSRF_FAILED")

    def register(self, query: dict[str, str], body: Json) -> Json:
        if len(body["password"]) < 8:
            raise Refused(400, "INVALID_INPUT", {"password": ["This password is too short."]})
        return self.send_mail(body["email"])

    def ask_for_reset(self, query: dict[str, str], body: Json) -> Json:
        return self.send_mail(body["email"])

    def send_mail(self, email: str) -> Json:
        self.mails.append(email)
        return {"accepted": True}

    def verify_email(self, query: dict[str, str], body: Json) -> Json:
        self.check_mail_token(body)
        if body["password"] != self.password:
            raise Refused(401, "INVALID_CREDENTIALS")
        return {"done": True}

    def reset_password(self, query: dict[str, str], body: Json) -> Json:
        self.check_mail_token(body)
        self.password, self.logged_in = body["password"], False
        return {"done": True}

    def check_mail_token(self, body: Json) -> None:
        if body["token"] != MAIL_TOKEN:
            raise Refused(400, "INVALID_INPUT", {"token": ["This link is no longer valid."]})

    def log_in(self, query: dict[str, str], body: Json) -> Json:
        if (body["email"], body["password"]) != (self.account["email"], self.password):
            raise Refused(401, "INVALID_CREDENTIALS")
        self.logged_in = True
        return self.account

    def log_out(self, query: dict[str, str], body: Json) -> Json:
        self.logged_in = False
        return {"done": True}

    def show_account(self, query: dict[str, str], body: Json) -> Json:
        if not self.logged_in:
            raise Refused(401, "NOT_AUTHENTICATED")
        return self.account

    def change_account(self, query: dict[str, str], body: Json) -> Json:
        self.show_account(query, body)
        change = dict(body)
        if "email" in change or "password" in change:
            self.check_password(change.pop("currentPassword"))
        for number, address in enumerate(change.get("addresses", [])):
            if address["postalCode"] == "?":
                raise Refused(400, "INVALID_INPUT", {f"addresses.{number}.postalCode": ["Not a postcode."]})
        if email := change.pop("email", None):
            change["pendingEmail"] = email
        self.password = change.pop("password", self.password)
        self.account = self.account | change
        return self.account

    def check_password(self, password: str) -> None:
        if password != self.password:
            raise Refused(400, "INVALID_INPUT", {"currentPassword": ["This is not your password."]})

    def export(self, query: dict[str, str], body: Json) -> Json:
        return {"exportedAt": "2026-01-01T12:00:00Z", "held": {"customer": self.show_account(query, body)}}

    def erase(self, query: dict[str, str], body: Json) -> Json:
        self.check_password(body["currentPassword"])
        return self.log_out(query, body)


ACCOUNT_ROUTES: list[tuple[str, str, Callable[..., Json]]] = [
    ("POST", "/storefront/auth/register", StubAccount.register),
    ("POST", "/storefront/auth/verify-email", StubAccount.verify_email),
    ("POST", "/storefront/auth/login", StubAccount.log_in),
    ("POST", "/storefront/auth/logout", StubAccount.log_out),
    ("POST", "/storefront/auth/password/reset", StubAccount.ask_for_reset),
    ("POST", "/storefront/auth/password/reset/confirm", StubAccount.reset_password),
    ("GET", "/storefront/account", StubAccount.show_account),
    ("PATCH", "/storefront/account", StubAccount.change_account),
    ("DELETE", "/storefront/account", StubAccount.erase),
    ("GET", "/storefront/account/export", StubAccount.export),
]
