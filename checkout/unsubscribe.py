"""One click that ends the reminders to an address (RFC 8058): for mail programs, and for people who follow the link.

The signed token is all that is asked for: no login, no cookie, no CSRF token. A GET only shows a button, as scanners of
mail follow every link. Nothing is looked up before the signature was checked, so there is nothing to limit.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from checkout import services
from checkout.tokens import address_of
from core.clock import now

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

ASK = (
    _("No more reminders?"),
    _("You will get no more mails about things left in a cart. Mails about your orders still come."),
    _("Stop the reminders"),
)
DONE = (_("You get no more reminders"), _("Mails about your orders still come."), "")
UNKNOWN = (
    _("This link is not valid"),
    _("It may have been cut off. Please open it once more from the mail, whole."),
    "",
)
"""Heading, text and button of the page."""


@method_decorator(csrf_exempt, name="dispatch")
class UnsubscribeView(View):
    """The page of a link; a POST to it unsubscribes, whatever its body says, and as often as it comes."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return page(ASK) if address_of(token) is not None else page(UNKNOWN, HttpResponseNotFound)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        address_id = address_of(token)
        if address_id is None:
            return page(UNKNOWN, HttpResponseNotFound)
        services.unsubscribe(address_id=address_id, now=now())
        return page(DONE)


def page(words: tuple[str | Promise, ...], kind: type[HttpResponse] = HttpResponse) -> HttpResponse:
    """The page in the reader's language. Its address is nobody else's business. It stands among data, whose answers say
    nothing that only a page needs.
    """
    heading, text, button = words
    context = {"heading": heading, "text": text, "button": button}
    context |= {"shop": settings.SHOP_NAME, "language": get_language() or "en"}
    response = kind(render_to_string("checkout/unsubscribe.html", context))
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["Referrer-Policy"], response["X-Robots-Tag"] = "no-referrer", "noindex"
    response["X-Frame-Options"], response["Cross-Origin-Opener-Policy"] = "DENY", "same-origin"
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept-Language"])
    return response
