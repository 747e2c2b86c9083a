"""One spelling for each address."""

import pytest
from django.contrib.auth import authenticate

from customers.emails import normal_email
from customers.models import User
from tests.customers.member import account
from tests.factories import PASSWORD


@pytest.mark.parametrize(
    ("written", "kept"),
    [(" ada@example.com\n", "ada@example.com"), ("Ada@EXAMPLE.Com", "Ada@example.com"), ("ada", "ada"), ("", ""),
     ("ada@cafe\u0301.example", "ada@caf\u00e9.example"), ('"a@b"@EXAMPLE.com', '"a@b"@example.com')],
)  # fmt: skip
def test_an_address_is_kept_in_one_spelling(written: str, kept: str) -> None:
    assert normal_email(written) == kept == normal_email(kept)


@pytest.mark.django_db
def test_an_account_is_found_in_any_case_also_by_django() -> None:
    user = account("Ada@example.com")
    assert User.objects.with_email("aDA@EXAMPLE.com").get() == user
    assert User.objects.get_by_natural_key("ADA@example.com") == user
    assert authenticate(username="ada@Example.com", password=PASSWORD) == user


@pytest.mark.django_db
def test_what_stands_for_anything_in_sql_finds_nobody() -> None:
    account("ada@example.com")
    assert not User.objects.with_email("%@example.com").exists()
