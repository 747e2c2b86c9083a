"""What people see: the pay page, and the list with the switches."""

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from billing_sandbox import services
from billing_sandbox.forms import SwitchesForm
from billing_sandbox.models import PaySession, Switches
from billing_sandbox.refusals import UnknownSession

OUTCOMES = {"pay": PaySession.Status.SUCCESS, "decline": PaySession.Status.FAILURE}
LEAVE = "leave"
LISTED = 50


# Exempt from CSRF: the page knows no login, the id in its address is the secret, and scripts post here too.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, checkout_id: UUID) -> HttpResponse:
    """The pay page; its buttons post `action=pay|decline|leave` to its own address."""
    try:
        session = services.look(checkout_id=checkout_id, now=timezone.now())
    except UnknownSession:
        return render(request, "billing_sandbox/unknown.html", status=404)
    if request.method == "POST":
        return act(request, session, request.POST.get("action", ""))
    return pay_page(request, session)


def act(request: HttpRequest, session: PaySession, action: str) -> HttpResponse:
    """Carries out a button and sends the payer back; to this page instead when it came too late."""
    if action == LEAVE:
        return redirect(session.return_url)
    if action not in OUTCOMES:
        return pay_page(request, session, problem="Choose pay, decline or leave.", status=400)
    settled = services.settle(checkout_id=session.pk, outcome=OUTCOMES[action], now=timezone.now())
    if settled.status == OUTCOMES[action]:
        return redirect(settled.return_url)
    return redirect("billing_sandbox:pay", settled.pk)


def pay_page(request: HttpRequest, session: PaySession, *, problem: str = "", status: int = 200) -> HttpResponse:
    context = {
        "session": session,
        "time_left": words(session.remaining(timezone.now())),
        "refunded": f"{refunded:f}" if (refunded := session.refunded()) else "",
        "problem": problem,
    }
    return render(request, "billing_sandbox/pay.html", context, status=status)


def words(left: timedelta) -> str:
    """A time span for people: `14 min 59 s`, `2 h 5 min`, `3 days 4 h`."""
    minutes, seconds = divmod(int(left.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "days" if days > 1 else "day"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    while len(parts) > 2 and parts[0][0] == 0:
        parts.pop(0)
    return " ".join(f"{number} {unit}" for number, unit in parts[:2] if number or unit == "s")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Recent pay sessions, newest first, and the switches."""
    form = SwitchesForm(request.POST or None, instance=Switches.current(), label_suffix="")
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved. The service behaves like this from now on.")
        return redirect("billing_sandbox:index")
    context = {"form": form, "sessions": listed(), "limit": LISTED, "problem": bool(form.errors)}
    return render(request, "billing_sandbox/index.html", context, status=400 if form.errors else 200)


def listed() -> list[tuple[PaySession, bool]]:
    """The newest sessions, and whether each is past its time though nobody has looked at it since."""
    now = timezone.now()
    return [(session, session.is_due(now)) for session in PaySession.objects.all()[:LISTED]]
