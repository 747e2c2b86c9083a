"""The request id: taken over when sane, made when not, in every answer and every log line."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core import logs
from core.answers import say
from core.clock import shop_zone
from core.ids import new_id

SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdMiddleware:
    """Reads or makes `X-Request-ID` and sends it back. The log is about it for longer than this: Django says what was
    refused, an answer is streamed and the access log is written when the middleware is through.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if SANE.fullmatch(given) else new_id().hex
        logs.begin(request_id=request_id)
        response = self.get_response(request)
        say(response, {"X-Request-ID": request_id})
        return response


class ShopTimeMiddleware:
    """Staff read times as the shop's clock shows them; the API stays in UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        with timezone.override(shop_zone()):
            return self.get_response(request)
