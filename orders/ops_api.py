"""What ops asks of orders over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import success
from core.clock import now
from core.personal import PersonalView
from core.schema import enveloped
from core.serializers import CamelSerializer
from customers.api_tokens import allows
from orders.services import check_payments


class MayCheckPayments(BasePermission):
    """Holders of `orders.check_paymentattempt`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return allows(request, "orders.check_paymentattempt")


class RoundOut(CamelSerializer):
    """What a round of the poll did."""

    checked = serializers.IntegerField()
    still_open = serializers.IntegerField()
    changed = serializers.IntegerField()
    errors = serializers.DictField(child=serializers.IntegerField(), help_text="How many, by kind.")  # type: ignore[assignment] # a field, not an attribute


class CheckPaymentsView(PersonalView):
    """`POST ops/checkout-sessions/check`"""

    permission_classes = [MayCheckPayments]
    throttle_classes = []

    @extend_schema(
        summary="Ask billing about open payments now",
        description="The payments that are due to be asked about, a hundred at most: those that waited longest.",
        tags=["Ops"],
        request=None,
        responses=enveloped(RoundOut, "CheckPayments"),
    )
    def post(self, request: Request) -> Response:
        done = check_payments(by=request.user, now=now())  # type: ignore[arg-type] # who has a permission is somebody
        return success(RoundOut(done).data)
