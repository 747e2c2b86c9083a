"""The billing service's HTTP contract."""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from billing_sandbox import contract, services
from billing_sandbox.behaviour import after_work, before_work
from billing_sandbox.models import Switches
from billing_sandbox.refusals import Refusal, UnknownSession, WrongKey, WrongMethod

Call = Callable[..., JsonResponse]


def call(method: str) -> Callable[[Call], Call]:
    """A call of the contract: one method, the API key, the switches, refusals as JSON.

    Exempt from CSRF, because the key and no cookie says who is asking.
    """

    def decorate(view: Call) -> Call:
        @csrf_exempt
        @wraps(view)
        def answer(request: HttpRequest, **names: Any) -> JsonResponse:
            try:
                check_caller(request, method)
                return behave(lambda: view(request, **names))
            except Refusal as refusal:
                headers = {"Allow": method} if isinstance(refusal, WrongMethod) else None
                return JsonResponse(refusal.body(), status=refusal.status, headers=headers)

        return answer

    return decorate


def check_caller(request: HttpRequest, method: str) -> None:
    """Raises WrongKey or WrongMethod."""
    given = request.headers.get("x-api-key", "")
    if not given or not secrets.compare_digest(given.encode(), settings.BILLING_API_KEY.encode()):
        raise WrongKey
    if request.method != method:
        raise WrongMethod


def behave(work: Callable[[], JsonResponse]) -> JsonResponse:
    """Does the work as well as the switches allow. A silent service holds refusals back as well."""
    switches = Switches.current()
    before_work(switches)
    try:
        return work()
    finally:
        after_work(switches)


def session_id(text: str) -> UUID:
    """The id in an address.

    Raises:
        UnknownSession: it is not even an id.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise UnknownSession from error


@call("POST")
def open_session(request: HttpRequest) -> JsonResponse:
    """`POST paysession`: 201 with the session; the same key answers the same session again."""
    key, body = contract.read_key(request), contract.read_body(request)
    found = services.find_opened(key=key, digest=contract.digest(body))
    if found is None:
        opening = contract.read_opening(body, now=timezone.now())
        found = services.open_session(opening=opening, key=key, digest=contract.digest(body))
    return JsonResponse(contract.opened_json(found), status=201)


@call("GET")
def read_session(request: HttpRequest, checkout_id: str) -> JsonResponse:
    """`GET paysession/{checkoutId}`: how it stands."""
    session = services.look(checkout_id=session_id(checkout_id), now=timezone.now())
    return JsonResponse(contract.session_json(session))


@call("POST")
def cancel_session(request: HttpRequest, checkout_id: str) -> JsonResponse:
    """`POST paysession/{checkoutId}/cancel`: 200 with status `timeout`, 409 if already paid."""
    session = services.cancel(checkout_id=session_id(checkout_id), now=timezone.now())
    return JsonResponse(contract.session_json(session))


@call("POST")
def refund_session(request: HttpRequest, checkout_id: str) -> JsonResponse:
    """`POST paysession/{checkoutId}/refund`: 200 with what has been given back so far."""
    session = services.look(checkout_id=session_id(checkout_id), now=timezone.now())
    key, body = contract.read_key(request), contract.read_body(request)
    amount = contract.read_refund(body, currency=session.currency)
    session = services.refund(checkout_id=session.pk, amount=amount, key=key, digest=contract.digest(body))
    return JsonResponse(contract.session_json(session) | {"refundedAmount": f"{session.refunded():f}"})
