"""Ids of visitors without consent hold for a day, and cannot be traced back when its salt is gone."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.test import Client

from config.schedule import SCHEDULE
from core import redis as core_redis
from sessions_app import tasks
from sessions_app.ingest import flush
from sessions_app.models import VisitorSalt, VisitorSession
from sessions_app.salts import daily_visitor_id, destroy_old, salt_of
from tests.browsers import CHROME
from tests.world import together

DAY = date(2026, 3, 10)
MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def id_of(day: date = DAY, ip: str = "203.0.113.77", user_agent: str = CHROME) -> UUID:
    return daily_visitor_id(ip=ip, user_agent=user_agent, day=day)


def visitor_at(instant: datetime, client: Client | None = None) -> str:
    """The visitor id of somebody who comes then, by default with a new visit."""
    with time_machine.travel(instant, tick=False):
        browser = client or Client(headers={"user-agent": CHROME}, REMOTE_ADDR="203.0.113.77")
        answer = browser.get("/api/v1/storefront/session/current")
    return str(answer.json()["data"]["session"]["visitorId"])


@pytest.mark.django_db
class TestId:
    def test_the_same_visitor_has_the_same_id_all_day(self) -> None:
        assert id_of() == id_of()

    @pytest.mark.parametrize("other", [{"ip": "203.0.113.78"}, {"user_agent": CHROME + " "}])
    def test_another_address_or_user_agent_is_another_visitor(self, other: dict[str, str]) -> None:
        assert id_of(**other) != id_of()  # type: ignore[arg-type] # no day among them

    def test_address_and_user_agent_do_not_run_into_each_other(self) -> None:
        assert id_of(ip="203.0.113.7", user_agent="7") != id_of(ip="203.0.113.77", user_agent="")

    def test_the_next_day_it_is_another_one(self) -> None:
        assert id_of(DAY + timedelta(days=1)) != id_of()

    @pytest.mark.parametrize("user_agent", ["\0", "\ud800", "é" * 65_536, ""])
    def test_an_absurd_user_agent_has_one_too(self, user_agent: str) -> None:
        assert id_of(user_agent=user_agent) == id_of(user_agent=user_agent)

    def test_it_holds_neither_address_nor_user_agent(self) -> None:
        assert id_of() not in (id_of(ip=""), id_of(user_agent=""))
        assert len({id_of(ip=f"203.0.113.{number}") for number in range(256)}) == 256


@pytest.mark.django_db
class TestRotation:
    def test_a_new_visit_after_midnight_utc_has_another_id(self) -> None:
        ids = [visitor_at(MIDNIGHT + offset) for offset in (-SECOND, timedelta(), timedelta(days=1, seconds=-1))]
        assert ids[0] != ids[1] == ids[2]

    def test_midnight_elsewhere_changes_nothing(self) -> None:
        hanoi = datetime(2026, 3, 10, tzinfo=timezone(timedelta(hours=7)))
        assert visitor_at(hanoi - SECOND) == visitor_at(hanoi)

    def test_a_visit_that_goes_on_over_midnight_keeps_its_id(self) -> None:
        browser = Client(headers={"user-agent": CHROME})
        assert visitor_at(MIDNIGHT - SECOND, browser) == visitor_at(MIDNIGHT, browser)

    def test_each_day_has_one_salt(self) -> None:
        for offset in (-SECOND, timedelta(), SECOND):
            visitor_at(MIDNIGHT + offset)
        assert list(VisitorSalt.objects.order_by("day").values_list("day", flat=True)) == [DAY - timedelta(days=1), DAY]
        assert len({bytes(salt) for salt in VisitorSalt.objects.values_list("salt", flat=True)}) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_processes_that_need_a_salt_first_at_once_agree_on_it() -> None:
    assert len(set(together(16, lambda _number: salt_of.__wrapped__(DAY)))) == 1
    assert VisitorSalt.objects.count() == 1


@pytest.mark.django_db
class TestDestruction:
    @pytest.mark.parametrize(("age", "left"), [(timedelta(hours=48) - SECOND, 1), (timedelta(hours=48), 0)])
    def test_a_salt_lives_48_hours_from_the_beginning_of_its_day(self, age: timedelta, left: int) -> None:
        id_of()
        assert destroy_old(now=MIDNIGHT + age) == 1 - left
        assert VisitorSalt.objects.count() == left

    def test_those_of_today_and_yesterday_stay(self) -> None:
        for days in range(5):
            id_of(DAY - timedelta(days=days))
        destroy_old(now=MIDNIGHT + timedelta(hours=23))
        assert set(VisitorSalt.objects.values_list("day", flat=True)) == {DAY, DAY - timedelta(days=1)}

    def test_an_instant_of_another_zone_means_the_same(self) -> None:
        id_of()
        assert destroy_old(now=(MIDNIGHT + timedelta(hours=48)).astimezone(timezone(-timedelta(hours=8)))) == 1

    def test_afterwards_the_id_cannot_be_computed_by_the_process_that_destroyed_it(self) -> None:
        before = id_of()
        destroy_old(now=MIDNIGHT + timedelta(hours=48))
        assert id_of() != before

    def test_afterwards_it_cannot_be_computed_by_a_process_that_went_on_to_the_next_day(self) -> None:
        before = id_of()
        id_of(DAY + timedelta(days=1))
        VisitorSalt.objects.filter(day=DAY).delete()  # by a worker
        assert id_of() != before

    def test_a_process_holds_the_salt_of_one_day(self) -> None:
        for days in range(3):
            id_of(DAY + timedelta(days=days))
        assert salt_of.cache_info().currsize == 1

    def test_the_job_comes_every_hour(self) -> None:
        (job,) = [job for job in SCHEDULE if job.task == tasks.rotate_visitor_salt.name]
        assert job.crontab == ("0", "*")

    def test_the_job_destroys(self) -> None:
        id_of()
        with time_machine.travel(MIDNIGHT + timedelta(hours=48), tick=False):
            assert tasks.rotate_visitor_salt() == 1


@pytest.mark.django_db
def test_the_salt_is_in_its_table_and_nowhere_else() -> None:
    visitor_at(MIDNIGHT)
    flush(consumer="test")
    salt = bytes(VisitorSalt.objects.get().salt)

    rows = str(list(VisitorSession.objects.values()))
    assert salt.hex() not in rows
    assert salt not in b"".join(everything_in_redis())


def everything_in_redis() -> list[bytes]:
    """Each key as Redis would write it to disk."""
    client: Any = core_redis.client()
    return [client.dump(key) for key in client.scan_iter()]
