"""Orders over HTTP, and billing's webhook."""

import logging
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import counts
from core.api import success
from core.clock import now
from core.errors import DomainError, NotFoundError
from core.limits import RateLimitedError
from core.pages import text_parameter
from core.personal import PersonalView
from core.schema import enveloped
from core.serializers import CamelSerializer
from orders import inbox, services
from orders.counted import REQUESTS
from orders.models import OrderSession
from orders.providers.registry import PROVIDERS
from orders.reading import read_order, read_page
from orders.selectors import Reader, find_order
from orders.serializers import OrderListOut, OrderOut, OrderSessionOut, RetryOut
from sessions_app.api import visit_of

log = logging.getLogger(__name__)
TOKEN = OpenApiParameter(
    "X-Order-Token", OpenApiTypes.STR, OpenApiParameter.HEADER, description="A guest's key to one order."
)


def reader_of(request: Request) -> Reader:
    """Who asks for an order."""
    return Reader(
        session_id=visit_of(request).session_id,
        user_id=request.user.pk if request.user.is_authenticated else None,
        token=request.headers.get("X-Order-Token", "")[:200],
    )


class OneOrderView(PersonalView):
    """What is asked of one order. Keys to orders are not to be tried out, so those who show one are counted.

    Refusals are counted by what was asked and their code, but for those of limits, which count them themselves.
    """

    asked = "order"

    @property
    def limit(self) -> str:
        """The limit's name; none for an order that needs no key."""
        return "order_lookup" if "X-Order-Token" in self.request.headers else ""

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, DomainError) and not isinstance(exc, RateLimitedError):
            name = f"{self.asked} {exc.code}"
            counts.note(log, REQUESTS, name, f"order request refused: {name}", now=now(), level=logging.INFO)
        return super().handle_exception(exc)


class OrderListView(PersonalView):
    """Own orders, newest first."""

    @extend_schema(parameters=[OpenApiParameter("cursor")], responses=enveloped(OrderListOut, "OrderList"))
    def get(self, request: Request) -> Response:
        cursor = text_parameter(request, "cursor")
        orders, following = read_page(reader=reader_of(request), cursor=cursor, now=now())
        return success({"items": orders, "next": following})


class OrderView(OneOrderView):
    """One order with items, payment window, attempts and history."""

    @extend_schema(parameters=[TOKEN], responses=enveloped(OrderOut, "Order"))
    def get(self, request: Request, order_id: UUID) -> Response:
        return success(read_order(order_id=order_id, reader=reader_of(request), now=now()))


class OrderSessionView(OneOrderView):
    """The payment window of an order."""

    asked = "session"

    @extend_schema(parameters=[TOKEN], responses=enveloped(OrderSessionOut, "OrderSession"))
    def get(self, request: Request, order_id: UUID) -> Response:
        return success(read_order(order_id=order_id, reader=reader_of(request), now=now())["session"])


class RetryPaymentView(OneOrderView):
    """Another attempt to pay."""

    asked = "retry"
    refuses = (409, 502)

    @extend_schema(parameters=[TOKEN], request=None, responses=enveloped(RetryOut, "RetryPayment"))
    def post(self, request: Request, order_id: UUID) -> Response:
        order = find_order(order_id=order_id, reader=reader_of(request))
        attempt = services.retry_payment(order_id=order.id, now=now())
        session = OrderSession.objects.get(order=order)
        body = {
            "payment_attempts": session.payment_attempts,
            "max_payment_attempts": session.max_payment_attempts,
            "remaining_attempts": session.remaining_attempts,
            "payment_url": attempt.payment_url,
        }
        return success(RetryOut(body).data, message=_("Please pay on the page that opens."))


class CancelOrderView(OneOrderView):
    """Cancels a pending order."""

    asked = "cancel"
    refuses = (409, 502)

    @extend_schema(parameters=[TOKEN], request=None, responses=enveloped(OrderOut, "CancelledOrder"))
    def post(self, request: Request, order_id: UUID) -> Response:
        reader = reader_of(request)
        order = find_order(order_id=order_id, reader=reader)
        services.cancel_order(order_id=order.id, actor="customer", now=now())
        return success(read_order(order_id=order_id, reader=reader, now=now()))


class WebhookOut(CamelSerializer):
    """What became of a webhook."""

    handled = serializers.BooleanField()


class BillingWebhookView(APIView):
    """Billing's reports, signed as Standard Webhooks prescribes."""

    authentication_classes = []
    throttle_classes = []
    refuses = (401,)

    @extend_schema(request=OpenApiTypes.OBJECT, responses=enveloped(WebhookOut, "BillingWebhook"))
    def post(self, request: Request) -> Response:
        return received(request, "billing")


class ProviderWebhookView(APIView):
    """The reports of another payment provider, signed in its own way."""

    authentication_classes = []
    throttle_classes = []
    refuses = (401,)

    @extend_schema(request=OpenApiTypes.OBJECT, responses=enveloped(WebhookOut, "ProviderWebhook"))
    def post(self, request: Request, provider: str) -> Response:
        if provider not in PROVIDERS:
            raise NotFoundError
        return received(request, provider)


def received(request: Request, provider: str) -> Response:
    """Takes a webhook in."""
    handled = inbox.receive(provider=provider, body=request.body, headers=request.headers, now=now())
    return success(WebhookOut({"handled": handled}).data)
