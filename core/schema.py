"""OpenAPI: every described answer is wrapped in the envelope, every refusal has the same shape."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers


def enveloped(serializer: Any, name: str, *, many: bool = False) -> Any:
    """A serializer as `{"success": true, "data": ...}` for the schema."""
    instance = serializer if isinstance(serializer, serializers.BaseSerializer) else serializer(many=many)
    return inline_serializer(
        f"{name}Answer",
        {
            "success": serializers.BooleanField(default=True),
            "data": instance,
            "message": serializers.CharField(required=False),
        },
    )


class Refusal(serializers.Serializer[Any]):
    """What a request that was refused gets."""

    success = serializers.BooleanField()
    error = serializers.RegexField("^[A-Z_]+$", help_text="A stable code, such as OUT_OF_STOCK.")
    message = serializers.CharField(help_text="For people, in the language asked for.")
    details = serializers.DictField(help_text="What is wrong, by field.")
    requestId = serializers.CharField()


REFUSED = {
    400: "It cannot be understood: `INVALID_INPUT` with `details`, `MALFORMED_JSON`.",
    401: "Who asks is not known: `NOT_AUTHENTICATED`, `INVALID_CREDENTIALS`.",
    403: "Who asks may not: `FORBIDDEN`, `CSRF_FAILED`.",
    404: "There is no such thing, or it is somebody else's: `NOT_FOUND`.",
    406: "Only something else than JSON would be taken: `NOT_ACCEPTABLE`.",
    409: "Things are not so, or no longer; `error` says what, such as `OUT_OF_STOCK`.",
    413: "The body is too large: `PAYLOAD_TOO_LARGE`.",
    415: "The body is no JSON by its `Content-Type`: `UNSUPPORTED_MEDIA_TYPE`.",
    422: "The key was used with another body: `IDEMPOTENCY_KEY_REUSED`.",
    429: "Too often: `RATE_LIMITED`. `Retry-After` says in how many seconds to come again.",
    502: "The payment service cannot be reached: `BILLING_UNAVAILABLE`.",
    503: "The shop cannot serve for the moment: `NOT_READY`.",
}
"""What a refusal means, by its status."""
WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")


class EnvelopeSchema(AutoSchema):
    """Adds to each operation how it may refuse. Views say the good answer, and in `refuses` the statuses that do not
    follow from what is asked for; in `needs_login` that nobody else is served.
    """

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        """Here and not in `get_response_serializers`, whose place is taken where a view has `extend_schema`. And no
        DELETE is believed to answer nothing: ours do not. `(200, "text/csv")` is a further form of an answer.
        """
        described = self.get_response_serializers()
        answers = described if isinstance(described, dict) else {"200": described}
        refused: dict[Any, Any] = {
            status: OpenApiResponse(Refusal, description=REFUSED[status]) for status in self.refusals()
        }
        bodies: dict[str, Any] = {}
        for said, answer in {**answers, **refused}.items():
            code, media = said if isinstance(said, tuple) else (said, None)
            body = self._get_response_for_code(answer, str(code), media and [media], direction=direction)  # type: ignore[no-untyped-call]
            bodies.setdefault(str(code), body)["content"].update(body["content"])
        return bodies

    def refusals(self) -> list[int]:
        """The statuses of the operation's refusals."""
        statuses = {400, 406, 503, *getattr(self.view, "refuses", ())}
        if self.method in WITH_BODY and self.get_request_serializer() is not None:
            statuses |= {413, 415}
        if self.view.throttle_classes:
            statuses.add(429)
        if "{" in self.path:
            statuses.add(404)
        if self.method in WITH_BODY and self.view.authentication_classes:
            statuses.add(403)
        return sorted(statuses | ({401, 403} if self.needs_login() else set()))

    def needs_login(self) -> bool:
        """Whether the operation is for somebody in particular."""
        return bool(self.view.permission_classes) or getattr(self.view, "needs_login", False)

    def get_auth(self) -> list[dict[str, list[str]]]:
        """What logs in; what needs no login takes one, and does without."""
        found: list[dict[str, list[str]]] = super().get_auth()
        return found if self.needs_login() or not found else [*found, {}]

    def _get_request_body(self, direction: Any = "request") -> Any:
        """A DELETE has a body as well, where its view says so."""
        if self.method != "DELETE" or self.get_request_serializer() is None:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = "DELETE"

    def get_operation_id(self) -> str:
        """The view's name and the method: stable, and never the same twice."""
        return f"{type(self.view).__name__.removesuffix('View')}_{self.method.lower()}"


class LoginScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # registers itself
    """The login cookie in the schema."""

    target_class = "core.api.LoginAuthentication"
    name = "login"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
