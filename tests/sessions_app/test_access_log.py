from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions_app.access_log import NotALogError, service, storage
from sessions_app.access_log.days import day_of
from sessions_app.access_log.lines import MalformedLineError, clean, is_asset, parse_line, seconds
from sessions_app.access_log.visits import Hit, Visit, cut, timed_id, visitor_of
from sessions_app.models import Channel, CrawlerDay, Device, SessionEvent, VisitorSession
from sessions_app.months import ensure_months
from tests.sessions_app.logs import (
    DAY,
    FIREFOX,
    GOOGLEBOT,
    HALF_AN_HOUR,
    MINUTE,
    START,
    common_line,
    days_changed_by,
    import_files,
    import_lines,
    line,
    log_of,
    rolled_back,
    stored,
)
from tests.world import together


class TestLine:
    def test_the_fields_are_read(self) -> None:
        request = parse_line(line(5, request="GET /a/b?x=1&y=2 HTTP/1.1", referrer="https://blog.example/"))

        assert request.at == START.timestamp() + 5
        assert request.address == "198.51.100.7"
        assert (request.page, request.query) == ("/a/b", "x=1&y=2")
        assert (request.referrer, request.user_agent) == ("https://blog.example/", FIREFOX)

    @pytest.mark.parametrize(
        ("request_line", "status", "page"),
        [
            ("GET /shop HTTP/1.1", 200, "/shop"),
            ("GET /shop HTTP/1.1", 206, "/shop"),
            ("GET /shop HTTP/1.1", 304, "/shop"),
            ("GET /a b HTTP/1.1", 200, "/a b"),
            ("GET /old", 200, "/old"),
            ("GET http://shop.example/x?y HTTP/1.1", 200, "/x"),
            ("GET http://shop.example HTTP/1.1", 200, "/"),
            ("GET /shop HTTP/1.1", 301, None),
            ("GET /shop HTTP/1.1", 404, None),
            ("GET /shop HTTP/1.1", 500, None),
            ("HEAD /shop HTTP/1.1", 200, None),
            ("POST /shop HTTP/1.1", 200, None),
            ("GET sip:nm SIP/2.0", 200, None),
            ("GET http://[bad HTTP/1.1", 200, None),
            ("-", 408, None),
            (r"\x16\x03\x01", 400, None),
            ("GET /style.css?v=3 HTTP/1.1", 200, None),
        ],
    )
    def test_a_page_view_is_a_get_of_a_page_that_succeeded(
        self, request_line: str, status: int, page: str | None
    ) -> None:
        assert parse_line(line(request=request_line, status=status)).page == page

    @pytest.mark.parametrize("backslash", ["", r"\x20"])
    def test_a_page_is_kept_without_e_mail_addresses(self, backslash: str) -> None:
        page = parse_line(line(request=f"GET /account/ada@example.com/{backslash} HTTP/1.1")).page
        assert page is not None
        assert page.rstrip() == "/account/.../"

    @pytest.mark.parametrize(
        ("path", "asset"),
        [
            ("/logo.PNG", True), ("/a.min.js", True), ("/f.woff2", True), ("/v.mp4", True), ("/x.tar.gz", True),
            ("/sitemap.xml", True), ("/robots.txt", True), ("/favicon.ico", True), ("/data.json", True),
            ("/page.html", False), ("/page", False), ("/v1.2/page", False), ("/dir.png/", False), ("/", False),
            ("/index.php", False), ("/brochure.pdf", False),
        ],
    )  # fmt: skip
    def test_an_asset_is_known_by_its_extension(self, path: str, asset: bool) -> None:
        assert is_asset(path) is asset

    def test_escaped_quotes_do_not_end_a_field(self) -> None:
        request = parse_line(line(user_agent=r"Fire\"fox", referrer=r"http://x/\"q\""))

        assert clean(request.referrer) == 'http://x/"q"'

    def test_escapes_are_undone_and_null_bytes_removed(self) -> None:
        assert clean(r"/caf\xc3\xa9\x00\\") == "/café\\"

    def test_fields_after_the_user_agent_are_not_read(self) -> None:
        assert parse_line(line() + b' "203.0.113.9" rt=0.01').user_agent == FIREFOX

    def test_invalid_utf_8_is_read(self) -> None:
        assert parse_line(line(request="GET /@ HTTP/1.1").replace(b"@", b"\xff\xfe")).page == "/\ufffd\ufffd"

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"", "empty"),
            (b"hello", "not of the combined or common format"),
            ("10.0.0.1 - - [10".encode("utf-16"), "UTF-16"),
            ("10.0.0.1 - - [10".encode("utf-16-le"), "UTF-16"),
            (b'1.2.3.4 - - [10/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-"', "cannot be read"),
            (b'1.2.3.4 - - [10/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Moz', "cannot be read"),
            (b'1.2.3.4 - - [31/Feb/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "x"', "no such time"),
            (b'1.2.3.4 - - [10/Mai/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "x"', "no such time"),
            (b'1.2.3.4 - - [10/Mar/2026:12:00:00 +9900] "GET / HTTP/1.1" 200 5 "-" "x"', "no such time"),
            (b'1.2.3.4 - - [10/Mar/1970:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "x"', "before"),
            (b'1.2.3.4 - - [10/Mar/0001:12:00:00 +1400] "GET / HTTP/1.1" 200 5 "-" "x"', "before"),
        ],
    )
    def test_a_malformed_line_says_what_is_wrong(self, text: bytes, reason: str) -> None:
        with pytest.raises(MalformedLineError, match=reason):
            parse_line(text)

    def test_the_common_format_has_neither_referrer_nor_user_agent(self) -> None:
        request = parse_line(common_line(5, request="GET /a?x HTTP/1.1").encode())

        assert (request.at, request.page, request.query) == (START.timestamp() + 5, "/a", "x")
        assert (request.referrer, request.user_agent) == ("", None)

    @pytest.mark.parametrize("prefix", [b"shop.example:443 ", b"[2001:db8::1]:80 "])
    @pytest.mark.parametrize("text", [line(), common_line().encode(), line(ip="2001:db8::17")])
    def test_the_host_and_port_of_vhost_combined_are_not_read(self, prefix: bytes, text: bytes) -> None:
        assert parse_line(prefix + text) == parse_line(text)

    def test_the_address_of_ipv6_is_no_host_with_a_port(self) -> None:
        assert parse_line(line(ip="2001:db8::17")).address == "2001:db8::17"

    @given(st.binary(max_size=300))
    def test_no_bytes_break_it(self, text: bytes) -> None:
        with pytest.raises(MalformedLineError):
            parse_line(text)

    @given(st.integers(631_152_000, 4_000_000_000), st.timezones())
    def test_times_of_all_zones_are_understood(self, instant: int, zone: Any) -> None:
        moment = datetime.fromtimestamp(instant, UTC) + timedelta(days=2)
        local = moment.astimezone(zone)
        offset = local.utcoffset() or timedelta()
        minutes = round(offset.total_seconds() / 60)
        sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
        logged = (moment + timedelta(minutes=minutes)).strftime("%d/%b/%Y:%H:%M:%S")

        assert seconds(f"{logged} {sign}{hours:02}{rest:02}") == moment.timestamp()

    @pytest.mark.parametrize(
        ("logged", "instant"),
        [
            ("10/Mar/2026:17:45:00 +0545", datetime(2026, 3, 10, 12, tzinfo=UTC)),
            ("10/Mar/2026:08:30:00 -0330", datetime(2026, 3, 10, 12, tzinfo=UTC)),
            ("11/Mar/2026:02:00:00 +1400", datetime(2026, 3, 10, 12, tzinfo=UTC)),
            ("25/Oct/2026:02:30:00 +0200", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
            ("25/Oct/2026:02:30:00 +0100", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
            ("29/Mar/2026:01:59:59 +0100", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
            ("29/Mar/2026:03:00:00 +0200", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ],
    )
    def test_each_time_is_read_with_its_own_offset(self, logged: str, instant: datetime) -> None:
        assert seconds(logged) == instant.timestamp()


def hits(times: Iterable[int]) -> list[Hit]:
    """Page views of one visitor."""
    visitor = visitor_of("198.51.100.7", FIREFOX)
    return [Hit(at, timed_id(at, b"%d" % n), visitor, "/", "", "-", b"") for n, at in enumerate(times)]


def spans(visits: Sequence[Visit]) -> list[tuple[str, int, int]]:
    return [(visit.session_id, visit.started, visit.seen) for visit in visits]


class TestCut:
    @pytest.mark.parametrize(("gap", "visits"), [(HALF_AN_HOUR - 1, 1), (HALF_AN_HOUR, 2)])
    def test_a_gap_of_thirty_minutes_ends_a_visit(self, gap: int, visits: int) -> None:
        assert len(cut(hits([0, gap]), [])) == visits

    def test_a_visit_ends_after_24_hours_in_any_case(self) -> None:
        first, second = cut(hits(range(0, DAY + 1, 20 * MINUTE)), [])

        assert (first.started, first.seen) == (0, DAY - 20 * MINUTE)
        assert (second.started, second.seen) == (DAY, DAY)

    @given(st.lists(st.integers(1, 2 * HALF_AN_HOUR), max_size=40))
    def test_visits_are_cut_at_long_gaps_and_nowhere_else(self, gaps: list[int]) -> None:
        times = [sum(gaps[:n]) for n in range(len(gaps) + 1)]

        visits = cut(hits(times), [])

        assert [hit.at for visit in visits for hit in visit.hits] == times
        for visit in visits:
            own = [hit.at for hit in visit.hits]
            assert all(later - earlier < HALF_AN_HOUR for earlier, later in pairwise(own))
            assert visit.seen - visit.started < DAY
        for one, following in pairwise(visits):
            too_late = following.started - one.seen >= HALF_AN_HOUR
            assert too_late or following.started - one.started >= DAY

    @given(st.lists(st.integers(0, 2 * DAY), min_size=1, max_size=60), st.data())
    def test_in_pieces_or_at_once_is_the_same(self, times: list[int], data: st.DataObject) -> None:
        views = hits(sorted(times))
        where = data.draw(st.integers(0, len(views)))

        before = cut(views[:where], [])
        after = cut(views[where:], [Visit(*span) for span in spans(before)])

        together = {span[0]: span for span in [*spans(before), *spans(after)]}
        assert sorted(together.values()) == sorted(spans(cut(views, [])))

    def test_a_late_view_that_comes_before_a_visit_becomes_its_first(self) -> None:
        [visit] = cut(hits([1000]), [Visit("stored", 1500, 1600)])

        assert (visit.session_id, visit.started, visit.seen) == ("stored", 1000, 1600)
        assert visit.first == visit.hits[0]


@pytest.mark.django_db
class TestImport:
    def test_a_visit_has_the_figures_of_its_first_request(self) -> None:
        import_lines(
            [
                line(
                    0,
                    request="GET /shoes?utm_source=news&utm_medium=email&id=7 HTTP/1.1",
                    referrer="https://a.example/x",
                ),
                line(60, request="GET /cart HTTP/1.1", referrer="https://shop.example/shoes"),
            ]
        )

        visit = VisitorSession.objects.get()
        assert (visit.landing_page, visit.referrer, visit.referrer_host) == (
            "/shoes",
            "https://a.example/x",
            "a.example",
        )
        assert (visit.utm_source, visit.utm_medium, visit.channel) == ("news", "email", Channel.EMAIL)
        assert (visit.device, visit.browser, visit.os) == ("desktop", "Firefox", "Linux")
        assert (visit.started_at, visit.last_seen_at) == (START, START + timedelta(minutes=1))
        assert visit.ended_at == visit.last_seen_at
        assert (visit.page_views, visit.events_count, visit.script_page_views) == (2, 2, 0)
        assert not visit.unconfirmed

    def test_neither_address_nor_user_agent_is_kept(self) -> None:
        import_lines([line()])

        everything = repr(stored())
        assert "198.51.100" not in everything
        assert "Gecko" not in everything

    def test_events_are_page_views_from_an_import(self) -> None:
        import_lines([line(request="GET /a HTTP/1.1")])

        event = SessionEvent.objects.get()
        assert (event.event_type, event.source, event.page, event.timestamp) == (
            "page_view",
            "import",
            "/a",
            START,
        )
        assert event.visitor_id == event.session.visitor_id

    def test_a_visitor_is_address_and_user_agent(self) -> None:
        tally = import_lines([line(), line(ip="198.51.100.8"), line(user_agent=FIREFOX + " x"), line(DAY)])

        assert (tally.visitors, tally.sessions) == (3, 4)

    def test_what_is_no_page_view_is_ignored(self) -> None:
        tally = import_lines([line(), line(request="GET /a.png HTTP/1.1"), line(status=404)])

        assert (tally.page_views, tally.ignored) == (1, 2)

    def test_crawlers_are_counted_apart_by_day(self) -> None:
        tally = import_lines(
            [
                line(user_agent=GOOGLEBOT),
                line(DAY, user_agent=GOOGLEBOT),
                line(request="GET /a.css HTTP/1.1", user_agent=GOOGLEBOT),
            ]
        )

        assert (tally.crawler_page_views, tally.page_views, tally.ignored) == (2, 0, 1)
        assert list(CrawlerDay.objects.order_by("day").values_list("day", "source", "page_views")) == [
            (date(2026, 3, 10), "import", 1),
            (date(2026, 3, 11), "import", 1),
        ]
        assert not VisitorSession.objects.exists()

    def test_malformed_lines_are_reported_by_number_and_skipped(self, tmp_path: Path) -> None:
        report = tmp_path / "refused.csv"
        log = log_of(tmp_path / "access.log", [line(), b"what?", line(2 * DAY + MINUTE), line(1)])

        tally = import_files(log, report=report)

        assert report.read_text() == f"file,line,reason\n{log},2,not of the combined or common format\n"
        assert (tally.lines, tally.malformed, tally.page_views) == (4, 1, 3)

    def test_a_time_in_the_future_is_malformed(self) -> None:
        assert import_lines([line(), line(10 * DAY)]).reasons == {"its time is in the future": 1}

    def test_importing_twice_adds_nothing(self) -> None:
        log = [line(n * 900, ip=f"198.51.100.{n % 3}") for n in range(20)] + [line(user_agent=GOOGLEBOT)]
        first = import_lines(log)
        before = stored()

        second = import_lines(log)

        assert stored() == before
        assert (second.added_page_views, second.added_sessions) == (0, 0)
        assert (second.page_views, second.sessions, second.visitors) == (
            first.page_views, first.sessions, first.visitors,
        )  # fmt: skip

    def test_equal_lines_are_as_many_views(self) -> None:
        assert import_lines([line(), line(), line()]).added_page_views == 3
        assert import_lines([line(), line(), line(), line()]).added_page_views == 1

    def test_equal_lines_are_as_many_views_also_where_a_batch_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "BATCH", 4)
        log = [line(0), line(1), line(1), line(1), line(1), line(1), line(2)]

        assert import_lines(log).added_page_views == 7
        assert import_lines(log).added_page_views == 0

    def test_the_hour_that_exists_twice_is_two_hours(self) -> None:
        at = f"{START:%d/%b/%Y:%H:%M:%S} +0000"
        twice = [line().decode().replace(at, f"26/Oct/2025:02:30:00 {offset}") for offset in ("+0200", "+0100")]

        import_lines(text.encode() for text in twice)

        started = VisitorSession.objects.order_by("started_at").values_list("started_at", flat=True)
        assert [moment.hour for moment in started] == [0, 1]

    def test_a_log_that_has_grown_extends_the_visit(self) -> None:
        log = [line(0), line(20 * MINUTE), line(40 * MINUTE)]
        import_lines(log[:2])

        tally = import_lines(log)

        assert (tally.added_page_views, tally.added_sessions, tally.sessions) == (1, 0, 1)
        visit = VisitorSession.objects.get()
        assert (visit.page_views, visit.events_count) == (3, 3)
        assert visit.last_seen_at == visit.ended_at == START + timedelta(minutes=40)

    def test_an_earlier_log_imported_later_gives_the_visit_its_landing_page(self) -> None:
        import_lines([line(10 * MINUTE, request="GET /second HTTP/1.1")])

        import_lines([line(0, request="GET /first?utm_campaign=x HTTP/1.1")])

        visit = VisitorSession.objects.get()
        assert (visit.landing_page, visit.channel, visit.started_at) == ("/first", Channel.CAMPAIGN, START)

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.tuples(st.integers(0, 40 * MINUTE), st.integers(0, 2), st.booleans()), min_size=1, max_size=25),
        st.data(),
    )
    def test_in_two_halves_or_at_once_is_the_same(
        self, steps: list[tuple[int, int, bool]], data: st.DataObject
    ) -> None:
        times = [sum(step[0] for step in steps[: n + 1]) for n in range(len(steps))]
        log = [
            line(at, ip=f"198.51.100.{who}", user_agent=GOOGLEBOT if bot and who == 2 else FIREFOX)
            for at, (_gap, who, bot) in zip(times, steps, strict=True)
            if at < 2 * DAY
        ]
        where = data.draw(st.integers(0, len(log)))

        at_once = rolled_back(lambda: import_lines(log))
        in_halves = rolled_back(lambda: (import_lines(log[:where]), import_lines(log)))

        assert in_halves == at_once

    def test_small_batches_change_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        log = [line(n * 400, ip=f"198.51.100.{n % 2}") for n in range(60)]
        at_once = rolled_back(lambda: import_lines(log))
        monkeypatch.setattr(service, "BATCH", 4)

        assert rolled_back(lambda: import_lines(log)) == at_once

    def test_lines_out_of_order_within_minutes_change_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        log = [line(n * 45) for n in range(40)]
        at_once = rolled_back(lambda: import_lines(log))
        shuffled = [log[n ^ 3] for n in range(40)]
        monkeypatch.setattr(service, "BATCH", 16)

        assert rolled_back(lambda: import_lines(shuffled)) == at_once

    def test_the_days_that_changed_are_those_of_the_shop(self, settings: Any) -> None:
        settings.SHOP_TIME_ZONE = "Asia/Ho_Chi_Minh"
        day_of.cache_clear()
        try:
            found = days_changed_by([line(6 * 3600, ip="198.51.100.9"), line(0, user_agent=GOOGLEBOT)])
        finally:
            day_of.cache_clear()

        assert found == [date(2026, 3, 10), date(2026, 3, 11)]

    def test_the_day_on_which_an_extended_visit_began_has_changed(self) -> None:
        import_lines([line(DAY // 2 - MINUTE)])

        assert days_changed_by([line(DAY // 2 + MINUTE)]) == [date(2026, 3, 10), date(2026, 3, 11)]

    def test_the_day_from_which_a_late_view_takes_a_visit_has_changed(self) -> None:
        import_lines([line(DAY // 2 + MINUTE)])

        assert days_changed_by([line(DAY // 2 - MINUTE)]) == [date(2026, 3, 10), date(2026, 3, 11)]

    def test_the_day_on_which_a_visitor_is_new_no_more_has_changed(self) -> None:
        import_lines([line(DAY)])

        assert days_changed_by([line()]) == [date(2026, 3, 10), date(2026, 3, 11)]

    def test_days_that_got_nothing_new_have_not_changed(self) -> None:
        log = [line(), line(DAY), line(DAY, user_agent=GOOGLEBOT)]
        import_lines(log)

        assert days_changed_by([*log, line(DAY + MINUTE)]) == [date(2026, 3, 11)]

    def test_a_visitor_of_the_common_format_is_the_address(self) -> None:
        tally = import_lines(
            [common_line().encode(), common_line(60).encode(), common_line(ip="198.51.100.8").encode()]
        )

        assert (tally.page_views, tally.unnamed_page_views, tally.visitors) == (3, 3, 2)
        visit = VisitorSession.objects.first()
        assert visit is not None
        assert (visit.device, visit.browser, visit.os) == (Device.OTHER, "", "")
        assert (visit.referrer, visit.channel, visit.is_bot) == ("", Channel.DIRECT, False)

    def test_a_log_may_be_of_both_formats(self) -> None:
        tally = import_lines([common_line().encode(), line(1), line(2, user_agent="-")])

        assert (tally.unnamed_page_views, tally.page_views, tally.crawler_page_views) == (1, 2, 1)

    @pytest.mark.parametrize(
        "referrer", ["http://www.shop.example/reset?token=x", "https://checkout.stripe.com/c/pay/cs_live_a1"]
    )
    @pytest.mark.parametrize("host", ["shop.example", "www.shop.example"])
    def test_nothing_is_stored_of_own_referrers(self, host: str, referrer: str) -> None:
        import_lines([line(referrer=referrer)], own_host=host)

        visit = VisitorSession.objects.get()
        assert (visit.referrer, visit.referrer_host, visit.channel) == ("", "", Channel.DIRECT)

    def test_absurd_fields_are_cut(self) -> None:
        long = "x" * 10_000
        import_lines(
            [
                line(
                    request=f"GET /{long}?utm_source={long} HTTP/1.1",
                    referrer=f"http://{long}/",
                    user_agent=long,
                )
            ]
        )

        visit = VisitorSession.objects.get()
        assert len(visit.landing_page) == len(visit.referrer) == 2048
        assert len(visit.utm_source) == len(visit.referrer_host) == 255

    def test_what_copy_would_take_for_its_own_is_kept(self) -> None:
        import_lines([line(request=r"GET /\\N\ta\\.;{} HTTP/1.1")])

        assert SessionEvent.objects.get().page == "/\\N\ta\\.;{}"

    def test_a_thousand_lines_of_something_else_are_no_log(self) -> None:
        with pytest.raises(NotALogError):
            import_lines([b"some text"] * 2000)

    def test_a_short_file_of_something_else_is_no_log(self) -> None:
        with pytest.raises(NotALogError, match=r"none of 2 lines is of a log\. Line 1: not of the"):
            import_lines([b"name,price", b"shoe,4"])

    def test_an_empty_log_is_a_log(self) -> None:
        tally = import_lines([])

        assert (tally.lines, tally.sessions, tally.first_time) == (0, 0, None)


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_every_line_is_stored_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "BATCH", 4)
        log = [line(n * 400, ip=f"198.51.100.{n % 3}") for n in range(60)]

        both = together(2, lambda _place: import_lines(log))

        assert [tally.page_views for tally in both] == [60, 60]
        assert sum(tally.added_page_views for tally in both) == SessionEvent.objects.count() == 60
        assert sum(visit.page_views for visit in VisitorSession.objects.all()) == 60

    def test_control_without_taking_turns_one_fails(self) -> None:
        views = hits([int(START.timestamp())])
        ensure_months([START])
        both_have_looked = Barrier(2)

        def store(_place: int) -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                assert not storage._stored_already(cursor, views)
                both_have_looked.wait(10)
                storage._store_events(cursor, views, {}, lambda _visit: ())

        results = together(2, store)

        assert sorted(type(result).__name__ for result in results) == ["NoneType", "UniqueViolation"]
