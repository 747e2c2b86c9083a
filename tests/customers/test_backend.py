"""What an account may do comes with it: as Django itself would say it, without another question."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from pytest_django import DjangoAssertNumQueries

from customers.backend import Backend
from customers.groups import SHOP_STAFF, create_groups
from customers.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    """One of the shop's staff, who may do one thing more."""
    create_groups()
    user = UserFactory.create(is_staff=True)
    user.groups.add(Group.objects.get(name=SHOP_STAFF))
    user.user_permissions.add(Permission.objects.get(codename="delete_order"))
    return user


def found(user: User) -> User:
    """The account as a request has it."""
    again = Backend().get_user(user.pk)
    assert again
    return again


def test_staff_may_what_django_says(staff: User) -> None:
    UserFactory.create(is_staff=True).user_permissions.add(Permission.objects.get(codename="delete_coupon"))
    usual = ModelBackend().get_user(staff.pk)
    assert usual
    assert found(staff).get_all_permissions() == usual.get_all_permissions()
    assert {"orders.delete_order", "orders.change_order"} < found(staff).get_all_permissions()


def test_it_takes_one_statement(staff: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        assert found(staff).has_perm("orders.delete_order")


def test_what_is_taken_from_staff_is_gone_with_the_next_request(staff: User) -> None:
    staff.user_permissions.clear()
    assert not found(staff).has_perm("orders.delete_order")


def test_an_owner_may_everything() -> None:
    owner = found(UserFactory.create(is_staff=True, is_superuser=True))
    assert owner.has_perm("orders.delete_order")
    assert len(owner.get_all_permissions()) == Permission.objects.count()


def test_who_may_not_log_in_any_more_is_nobody(staff: User) -> None:
    User.objects.filter(pk=staff.pk).update(is_active=False)
    assert Backend().get_user(staff.pk) is None


def test_an_account_that_is_gone_is_nobody() -> None:
    assert Backend().get_user(1_000_000) is None
