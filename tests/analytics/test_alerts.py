"""The watch: what is unusual is raised once, told to those who want it, and over by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core import mail as outgoing
from django.db import IntegrityError
from django.test import Client
from django.utils.timezone import now as present
from pytest_django import DjangoAssertNumQueries

from analytics.alerts import reading
from analytics.alerts.muting import mute, unmute
from analytics.alerts.views import view_of
from analytics.alerts.watching import end_alert, raise_alert, watch
from analytics.models import Alert, AlertKind, AlertMute, DailyMetrics, HourlyMetrics
from analytics.services import subscribe
from analytics.tasks import watch as watch_task
from core.mail import send_due
from core.models import Mail
from customers.models import User
from tests.analytics.days import DAY, at, purchase
from tests.analytics.staff import member
from tests.analytics.usual_weeks import store_weeks
from tests.factories import OrderSessionFactory, PaymentAttemptFactory
from tests.world import together

pytestmark = pytest.mark.django_db
NOW = at(14, 5)
LOW = AlertKind.TRAFFIC_LOW


def found() -> dict[str, str]:
    """The open alerts."""
    return dict(Alert.objects.open().values_list("kind", "sentence"))


def hour_of(visits: int, hour: int = 13) -> None:
    """That hour of the day brought so many."""
    HourlyMetrics.objects.filter(hour=at(hour)).update(total_visits=visits)


@pytest.fixture
def usual_day() -> None:
    """Eight weeks and a day of 100 visits an hour, of which 5 were paid."""
    store_weeks(100, 5, 5)
    purchase(None, paid=at(14))


@pytest.fixture
def reader() -> User:
    """Somebody who wants mails."""
    user = member("analytics.view_dailymetrics")
    subscribe(user=user, kinds=["alerts"])
    return user


@pytest.mark.usefixtures("usual_day")
def test_a_usual_day_has_no_alert() -> None:
    watch(now=NOW)
    assert found() == {}


@pytest.mark.usefixtures("usual_day")
def test_a_quiet_hour_is_raised_and_over_when_it_is_usual_again() -> None:
    hour_of(23)
    watch(now=NOW)
    watch(now=NOW + timedelta(minutes=5))
    assert found() == {"traffic_low": "23 visits from 13:00 to 14:00; usually 75 to 129 on Tuesdays at that hour"}
    assert Alert.objects.get().began_at == NOW
    watch(now=at(15, 5))
    assert (found(), Alert.objects.get().ended_at) == ({}, at(15, 5))


@pytest.mark.usefixtures("usual_day")
def test_a_busy_hour_is_raised() -> None:
    hour_of(400)
    watch(now=NOW)
    assert list(found()) == ["traffic_high"]


@pytest.mark.usefixtures("usual_day")
def test_an_hour_that_is_not_computed_yet_says_nothing_and_ends_nothing() -> None:
    hour_of(23)
    watch(now=NOW)
    DailyMetrics.objects.filter(date=DAY).update(computed_at=at(14, 55))
    watch(now=at(15, 5))
    assert list(found()) == ["traffic_low"]


@pytest.mark.usefixtures("usual_day")
def test_the_hour_before_midnight_is_judged_the_next_day() -> None:
    hour_of(23, hour=23)
    watch(now=at(23) + timedelta(hours=1, minutes=12))
    assert found()["traffic_low"].startswith("23 visits from 23:00 to 00:00; usually ")


@pytest.mark.usefixtures("usual_day")
def test_low_conversion_leaves_out_the_hour_that_may_still_pay() -> None:
    HourlyMetrics.objects.filter(hour__range=(at(9), at(13))).update(converted_sessions=0)
    watch(now=NOW)
    assert found() == {
        "conversion_low": "0.0 % of 300 visits from 10:00 to 13:00 were paid (0); usually 5.0 % at those hours (15)"
    }


@pytest.mark.usefixtures("usual_day")
def test_no_order_for_long_is_raised_and_over_with_the_next_one() -> None:
    watch(now=at(17, 30))
    assert found() == {"no_orders": "No paid order for 3 h 30 min, since 14:00; usually 18 come in that time"}
    purchase(None, paid=at(17, 32))
    watch(now=at(17, 35))
    assert found() == {}


def attempts(opened: datetime, **ends: int) -> None:
    """Orders with an attempt, by how many ended so."""
    for status, number in ends.items():
        for _ in range(number):
            window = OrderSessionFactory.create()
            PaymentAttemptFactory.create(order_session=window, status=status, opened_at=opened, next_poll_at=None)


def test_payments_that_fail_are_raised_and_attempts_that_nobody_ended_do_not_count() -> None:
    before = at(9) - timedelta(days=3)
    attempts(before, success=22, failure=2)
    attempts(at(13), success=1, failure=7, timeout=3)
    watch(now=NOW)
    assert found() == {
        "payments_failing": "7 of 8 orders whose payment was tried from 11:05 to 14:05 were refused (87.5 %); "
        "usually 8.3 % are"
    }


def test_an_order_that_was_paid_at_the_third_attempt_did_not_fail() -> None:
    window = OrderSessionFactory.create(payment_attempts=2)
    for number, status in ((1, "failure"), (2, "success")):
        PaymentAttemptFactory.create(
            order_session=window, number=number, status=status, opened_at=at(13), next_poll_at=None
        )
    assert reading.orders_tried(at(12), at(14)) == (1, 0)


def test_ids_made_since_an_instant_are_not_less_than_its_first() -> None:
    before = reading.first_id(present() - timedelta(seconds=1))
    assert before < PaymentAttemptFactory.create().pk < reading.first_id(present() + timedelta(seconds=1))


def test_a_new_shop_has_no_alert() -> None:
    purchase(None, paid=at(3))
    watch(now=NOW)
    assert found() == {}


@pytest.mark.usefixtures("usual_day")
def test_the_watch_costs_a_fixed_number_of_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(9):
        watch(now=NOW)


def test_the_job_watches() -> None:
    watch_task()
    assert found() == {}


# One open alert of a kind -------------------------------------------------------------------------------------------


def test_postgresql_keeps_no_second_open_alert_of_a_kind() -> None:
    raise_alert(kind=LOW, sentence="a", now=NOW)
    with pytest.raises(IntegrityError, match="one_open_alert_a_kind"):
        Alert.objects.create(kind=LOW, sentence="b", began_at=NOW)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda: Alert.objects.create(kind="x", sentence="", began_at=NOW), "alert_kind_is_known"),
        (lambda: Alert.objects.create(kind=LOW, began_at=NOW, ended_at=at(1)), "alert_ends_after_its_beginning"),
        (lambda: AlertMute.objects.create(kind="x", until=at(15), muted_at=NOW), "alert_mute_kind_is_known"),
        (lambda: AlertMute.objects.create(kind=LOW, until=NOW, muted_at=NOW), "alert_mute_ends_after_its_beginning"),
    ],
)
def test_postgresql_keeps_no_alert_that_is_none(write: Callable[[], object], name: str) -> None:
    with pytest.raises(IntegrityError, match=name):
        write()


def test_whoever_looked_late_does_not_end_an_alert_before_it_began() -> None:
    raise_alert(kind=LOW, sentence="a", now=NOW)
    end_alert(kind=LOW, now=at(14))
    assert Alert.objects.get().ended_at == NOW


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd", "usual_day")
def test_of_many_who_watch_at_once_one_raises_and_one_mails(reader: User) -> None:
    hour_of(23)
    assert together(6, lambda _place: watch(now=NOW)) == [None] * 6
    assert (len(found()), Alert.objects.count(), Mail.objects.count()) == (1, 1, 1)


# Mails and mutes ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("usual_day")
def test_those_who_want_it_get_one_mail_with_the_figures_and_the_link(reader: User) -> None:
    member("analytics.view_dailymetrics")
    hour_of(23)
    watch(now=NOW)
    watch(now=NOW)
    send_due(now=NOW)
    (letter,) = outgoing.outbox
    assert (letter.to, "Few visits" in letter.subject) == ([reader.email], True)
    assert "23 visits from 13:00 to 14:00; usually" in letter.body
    for part in ("/admin/?period=today", "/admin/analytics/alert/"):
        assert part in letter.body


def test_nothing_is_sent_of_what_is_over_muted_or_not_wanted_any_more(reader: User) -> None:
    for kind in AlertKind.values[:3]:
        Alert.objects.create(kind=kind, sentence=kind, began_at=NOW)
    watch(now=NOW)
    assert Mail.objects.count() == 3
    end_alert(kind=AlertKind.TRAFFIC_LOW, now=NOW)
    mute(kind=AlertKind.TRAFFIC_HIGH, until=at(15), user=reader, now=NOW)
    subscribe(user=reader, kinds=[])
    send_due(now=NOW)
    assert set(Mail.objects.values_list("status", flat=True)) == {"skipped"}


@pytest.mark.usefixtures("reader")
def test_a_muted_kind_is_found_and_told_only_once_the_mute_is_over() -> None:
    mute(kind=LOW, until=at(15), user=member(), now=NOW)
    raise_alert(kind=LOW, sentence="a", now=NOW)
    watch(now=NOW)
    assert (len(found()), list(Alert.objects.heard(NOW)), Mail.objects.count()) == (1, [], 0)
    watch(now=at(15))
    assert Mail.objects.count() == 1


@pytest.mark.usefixtures("reader")
def test_an_alert_of_a_kind_that_is_heard_again_is_told() -> None:
    mute(kind=LOW, until=at(15), user=member(), now=NOW)
    raise_alert(kind=LOW, sentence="a", now=NOW)
    assert (unmute(kind=LOW), unmute(kind=LOW)) == (True, False)
    watch(now=NOW)
    assert Mail.objects.count() == 1


@pytest.mark.parametrize("kind", AlertKind.values)
def test_each_kind_has_a_view_that_opens(kind: str, admin_client: Client) -> None:
    for now in (NOW, NOW + timedelta(days=2)):
        path = view_of(kind, NOW, now=now)
        assert admin_client.get(path).status_code == 200
