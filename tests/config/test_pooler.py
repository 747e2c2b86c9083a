"""A shop behind PgBouncer, which lends a session for one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, DatabaseError, ProgrammingError, connection

from catalog.models import Product
from config.backing_up import back_up
from core.postgresql import sessions
from core.postgresql.sessions import DIRECT, own_session
from orders.models import Order
from sessions_app.models import SessionEvent
from tests.billing_server import BillingService
from tests.catalog import files as products
from tests.factories import ProductFactory
from tests.orders import files as orders
from tests.pooler import pooled, pooler
from tests.sessions_app import logs
from tests.world import Shopper, World, asked

pytestmark = pytest.mark.django_db(transaction=True, databases=[DEFAULT_DB_ALIAS, DIRECT])


@pytest.fixture(scope="module", autouse=True)
def behind_it(django_db_setup: None) -> Iterator[None]:
    with pooler() as port, pooled(port):
        yield


def test_a_shopper_buys(billing: BillingService, world: World) -> None:
    """With statements so often repeated that they would be prepared."""
    for _again in range(8):
        order = Shopper().order(world)
    assert (order.total, Order.objects.count()) == (Decimal("33.00"), 8)


def test_imports_have_a_session_of_their_own(tmp_path: Path) -> None:
    ProductFactory(sku="MUG")
    assert products.imported({"sku": "TEA"}).tally.added == 1
    assert orders.imported({"number": "7"}).tally.added == 1
    logs.import_files(logs.log_of(tmp_path / "access.log", [logs.line()]))
    assert (Product.objects.count(), Order.objects.count(), SessionEvent.objects.count()) == (2, 1, 1)


def test_control_without_it_their_tables_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "DIRECT", "none")
    with pytest.raises(ProgrammingError, match="does not exist"):
        products.imported({})


def test_what_is_read_bit_by_bit_is_read_whole() -> None:
    """No cursor is left open in a session that somebody else has by then."""
    ProductFactory.create_batch(3)
    assert len(list(Product.objects.iterator(chunk_size=2))) == 3


def test_control_a_cursor_that_stays_open_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", False)
    ProductFactory.create_batch(3)
    with pytest.raises(DatabaseError, match="does not exist"):
        list(Product.objects.iterator(chunk_size=2))


def test_the_release_gives_every_session_its_limits(settings: LazySettings) -> None:
    settings.DATABASE_DIRECT_URL = settings.DATABASE_URL
    assert asked("SHOW lock_timeout") == "0"
    call_command("prepare")
    end_lent_sessions()
    try:
        assert (asked("SHOW lock_timeout"), asked("SHOW statement_timeout")) == ("4s", "1min")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {connection.settings_dict['NAME']} RESET ALL")


def end_lent_sessions() -> None:
    """As PgBouncer's RECONNECT does: whoever comes next finds new ones."""
    with own_session():
        asked("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = current_database() "
              "AND backend_type = 'client backend' AND pid <> pg_backend_pid()")  # fmt: skip


def test_a_backup_leaves_no_settings_behind(tmp_path: Path) -> None:
    back_up(tmp_path / "backup")
    assert asked("SHOW search_path") != ""


def test_a_session_of_ones_own_is_no_other_within_it() -> None:
    with own_session(), connection.cursor() as cursor:
        cursor.execute("SET work_mem = '7MB'")
        with own_session():
            assert asked("SHOW work_mem") == "7MB"
    assert (connection.alias, asked("SHOW work_mem")) == (DEFAULT_DB_ALIAS, "4MB")
