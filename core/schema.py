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

    success = serializers.BooleanField(default=False)
    error = serializers.CharField(help_text="A stable code, such as OUT_OF_STOCK.")
    message = serializers.CharField(help_text="For people, in the language asked for.")
    details = serializers.DictField(help_text="What is wrong, by field.")
    requestId = serializers.CharField()


REFUSED = OpenApiResponse(Refusal, description="Refused.")


class EnvelopeSchema(AutoSchema):
    """Adds the refusals to each operation; views say the good answer."""

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        """Here and not in `get_response_serializers`, whose place is taken where a view has `extend_schema`. And no
        DELETE is believed to answer nothing: ours do not. `(200, "text/csv")` is a further form of an answer.
        """
        described = self.get_response_serializers()
        answers = described if isinstance(described, dict) else {"200": described}
        bodies: dict[str, Any] = {}
        for said, answer in {**answers, "default": REFUSED}.items():
            code, media = said if isinstance(said, tuple) else (said, None)
            body = self._get_response_for_code(answer, str(code), media and [media], direction=direction)  # type: ignore[no-untyped-call]
            bodies.setdefault(str(code), body)["content"].update(body["content"])
        return bodies

    def get_operation_id(self) -> str:
        """The view's name and the method: stable, and never the same twice."""
        return f"{type(self.view).__name__.removesuffix('View')}_{self.method.lower()}"


class LoginScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # registers itself
    """The login cookie in the schema."""

    target_class = "core.api.LoginAuthentication"
    name = "login"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
