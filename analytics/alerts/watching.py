"""Looks at the shop and keeps what is unusual: one open alert of a kind, whoever looks, however often and how late."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from analytics.alerts import letters, reading, rules
from analytics.alerts.rules import Verdict
from analytics.models import Alert, AlertKind, StaffSubscription
from core import mail
from core.clock import shop_day


def watch(*, now: datetime) -> None:
    """Raises what is unusual, ends what is so no more, and tells staff who want to know."""
    open_kinds = set(Alert.objects.open().values_list("kind", flat=True))
    for kind, verdict in verdicts(open_kinds, now=now).items():
        if verdict is None:
            continue
        if verdict.is_out:
            raise_alert(kind=kind, sentence=verdict.sentence, now=now)
        elif kind in open_kinds:
            end_alert(kind=kind, now=now)
    for alert in Alert.objects.heard(now).filter(told_at=None):
        tell(alert=alert, now=now)


def verdicts(open_kinds: Collection[str], *, now: datetime) -> dict[AlertKind, Verdict | None]:
    """What is to be said of each kind; None where nothing can be: then what is open stays."""
    past = reading.weeks_before(shop_day(now))
    traffic, conversion = reading.traffic(now, past), reading.conversion(now, past)
    silence, payments = reading.silence(now, past), reading.payments(now)

    def judged(kind: AlertKind, rule: Callable[..., Verdict], seen: object | None) -> Verdict | None:
        return None if seen is None else rule(seen, is_open=kind in open_kinds)

    return {
        AlertKind.TRAFFIC_LOW: judged(AlertKind.TRAFFIC_LOW, rules.few_visits, traffic),
        AlertKind.TRAFFIC_HIGH: judged(AlertKind.TRAFFIC_HIGH, rules.many_visits, traffic),
        AlertKind.CONVERSION_LOW: judged(AlertKind.CONVERSION_LOW, rules.low_conversion, conversion),
        AlertKind.NO_ORDERS: rules.no_orders(silence) if silence else None,
        AlertKind.PAYMENTS_FAILING: rules.payments_failing(payments) if payments else None,
    }


def raise_alert(*, kind: AlertKind, sentence: str, now: datetime) -> None:
    """Opens an alert, or gives the one that is open the figures of now."""
    alert = Alert(kind=kind, sentence=sentence, began_at=now)
    Alert.objects.bulk_create([alert], ignore_conflicts=True)  # `one_open_alert_a_kind`: somebody else was first
    Alert.objects.open().filter(kind=kind).exclude(sentence=sentence).update(sentence=sentence)


def end_alert(*, kind: AlertKind, now: datetime) -> None:
    """The open alert of the kind is over, if there is one. Whoever looked late does not end it before it began."""
    Alert.objects.open().filter(kind=kind).update(ended_at=Greatest(now, F("began_at")))


@transaction.atomic
def tell(*, alert: Alert, now: datetime) -> None:
    """Mails those who want it, once."""
    if Alert.objects.filter(pk=alert.pk, told_at=None).update(told_at=now):
        wanted = StaffSubscription.objects.to(StaffSubscription.Kind.ALERTS)
        mail.queue_all(letters.about(alert, user, now=now) for user in wanted)
