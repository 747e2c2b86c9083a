"""What the two kinds of staff may do."""

import pytest
from django.contrib.auth.models import Group, Permission

from customers.groups import OPS, SHOP_STAFF, PermissionMissingError, create_groups
from customers.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def member_of(name: str) -> User:
    create_groups()
    user = UserFactory.create(is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    return user


@pytest.mark.parametrize(
    "permission",
    ["orders.change_order", "customers.change_customer", "catalog.add_product", "checkout.delete_coupon",
     "checkout.change_shippingmethod", "checkout.add_taxrate", "analytics.add_salesgoal",
     "sessions_app.view_visitorsession", "analytics.view_dailymetrics"],
)  # fmt: skip
def test_shop_staff_may(permission: str) -> None:
    assert member_of(SHOP_STAFF).has_perm(permission)


@pytest.mark.parametrize(
    "permission",
    ["customers.change_user", "auth.change_group", "orders.delete_order", "catalog.delete_stockmovement",
     "django_celery_beat.change_periodictask", "orders.change_webhookendpoint", "sessions_app.view_visitorsalt"],
)  # fmt: skip
def test_shop_staff_may_not(permission: str) -> None:
    assert not member_of(SHOP_STAFF).has_perm(permission)


@pytest.mark.parametrize(
    "permission",
    ["sessions_app.view_deadletter", "orders.view_outboxevent", "orders.view_webhookreceipt",
     "django_celery_beat.change_periodictask", "sessions_app.view_sessionevent", "analytics.view_dailymetrics"],
)  # fmt: skip
def test_ops_may(permission: str) -> None:
    assert member_of(OPS).has_perm(permission)


@pytest.mark.parametrize(
    "permission",
    ["customers.view_customer", "customers.change_customer", "orders.change_order", "catalog.change_product",
     "customers.change_user", "sessions_app.view_visitorsalt"],
)  # fmt: skip
def test_ops_may_not(permission: str) -> None:
    assert not member_of(OPS).has_perm(permission)


def test_creating_the_groups_again_keeps_what_staff_made_of_them() -> None:
    create_groups()
    Group.objects.get(name=OPS).permissions.clear()
    create_groups()
    assert Group.objects.count() == 2
    assert not Group.objects.get(name=OPS).permissions.exists()
    assert Group.objects.get(name=SHOP_STAFF).permissions.exists()


def test_groups_before_their_permissions_are_an_error_and_not_half_a_group() -> None:
    Permission.objects.filter(codename="view_order").delete()
    with pytest.raises(PermissionMissingError, match=r"orders\.view_order"):
        create_groups()
    assert not Group.objects.exists()
