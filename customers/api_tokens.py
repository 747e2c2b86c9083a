"""How a token lets somebody in: `Authorization: Bearer ff_...`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from core.clock import now
from customers.models import ApiToken, User
from customers.services import TokenRefusedError, use_token
from customers.staff_sessions import demand_second_factor

SCHEME = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """The owner of a token, with the token as `request.auth`. A request without one is somebody else's to know."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        try:
            token = use_token(text=text.strip(), now=now())
        except TokenRefusedError as error:
            raise AuthenticationFailed(str(error.text)) from error
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


def allows(request: Any, permission: str) -> bool:
    """Whether who asks has the permission; and the token, if it was one, is for it.

    Raises:
        SecondFactorRequiredError: it is a login that has shown less than the shop asks for.
    """
    allowed: bool = request.user.has_perm(permission)
    demand_second_factor(request._request)
    return allowed and (not isinstance(request.auth, ApiToken) or permission in request.auth.scopes)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # registers itself
    """The token in the schema."""

    target_class = "customers.api_tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
