"""Channels that staff add: how a rule is written, and how soon every process goes by it."""

from collections.abc import Iterator
from itertools import count
from threading import Event, Thread
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers.groups import SHOP_STAFF, create_groups
from sessions_app import channel_rules
from sessions_app.channel_rules import LIFETIME_SECONDS, Kind, RuleBook, rule_value
from sessions_app.channels import NO_RULES, Rules
from sessions_app.ingest import flush
from sessions_app.models import Channel, ChannelRule, VisitorSession
from tests.admin_lists import list_of, queries_of
from tests.browsers import CHROME
from tests.factories import NOW, PASSWORD, UserFactory, VisitorSessionFactory
from tests.sessions_app.logs import import_lines

pytestmark = pytest.mark.django_db
LIST = "/admin/sessions_app/channelrule/"
CURRENT = "/api/v1/storefront/session/current"
visitors = count(1)


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def _no_rules_of_other_tests() -> Iterator[None]:
    channel_rules.book.forget()
    yield
    channel_rules.book.forget()


def rule(value: str = "news.example", channel: str = Channel.SOCIAL, kind: str = Kind.REFERRER_HOST) -> None:
    ChannelRule.objects.create(kind=kind, value=value, channel=channel)


def posted(**fields: str) -> dict[str, str]:
    return {"kind": "referrer host", "value": "news.example", "channel": "social", "note": ""} | fields


def channel_of_new_visit(referrer: str = "https://news.example/", page: str = "") -> str:
    """As the row has it, of somebody who comes now."""
    browser = Client(headers={"user-agent": CHROME}, REMOTE_ADDR=f"203.0.113.{next(visitors)}")
    event = {"eventType": "page_view", "page": page or "/", "referrer": referrer}
    answer = browser.post("/api/v1/analytics/track", event, content_type="application/json")
    assert answer.status_code == 202
    flush(consumer="test")
    return VisitorSession.objects.latest("started_at").channel


class TestValue:
    @pytest.mark.parametrize(
        ("given", "value"),
        [
            ("News.Example", "news.example"),
            ("  www.news.example ", "news.example"),
            ("news.example.", "news.example"),
            ("münchen.de", "xn--mnchen-3ya.de"),
            ("com.example.android_app", "com.example.android_app"),
        ],
    )
    def test_a_host_is_spelt_as_referrers_are(self, given: str, value: str) -> None:
        assert rule_value(Kind.REFERRER_HOST, given) == value

    @pytest.mark.parametrize("kind", [Kind.UTM_SOURCE, Kind.UTM_MEDIUM])
    def test_a_parameter_is_in_lower_case(self, kind: str) -> None:
        assert rule_value(kind, " Partner Week/May ") == "partner week/may"

    @pytest.mark.parametrize(
        ("kind", "given", "sentence"),
        [
            (Kind.REFERRER_HOST, "https://news.example", "This is a whole address"),
            (Kind.REFERRER_HOST, "https://news.example/a?b", "This is a whole address"),
            (Kind.UTM_SOURCE, "https://news.example/", "This is a whole address"),
            (Kind.REFERRER_HOST, "news.example/path", "A host has no path"),
            (Kind.REFERRER_HOST, "news.example/", "A host has no path"),
            (Kind.REFERRER_HOST, "*.news.example", "Leave out the asterisk"),
            (Kind.REFERRER_HOST, "news.example:8080", "This is no host"),
            (Kind.REFERRER_HOST, "news", "This is no host"),
            (Kind.REFERRER_HOST, "com.", "This is no host"),
            (Kind.REFERRER_HOST, "two words.example", "This is no host"),
            (Kind.REFERRER_HOST, "a..example", "This is no host"),
            (Kind.REFERRER_HOST, "-.example", "This is no host"),
            (Kind.REFERRER_HOST, "me@news.example", "This is no host"),
            (Kind.UTM_SOURCE, "utm_source=partner", "Write the value alone"),
            (Kind.UTM_MEDIUM, "a&b", "Write the value alone"),
        ],
    )
    def test_what_no_visit_could_match_is_refused_with_a_sentence(self, kind: str, given: str, sentence: str) -> None:
        with pytest.raises(ValidationError, match=sentence):
            rule_value(kind, given)

    @pytest.mark.parametrize("value", ["News.example", ""])
    def test_the_database_holds_the_spelling(self, value: str) -> None:
        with pytest.raises(IntegrityError, match="channel_rule_in_lower_case"), transaction.atomic():
            rule(value)

    def test_the_database_holds_one_rule_a_value(self) -> None:
        rule()
        with pytest.raises(IntegrityError, match="one_channel_rule_a_value"), transaction.atomic():
            rule(channel=Channel.EMAIL)


class TestBook:
    def test_it_reads_each_kind_of_rule(self) -> None:
        rule()
        rule("acme", Channel.REFERRAL, Kind.UTM_SOURCE)
        rule("influencer", Channel.CAMPAIGN, Kind.UTM_MEDIUM)

        assert RuleBook().current() == Rules(
            hosts={"news.example": Channel.SOCIAL},
            sources={"acme": Channel.REFERRAL},
            mediums={"influencer": Channel.CAMPAIGN},
        )

    def test_within_half_a_minute_the_database_is_asked_once(self) -> None:
        book = RuleBook(clock := Clock())
        with CaptureQueriesContext(connection) as queries:
            book.current()
            clock.seconds += LIFETIME_SECONDS - 1
            book.current()
        assert len(queries) == 1

    def test_after_half_a_minute_it_has_what_another_process_changed(self) -> None:
        book = RuleBook(clock := Clock())
        assert book.current() == NO_RULES
        rule()
        assert book.current() == NO_RULES
        clock.seconds += LIFETIME_SECONDS
        assert book.current().hosts == {"news.example": Channel.SOCIAL}

    def test_what_was_changed_here_holds_at_once(self) -> None:
        book = RuleBook()
        book.current()
        rule()
        book.forget()
        assert book.current().hosts == {"news.example": Channel.SOCIAL}

    def test_a_change_while_it_reads_is_not_missed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        book = RuleBook()

        def changed_meanwhile() -> Rules:
            book.forget()
            return NO_RULES

        monkeypatch.setattr(channel_rules, "read_rules", changed_meanwhile)
        book.current()
        monkeypatch.undo()
        rule()
        assert book.current().hosts == {"news.example": Channel.SOCIAL}

    def test_while_postgresql_is_away_the_last_known_rules_hold(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rule()
        book = RuleBook(clock := Clock())
        known = book.current()
        monkeypatch.setattr(channel_rules, "read_rules", away)
        clock.seconds += LIFETIME_SECONDS
        assert book.current() is known
        monkeypatch.undo()
        rule("more.example")
        clock.seconds += LIFETIME_SECONDS
        assert "more.example" in book.current().hosts

    def test_while_postgresql_is_away_it_is_asked_once_in_half_a_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []

        def count_and_fail() -> Rules:
            asked.append("once")
            return away()

        monkeypatch.setattr(channel_rules, "read_rules", count_and_fail)
        book = RuleBook(Clock())
        assert [book.current(), book.current()] == [NO_RULES, NO_RULES]
        assert asked == ["once"]

    def test_nobody_waits_for_rules_while_there_are_old_ones(self, monkeypatch: pytest.MonkeyPatch) -> None:
        book = RuleBook()
        known = book.current()
        book.forget()
        begun, go_on = Event(), Event()

        def slow() -> Rules:
            begun.set()
            go_on.wait(10)
            return NO_RULES

        monkeypatch.setattr(channel_rules, "read_rules", slow)
        reader = Thread(target=book.current)
        reader.start()
        assert begun.wait(10)
        assert book.current() is known
        go_on.set()
        reader.join(10)


def away() -> Rules:
    """PostgreSQL is."""
    raise OperationalError


class TestVisits:
    def test_a_visit_begins_by_the_rules(self) -> None:
        rule()
        assert channel_of_new_visit("https://m.news.example/a") == Channel.SOCIAL

    def test_a_rule_for_a_source_holds_too(self) -> None:
        rule("acme", Channel.REFERRAL, Kind.UTM_SOURCE)
        assert channel_of_new_visit("", "/?utm_source=Acme&utm_medium=cpc") == Channel.REFERRAL

    def test_a_known_visit_asks_for_no_rules(self) -> None:
        browser = Client(headers={"user-agent": CHROME})
        browser.get(CURRENT)
        channel_rules.book.forget()
        with CaptureQueriesContext(connection) as queries:
            browser.get(CURRENT)
        assert len(queries) == 0

    def test_the_next_visit_asks_for_none_either(self) -> None:
        Client(headers={"user-agent": CHROME}).get(CURRENT)
        with CaptureQueriesContext(connection) as queries:
            Client(headers={"user-agent": CHROME}, REMOTE_ADDR="203.0.113.99").get(CURRENT)
        assert len(queries) == 0


LINE = (
    b'198.51.100.7 - - [10/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 9 "https://news.example/" '
    b'"Mozilla/5.0 (X11; Linux) Firefox/128.0"'
)


def import_line() -> None:
    """In a thread of its own."""
    import_lines([LINE])
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_an_import_goes_by_the_rules_and_reads_them_before_it_copies() -> None:
    """PostgreSQL answers nothing else while rows are copied in: an import that asks then waits for ever."""
    rule()
    importing = Thread(target=import_line, daemon=True)
    importing.start()
    importing.join(20)

    assert not importing.is_alive()
    assert VisitorSession.objects.get().channel == Channel.SOCIAL


class TestAdmin:
    def test_staff_add_a_rule_and_it_holds_at_once(
        self, admin_client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        assert channel_of_new_visit() == Channel.REFERRAL
        with django_capture_on_commit_callbacks(execute=True):
            answer = admin_client.post(f"{LIST}add/", posted(value="WWW.News.example"))
        assert answer.status_code == 302, answer.content.decode()
        assert channel_of_new_visit() == Channel.SOCIAL

    def test_staff_change_a_rule_and_it_holds_at_once(
        self, admin_client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        rule()
        assert channel_of_new_visit() == Channel.SOCIAL
        with django_capture_on_commit_callbacks(execute=True):
            admin_client.post(f"{LIST}{ChannelRule.objects.get().pk}/change/", posted(channel="campaign"))
        assert channel_of_new_visit() == Channel.CAMPAIGN

    @pytest.mark.parametrize("way", ["one", "many"])
    def test_staff_delete_a_rule_and_it_ends_at_once(
        self, way: str, admin_client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        rule()
        assert channel_of_new_visit() == Channel.SOCIAL
        key = ChannelRule.objects.get().pk
        with django_capture_on_commit_callbacks(execute=True):
            if way == "one":
                admin_client.post(f"{LIST}{key}/delete/", {"post": "yes"})
            else:
                admin_client.post(LIST, {"action": "delete_selected", "_selected_action": key, "post": "yes"})
        assert not ChannelRule.objects.exists()
        assert channel_of_new_visit() == Channel.REFERRAL

    def test_a_whole_address_is_refused_with_a_sentence(self, admin_client: Client) -> None:
        answer = admin_client.post(f"{LIST}add/", posted(value="https://news.example/path"))
        assert "This is a whole address" in answer.content.decode()
        assert not ChannelRule.objects.exists()

    def test_a_second_rule_of_a_value_is_refused(self, admin_client: Client) -> None:
        rule()
        answer = admin_client.post(f"{LIST}add/", posted(value="News.Example"))
        assert answer.status_code == 200
        assert "already exists" in answer.content.decode()

    def test_a_null_byte_is_refused(self, admin_client: Client) -> None:
        answer = admin_client.post(f"{LIST}add/", posted(value="a\0.example"))
        assert answer.status_code == 200
        assert not ChannelRule.objects.exists()

    def test_the_page_says_how_many_visits_came_so_lately(self, admin_client: Client) -> None:
        rule()
        with time_machine.travel(NOW):
            for host in ("news.example", "m.news.example", "fakenews.example", ""):
                VisitorSessionFactory.create(referrer_host=host)
            admin_client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
            page = list_of(admin_client, f"sessions_app/channelrule/{ChannelRule.objects.get().pk}/change")
        assert "2 of the newest 4 visits" in page

    def test_the_page_counts_visits_of_a_medium_in_any_case(self, admin_client: Client) -> None:
        rule("influencer", Channel.SOCIAL, Kind.UTM_MEDIUM)
        with time_machine.travel(NOW):
            VisitorSessionFactory.create(utm_medium="Influencer")
            admin_client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
            page = list_of(admin_client, f"sessions_app/channelrule/{ChannelRule.objects.get().pk}/change")
        assert "1 of the newest 1 visits" in page

    def test_the_list_is_searched_and_filtered(self, admin_client: Client) -> None:
        rule()
        rule("acme", Channel.REFERRAL, Kind.UTM_SOURCE)
        for filters in ({"q": "acm"}, {"kind__exact": "utm source"}, {"channel__exact": "referral"}):
            page = list_of(admin_client, "sessions_app/channelrule", **filters)
            assert "acme" in page
            assert "news.example" not in page

    @pytest.mark.parametrize("rows", [3, 30])
    def test_the_list_takes_as_many_queries_for_30_rows_as_for_3(self, admin_client: Client, rows: int) -> None:
        for row in range(rows):
            rule(f"news{row}.example")
        assert queries_of(admin_client, "sessions_app/channelrule") == 3

    def test_shop_staff_may_keep_the_rules(self, client: Client) -> None:
        user = UserFactory.create(is_staff=True)
        user.groups.add(*[group for group in create_groups() if group.name == SHOP_STAFF])
        client.login(username=user.email, password=PASSWORD)
        assert client.post(f"{LIST}add/", posted()).status_code == 302
        assert ChannelRule.objects.count() == 1
