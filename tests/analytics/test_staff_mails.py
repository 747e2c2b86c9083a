"""Each member of staff says which mails they want; only those who may see the figures get any."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from analytics.models import StaffSubscription
from analytics.services import subscribe
from customers.models import User
from tests.analytics.staff import logged_in, member
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/admin/analytics/staffsubscription/"
MAY = "analytics.view_dailymetrics"


def wants(user: User) -> set[str]:
    return set(user.staff_subscriptions.values_list("kind", flat=True))


def test_one_ticks_ones_own_and_it_is_logged() -> None:
    user, other = member(MAY), member(MAY)
    subscribe(user=other, kinds=["alerts"])
    browser = logged_in(user)
    assert b"My mails" in browser.get("/admin/").content
    assert browser.post(PAGE, {"kinds": ["alerts", "weekly_report"]}).headers["Location"] == PAGE
    assert (wants(user), wants(other)) == ({"alerts", "weekly_report"}, {"alerts"})
    assert browser.get(PAGE).context["form"].initial == {"kinds": ["alerts", "weekly_report"]}
    browser.post(PAGE, {})
    assert wants(user) == set()
    said = LogEntry.objects.filter(user=user, object_id=user.pk).values_list("change_message", flat=True)
    assert list(said) == ["Mails wanted: none.", "Mails wanted: Alerts, Weekly report."]


def test_a_mail_that_is_none_is_refused() -> None:
    user = member(MAY)
    assert logged_in(user).post(PAGE, {"kinds": ["alarms"]}).status_code == 200
    assert wants(user) == set()


def test_those_without_the_figures_and_nobody_have_no_such_page() -> None:
    assert logged_in(member()).get(PAGE).status_code == 403
    assert logged_in(UserFactory()).get(PAGE).status_code == 302
    assert Client().get(PAGE).headers["Location"].startswith("/admin/login/")


def test_a_mail_goes_to_active_staff_who_want_it_and_may_see_the_figures() -> None:
    boss = UserFactory(is_staff=True, is_superuser=True)
    wanted, no_more, gone, other = member(MAY), member(), member(MAY), member(MAY)
    gone.is_active = False
    gone.save()
    shopper = UserFactory(is_superuser=True)
    for user in (boss, wanted, no_more, gone, shopper):
        subscribe(user=user, kinds=["alerts"])
    subscribe(user=other, kinds=["weekly_report"])
    assert set(StaffSubscription.objects.to("alerts")) == {boss, wanted}
    assert list(StaffSubscription.objects.to(StaffSubscription.Kind.WEEKLY_REPORT)) == [other]
