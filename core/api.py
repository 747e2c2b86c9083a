"""What every endpoint shares: the envelope, one error handler, the login."""

import logging
import sys
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.db.utils import InterfaceError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.defaults import page_not_found
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.authentication import SessionAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response

from core import csrf, logs
from core.errors import DomainError
from core.limits import RateLimitedError

log = logging.getLogger(__name__)


class LoginAuthentication(SessionAuthentication):
    """Django's login cookie, with CSRF enforced on what it authenticates. Says 401 to nobody, not 403."""

    def authenticate_header(self, request: Any) -> str:
        return "Cookie"

    def enforce_csrf(self, request: Any) -> None:
        if reason := csrf.refusal(request):
            raise exceptions.PermissionDenied(f"CSRF Failed: {reason}")


class JsonNegotiation(DefaultContentNegotiation):
    """Nothing is weighed where there is nothing to choose: nearly all ask for anything, or for JSON."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        meta = request.META
        if meta.get("HTTP_ACCEPT", "*/*") in ("*/*", "application/json") and not meta.get("QUERY_STRING"):
            return renderers[0], renderers[0].media_type
        return super().select_renderer(request, renderers, format_suffix)


def success(
    data: Any, *, status: int = 200, message: str | Promise = "", headers: dict[str, str] | None = None
) -> Response:
    """The envelope of a good answer."""
    body = {"success": True, "data": data} | ({"message": message} if message else {})
    return Response(body, status=status, headers=headers)


def failure_body(code: str, message: str | Promise, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """The envelope of a refusal."""
    return {
        "success": False,
        "error": code,
        "message": str(message),
        "details": details or {},
        "requestId": str(logs.marks_of_now().get("request_id", "-")),
    }


def failure(code: str, status: int, message: str | Promise, details: dict[str, Any] | None = None) -> Response:
    """The envelope of a refusal as an answer."""
    return Response(failure_body(code, message, details), status=status)


CODES: dict[type[exceptions.APIException], str] = {
    exceptions.ParseError: "MALFORMED_JSON",
    exceptions.NotAuthenticated: "NOT_AUTHENTICATED",
    exceptions.AuthenticationFailed: "INVALID_CREDENTIALS",
    exceptions.PermissionDenied: "FORBIDDEN",
    exceptions.NotFound: "NOT_FOUND",
    exceptions.MethodNotAllowed: "METHOD_NOT_ALLOWED",
    exceptions.NotAcceptable: "NOT_ACCEPTABLE",
    exceptions.UnsupportedMediaType: "UNSUPPORTED_MEDIA_TYPE",
    exceptions.Throttled: "RATE_LIMITED",
}


MESSAGES: dict[str, Promise] = {
    "MALFORMED_JSON": _("This is not JSON."),
    "NOT_AUTHENTICATED": _("Please log in."),
    "FORBIDDEN": _("You may not do this."),
    "CSRF_FAILED": _("This page is out of date. Please load it again."),
    "UNSUPPORTED_MEDIA_TYPE": _("Send application/json."),
    "NOT_ACCEPTABLE": _("The answer is JSON."),
    "NOT_READY": _("The shop is not ready. Please try again in a moment."),
}
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)


NOT_UNDERSTOOD = _("This request cannot be understood.")


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """Turns whatever a view raised into the envelope (REST framework's EXCEPTION_HANDLER)."""
    match error:
        case RateLimitedError():
            context["view"].headers.update(error.counted.headers)
            return failure(error.code, error.status, error.text)
        case DomainError():
            return failure(error.code, error.status, error.text, error.details)
        case exceptions.ValidationError():
            return failure("INVALID_INPUT", 400, _("Some of what was sent cannot be used."), field_errors(error.detail))
        case RequestDataTooBig():
            return failure("PAYLOAD_TOO_LARGE", 413, _("256 KiB at most."))
        case SuspiciousOperation():  # a thousand parameters
            return failure("INVALID_INPUT", 400, NOT_UNDERSTOOD)
        case RecursionError():  # JSON nested a thousand deep; nothing of ours recurses
            return failure("MALFORMED_JSON", 400, MESSAGES["MALFORMED_JSON"])
        case Http404():
            return failure("NOT_FOUND", 404, _("There is no such thing."))
        case exceptions.APIException():
            code = "CSRF_FAILED" if "CSRF" in str(error.detail) else CODES.get(type(error), "INVALID_INPUT")
            answer = failure(code, error.status_code, MESSAGES.get(code, str(error.detail)))
            if header := getattr(error, "auth_header", None):
                answer["WWW-Authenticate"] = header
            return answer
        case _ if isinstance(error, DATABASE_AWAY):
            log.error("the database is away: %s", error)
            return failure("NOT_READY", 503, MESSAGES["NOT_READY"])
    log.exception("a bug", exc_info=error, extra={"request": context["request"]})
    return failure("INTERNAL_ERROR", 500, _("Something went wrong on our side."))


def field_errors(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """REST framework's nested errors as `{"cartItems.0.quantity": ["..."]}`."""
    if isinstance(detail, list) and all(not isinstance(entry, dict | list) for entry in detail):
        return {prefix or "body": [str(entry) for entry in detail]}
    entries = detail.items() if isinstance(detail, dict) else enumerate(detail)
    found: dict[str, list[str]] = {}
    for name, entry in entries:
        name = "" if name == "non_field_errors" else str(name)
        found |= field_errors(entry, ".".join(part for part in (prefix, name) if part))
    return found


def json_failure(code: str, status: int, message: str | Promise, details: dict[str, Any] | None = None) -> JsonResponse:
    """A refusal from outside the REST framework (plain views, middleware, error pages)."""
    return JsonResponse(failure_body(code, message, details), status=status)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler404`: the envelope for the API's paths, a page for people elsewhere."""
    if not request.path.startswith("/api/"):
        return page_not_found(request, exception)
    return json_failure("NOT_FOUND", 404, _("There is no such thing."))


def server_error(request: HttpRequest) -> JsonResponse:
    """`handler500`: a bug, or the database is away outside the API's views. Django calls it where it caught either."""
    if isinstance(sys.exc_info()[1], DATABASE_AWAY):
        return json_failure("NOT_READY", 503, MESSAGES["NOT_READY"])
    return json_failure("INTERNAL_ERROR", 500, _("Something went wrong on our side."))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """`handler400`: what Django itself refuses, such as a host that is not ours."""
    return json_failure("INVALID_INPUT", 400, NOT_UNDERSTOOD)
