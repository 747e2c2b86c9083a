"""Events by month."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.db import IntegrityError, connection, transaction

from sessions_app import months
from sessions_app.models import SessionEvent
from tests.factories import SessionEventFactory, VisitorSessionFactory


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree(%s) WHERE level = 1", [months.PARENT])
        return {name for (name,) in cursor.fetchall()}


def columns_of(table: str) -> list[tuple[str, str, bool, str]]:
    """Name, type, whether it may be null, and default, as the table holds them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid) "
            "FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [table],
        )
        return list(cursor.fetchall())


@pytest.mark.django_db
def test_an_event_goes_to_the_month_of_its_time_in_utc() -> None:
    east = timezone(timedelta(hours=9))
    months.ensure_months([datetime(2031, 3, 1, 1, tzinfo=east)])
    assert months.PARENT + "_2031_02" in partitions()
    assert months.PARENT + "_2031_03" not in partitions()


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_month_that_is_there() -> None:
    months.ensure_months([datetime(2031, 3, 1, tzinfo=UTC)])
    with transaction.atomic(), connection.cursor() as cursor, ThreadPoolExecutor(1) as elsewhere:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [months.ONE_AT_A_TIME])
        assert elsewhere.submit(make_and_close, date(2031, 3, 1)).result() is False


@pytest.mark.django_db
@pytest.mark.parametrize("at", ["2031-12-01T00:00:00Z", "2031-12-31T23:59:59.999999Z"])
def test_a_month_is_whole(at: str) -> None:
    SessionEventFactory.create(timestamp=datetime.fromisoformat(at))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {months.PARENT}_2031_12")
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db
def test_a_month_without_a_partition_takes_no_event() -> None:
    session = VisitorSessionFactory.create()
    with pytest.raises(IntegrityError, match="no partition"), transaction.atomic():
        SessionEvent.objects.create(
            session=session, visitor_id=session.visitor_id, event_type="search", source="api",
            timestamp=datetime(1999, 1, 1, tzinfo=UTC),
        )  # fmt: skip


@pytest.mark.django_db
def test_a_month_holds_the_time_first_and_texts_last() -> None:
    months.make_month(date(2031, 6, 1))
    names = [name for name, *_more in columns_of(f"{months.PARENT}_2031_06")]
    assert names[0] == "timestamp"
    assert names[-4:] == ["event_type", "source", "page", "metadata"]


@pytest.mark.django_db
def test_a_month_has_the_columns_of_all_events() -> None:
    months.make_month(date(2031, 6, 1))
    assert sorted(columns_of(f"{months.PARENT}_2031_06")) == sorted(columns_of(months.PARENT))


@pytest.mark.django_db
def test_a_month_made_again_is_left_alone() -> None:
    assert months.make_month(date(2031, 5, 1))
    assert not months.make_month(date(2031, 5, 1))


@pytest.mark.django_db(transaction=True)
def test_two_flushers_may_make_the_same_month_at_once(crowd: None) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _number: make_and_close(date(2032, 7, 1)), range(8)))
    assert sum(made) == 1


def make_and_close(month: date) -> bool:
    try:
        return months.make_month(month)
    finally:
        connection.close()


@pytest.mark.django_db
def test_an_unwritten_month_is_not_taken_for_known() -> None:
    at = datetime(2033, 1, 1, tzinfo=UTC)
    with transaction.atomic():
        months.ensure_months([at])
        transaction.set_rollback(True)
    assert date(2033, 1, 1) not in months.known
