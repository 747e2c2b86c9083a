"""Which pages may act for whoever is logged in, and who may log somebody in."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import cached_property
from rest_framework.authentication import CSRFCheck


class StorefrontCheck(CSRFCheck):
    """Django's check of token and origin, for which the shop's origins (`STOREFRONT_ORIGINS`) are ours too.

    Here and not in `CSRF_TRUSTED_ORIGINS`: those hold for the admin as well.
    """

    @cached_property
    def allowed_origins_exact(self) -> set[str]:
        return super().allowed_origins_exact | set(settings.CORS_ALLOWED_ORIGINS)

    def comes_from_elsewhere(self, request: HttpRequest) -> bool:
        """Whether a page of a foreign origin sends this. Browsers say so with each POST; what is none need not."""
        return "HTTP_ORIGIN" in request.META and not self._origin_verified(request)  # type: ignore[attr-defined] # it is there


def refusal(request: HttpRequest) -> str | None:
    """Why a request with a login cookie is not to be trusted; None if it is."""
    check = StorefrontCheck(lambda _request: None)  # type: ignore[arg-type] # it is never called
    check.process_request(request)
    return check.process_view(request, None, (), {})  # type: ignore[arg-type,return-value] # a reason, no answer


def comes_from_elsewhere(request: HttpRequest) -> bool:
    """Whether a page of an origin that is neither ours nor the shop's sends this."""
    return StorefrontCheck(lambda _request: None).comes_from_elsewhere(request)  # type: ignore[arg-type]
