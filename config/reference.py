"""The OpenAPI schema, for everybody who asks. Making it takes a second, as long as hundreds of other answers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

made: dict[tuple[str, str], tuple[bytes, str, str]] = {}
"""By form (yaml, json) and language, of which there are few whatever is asked for: body, type and disposition."""


class SchemaView(SpectacularAPIView):
    """`GET schema?lang=&format=`, made once a process for each form and language."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        form: str = request.accepted_renderer.format
        language = language_of(request)
        if (form, language) not in made:
            with translation.override(language):
                made[form, language] = self.make(request)
        body, content_type, disposition = made[form, language]
        return HttpResponse(body, content_type=content_type, headers={"Content-Disposition": disposition})

    def make(self, request: Request) -> tuple[bytes, str, str]:
        """The schema in the active language, as its renderer writes it."""
        answer = self._get_schema_response(request)  # type: ignore[no-untyped-call] # drf-spectacular's
        renderer, media_type = request.accepted_renderer, request.accepted_media_type
        answer.accepted_renderer, answer.accepted_media_type, answer.renderer_context = renderer, media_type, {}
        answer.render()
        return answer.content, answer["Content-Type"], answer["Content-Disposition"]


def language_of(request: Request) -> str:
    """The one asked for if we speak it, else the reader's."""
    asked = request.query_params.get("lang", "")
    return asked if asked in dict(settings.LANGUAGES) else translation.get_language() or settings.LANGUAGE_CODE
