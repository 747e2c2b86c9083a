"""`prepare`: what a release needs."""

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from analytics.demo.tables import STAFF_EMAIL, STAFF_PASSWORD
from customers.models import User

pytestmark = pytest.mark.django_db


def test_the_demo_never_becomes_a_shop(settings: LazySettings) -> None:
    settings.DEVELOPMENT = False
    User.objects.create_user(email=STAFF_EMAIL, password=STAFF_PASSWORD, is_staff=True)
    with pytest.raises(CommandError, match="demo shop"):
        call_command("prepare")


@pytest.mark.parametrize(("password", "active"), [("one of their own", True), (STAFF_PASSWORD, False)])
def test_a_login_that_nobody_knows_is_no_demo(settings: LazySettings, password: str, active: bool) -> None:
    settings.DEVELOPMENT = False
    User.objects.create_user(email=STAFF_EMAIL, password=password, is_staff=True, is_active=active)
    call_command("prepare")
    assert User.objects.filter(email=STAFF_EMAIL, is_active=active).exists()


def test_in_development_the_demo_may_stay() -> None:
    User.objects.create_user(email=STAFF_EMAIL, password=STAFF_PASSWORD, is_staff=True)
    call_command("prepare")
    assert User.objects.get().check_password(STAFF_PASSWORD)
