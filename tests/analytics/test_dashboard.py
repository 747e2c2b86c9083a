"""The dashboard, as those see it who may, may not, and are nobody."""

import csv
import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import escape, unescape
from io import BytesIO
from pathlib import Path
from typing import cast
from urllib.parse import quote
from uuid import uuid4

import pytest
import time_machine
from django.conf import LazySettings, settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.staticfiles.finders import find
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from analytics.cards import PLOTTED
from analytics.dashboard.tiles import TILES
from analytics.management.commands.import_access_log import dashboard_of
from analytics.models import Annotation, DailyMetrics, SalesGoal
from analytics.services import freeze_days
from core import redis as core_redis
from core.redis import breaker
from orders.models import Order
from orders.transfer.statements import NOBODY
from sessions_app.models import DeadLetter
from tests.analytics.days import DAY, at, computed, event, purchase, visit
from tests.analytics.staff import logged_in, member
from tests.factories import PASSWORD, CustomerFactory, RefundFactory, UserFactory
from tests.orders.subscriber import delivery_to, endpoint_at

pytestmark = pytest.mark.django_db
NOW = at(14, 5)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def staff() -> Client:
    return logged_in(member("analytics.view_dailymetrics"))


def page(client: Client, query: str = "") -> str:
    """The text of the index with all its tiles."""
    response = client.get(f"/admin/?whole&{query}")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def lines_of(client: Client, tile: str, query: str = "period=today") -> list[str]:
    """The lines of a tile's file, without their header."""
    return client.get(f"/admin/dashboard/{tile}.csv?{query}").content.decode().splitlines()[1:]


def streamed(client: Client, query: str = "", *names: str) -> dict[str, str]:
    """The tiles that the page asks for afterwards, by name; all of them or those."""
    response = client.get(f"/admin/dashboard/tiles?tiles={','.join(names or TILES)}&{query}")
    assert response.status_code == 200
    lines = b"".join(cast(StreamingHttpResponse, response).streaming_content).splitlines()  # type: ignore[arg-type]
    return {line["name"]: line["html"] for line in map(json.loads, lines)}


def refunded(order: Order, amount: int, made_at: datetime) -> None:
    """So much of an imported order went back then."""
    RefundFactory(order=order, attempt=None, amount=amount, done=True, made_at=made_at, credit_note=f"R{amount}")


def test_nobody_is_asked_to_log_in() -> None:
    response = Client().get("/admin/")
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/login/?next=/admin/")


def test_a_shopper_is_not_let_in() -> None:
    assert logged_in(UserFactory()).get("/admin/").status_code == 302


def test_staff_without_the_permission_see_a_sentence_and_no_figures() -> None:
    purchase(visit(at(9)), paid=at(10), subtotal=77)
    text = page(logged_in(member()))
    assert "Figures are shown to people with the permission" in text
    assert "£77" not in text


def test_a_card_has_its_value_and_change_against_the_same_hours_of_the_same_weekdays(staff: Client) -> None:
    week = timedelta(days=7)
    visit(at(9)), visit(at(10)), visit(at(15)), visit(at(9) - week), visit(at(15) - week)
    text = page(staff, "period=today")
    assert '<span class="ff-card-value">2</span><span class="ff-change ff-up">▲ +100.0 % up</span>' in text
    assert "<strong>Tue 10 Mar until 14:05</strong> compared with Tue 3 Mar until 14:05" in text
    assert "Tue 10 Mar until 14:05: 2<br>Tue 3 Mar until 14:05: 1" in text


@pytest.mark.parametrize(
    ("compare", "before"), [("previous", "Mon 9 Mar until 14:05"), ("year", "Tue 11 Mar 2025 until 14:05")]
)
def test_what_is_compared_with_can_be_chosen(staff: Client, compare: str, before: str) -> None:
    visit(at(9) - timedelta(days=1))
    assert f"compared with {before}" in page(staff, f"period=today&compare={compare}")


def test_compared_with_nothing_there_is_no_change(staff: Client) -> None:
    visit(at(9))
    text = page(staff, "compare=none")
    assert "ff-change" not in text
    assert "compared with" not in text


def test_from_nothing_to_something_is_new(staff: Client) -> None:
    visit(at(9))
    assert "▲ new" in page(staff)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("period=3", "“3” is no period of ours"),
        ("plot=nonsense", "“nonsense” is no plot of ours"),
        ("compare=x", "“x” is no compare of ours"),
        ("came=product", "“product” is no came of ours"),
        ("period=custom&from=2026-03-09&to=2026-03-01", "The period ends before it begins."),
        ("period=custom&from=2026-03-09&to=2026-03-11", "The period ends after today."),
        ("period=custom&from=2025-01-01&to=2026-03-01", "A period has 400 days at most"),
        ("period=custom&from=2026-13-40&to=2026-03-01", "A custom period needs two days"),
        ("period=custom", "A custom period needs two days"),
    ],
)
def test_an_address_that_makes_no_sense_is_told_so_and_shows_the_usual(staff: Client, query: str, said: str) -> None:
    visit(at(9) - timedelta(days=1))
    text = page(staff, query)
    assert said in text
    assert "Wed 11 Feb – Tue 10 Mar 14:05" in text


@pytest.mark.parametrize(
    ("period", "shown"),
    [
        ("yesterday", "Mon 9 Mar"),
        ("month", "Sun 1 Mar – Tue 10 Mar 14:05"),
        ("last_month", "Sun 1 Feb – Sat 28 Feb"),
        ("year", "Thu 1 Jan – Tue 10 Mar 14:05"),
        ("364", "Wed 12 Mar 2025 – Tue 10 Mar 14:05"),
        ("custom&from=2026-03-10&to=2026-03-10", "Tue 10 Mar until 14:05"),
    ],
)
def test_periods_have_names(staff: Client, period: str, shown: str) -> None:
    visit(at(9) - timedelta(days=1))
    assert f"<strong>{shown}</strong>" in staff.get(f"/admin/?period={period}").content.decode()


@pytest.mark.parametrize("query", ["period=7", "period=today", "period=7&device=mobile", "period=today&device=mobile"])
def test_each_figure_can_be_plotted(staff: Client, query: str) -> None:
    purchase(visit(at(9), seconds=30, device="mobile", page_views=3), paid=at(10), subtotal=77)
    for plot, metric in PLOTTED.items():
        tile = unescape(streamed(staff, f"{query}&plot={plot}", "chart")["chart"])
        assert f'<h2 id="ff-chart">{metric.title} by ' in tile
        assert f"<dt>{metric.title}</dt><dd>{metric.definition}</dd>" in tile
        assert tile.count("<dt>Formula</dt>") == tile.count("<dt>Source</dt>") == 1


def test_sales_are_taken_apart_and_put_together_again(staff: Client) -> None:
    placed = {"subtotal": 100, "discount_amount": 10, "shipping_amount": 5, "coupon_code": "SPRING"}
    purchase(visit(at(9)), paid=at(10), tax_amount=19, total=114, **placed)
    purchase(visit(at(9)), paid=at(10), tax_amount=4, total=95, **placed)
    amounts = [float(line.split(",")[1]) for line in lines_of(staff, "money")]
    assert amounts == [200, -20, 10, 19, 209, 0, 209, 4]


def test_numbers_that_are_shortened_stand_in_full_below_the_table(staff: Client) -> None:
    purchase(visit(at(9), channel="e-mail"), paid=at(10), subtotal=Decimal("11638.45")), visit(at(9), channel="direct")
    computed()
    tile = streamed(staff, "period=today", "came")["came"]
    shown, exact = tile.split("<summary>Exact numbers</summary>")
    assert "£11,638<" in shown
    assert "£11,638.45<" in exact
    assert "direct" not in exact


def test_coupons_say_what_they_brought_and_took(staff: Client) -> None:
    purchase(visit(at(9)), paid=at(10), subtotal=124, discount_amount=10, coupon_code="SPRING")
    purchase(visit(at(9)), paid=at(10), subtotal=10, coupon_code="")
    assert staff.get("/admin/dashboard/coupons.csv?period=today").content.decode().splitlines()[1:] == [
        "SPRING,1,114.00,10.00"
    ]


def test_customers_are_new_until_they_have_paid_once(staff: Client) -> None:
    known, new = CustomerFactory.create(), CustomerFactory.create()
    purchase(None, paid=at(9) - timedelta(days=50), customer=known)
    purchase(None, placed_at=at(9) - timedelta(days=50), customer=new)
    purchase(visit(at(9), device="mobile"), paid=at(10), customer=known, subtotal=30)
    purchase(visit(at(9)), paid=at(10), customer=new, subtotal=50)
    purchase(visit(at(9)), paid=at(11), customer=new, subtotal=20)
    assert lines_of(staff, "customers") == ["New,1,1,50.00", "Returning,2,2,50.00"]
    assert lines_of(staff, "customers", "period=today&device=mobile") == ["Returning,1,1,30.00"]


def test_imported_orders_that_name_no_customer_are_of_nobody_known(staff: Client) -> None:
    nobody = CustomerFactory.create(email=NOBODY)
    for ago in (50, 0, 0):
        purchase(None, paid=at(9) - timedelta(days=ago), customer=nobody, subtotal=10)
    assert lines_of(staff, "customers") == ["Nobody known,2,0,20.00"]


def test_a_shop_of_one_day_opens_on_today(staff: Client) -> None:
    visit(at(9))
    assert "<strong>Tue 10 Mar until 14:05</strong>" in page(staff)


def test_the_last_choice_is_remembered(staff: Client) -> None:
    visit(at(9) - timedelta(days=1))
    page(staff, "period=7&plot=sales&source=a%26b")
    answer = staff.get("/admin/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/?period=7&plot=sales&source=a%26b")


def test_the_report_of_an_imported_log_leads_to_its_days(staff: Client) -> None:
    visit(at(9) - timedelta(days=1))
    path = dashboard_of(date(2026, 3, 9)).removeprefix(settings.PUBLIC_URL)
    assert "<strong>Tue 10 Feb – Mon 9 Mar</strong>" in staff.get(path).content.decode()


def test_a_choice_that_somebody_made_up_leads_to_the_usual_page(staff: Client) -> None:
    staff.cookies["footfall_dashboard"] = "//evil.example"
    assert staff.get("/admin/").headers["Location"] == "/admin/?period=28"


def test_the_plotted_metric_stands_in_the_address(staff: Client) -> None:
    visit(at(9) - timedelta(days=1))
    assert "Sales by day" in page(staff, "plot=sales")


def test_filters_narrow_every_tile_and_stand_above_them(staff: Client) -> None:
    purchase(visit(at(9), utm_source="news", device="mobile"), paid=at(10), subtotal=77)
    visit(at(9), utm_source="news"), visit(at(11), device="mobile")
    text = page(staff, "period=today&source=news&device=mobile")
    assert "Source: <strong>news</strong>" in text
    assert '<span class="ff-card-value">1</span>' in text
    assert "Busiest: Tue 09:00: 1 visits, 0 orders" in text
    assert '/admin/?period=today&amp;device=mobile" aria-label="Without the filter Source: news"' in text
    assert "Goals are of the whole shop" in text


def test_a_value_leads_to_the_page_of_those_with_it(staff: Client) -> None:
    visit(at(9), utm_source="a&b")
    computed()
    assert "/admin/?period=today&amp;came=source&amp;source=a%26b" in page(staff, "period=today&came=source")


def test_tables_show_more_rows_when_asked(staff: Client) -> None:
    for number in range(10):
        visit(at(9), utm_source=f"source-{number}")
    computed()
    few, many = (page(staff, f"period=today&came=source{rows}") for rows in ("", "&rows=100"))
    assert ("source-8" in few, "source-9" in few, "source-9" in many) == (True, False, True)
    assert 'came=source">Show 9 rows</a>' in many
    assert 'rows=100&amp;came=source">Show 100 rows</a>' in few


def test_orders_of_no_visit_are_a_line_of_their_own(staff: Client) -> None:
    visit(at(9)), purchase(None, paid=at(9), subtotal=33)
    computed()
    assert '(no visit)</span></div></th><td class="ff-number">0</td><td class="ff-number">1</td>' in page(staff)


def test_orders_can_be_credited_to_the_first_touch(staff: Client) -> None:
    purchase(visit(at(9)), paid=at(9), first_touch={"channel": "paid"}, last_touch={"channel": "social"})
    text = page(staff, "credit=first")
    assert ">paid</a>" in text
    assert ">social</a>" not in text


def test_the_chart_has_a_sentence_and_a_table(staff: Client) -> None:
    for _ in range(3):
        visit(at(9) - timedelta(days=2))
    computed(at(9).date() - timedelta(days=2))
    text = page(staff)
    assert "Visits by day: most on Sunday 8 March with 3; 3 in 27 whole days, none in the period before." in text
    assert '<th scope="row" data-day="2026-03-08">Sun 8 Mar</th><td>3</td>' in text


def test_attention_names_what_there_is_to_those_who_may_see_it() -> None:
    visit(at(9))
    purchase(None, needs_attention="amount differs")
    DeadLetter.objects.create(entry={}, error="no such session")
    delivery_to(endpoint_at("https://a.example/"), status="dead", next_try_at=None, settled_at=NOW)
    seen = ("orders.view_order", "sessions_app.view_deadletter", "orders.view_webhookdelivery")
    may = logged_in(member("analytics.view_dailymetrics", *seen))
    assert "1 webhook was never taken" in page(may)
    assert "1 order needs attention" in page(may)
    assert "1 event was not stored (dead letters)" in page(may)
    assert "Needs attention" not in page(logged_in(member("analytics.view_dailymetrics")))


def test_there_is_no_attention_strip_when_nothing_needs_any(staff: Client) -> None:
    visit(at(9))
    assert "Needs attention" not in page(staff)


def test_a_new_shop_is_told_the_next_step(staff: Client) -> None:
    text = page(staff)
    assert "No visits yet" in text
    assert "http://testserver/tracker.js" in text


def test_a_quiet_period_says_so(staff: Client) -> None:
    visit(at(9) - timedelta(days=200))
    assert "Nothing happened in this period" in page(staff, "period=7")


@pytest.mark.parametrize("given", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</script><b>"])
def test_values_that_visitors_choose_are_shown_as_text(staff: Client, given: str) -> None:
    visit(at(9), utm_campaign=given, landing_page=given)
    computed()
    for text in (page(staff, "came=campaign"), page(staff, f"campaign={quote(given)}&came=landing_page")):
        assert given not in text
        assert escape(given) in text


def test_a_file_has_what_the_tile_shows_and_no_formula(staff: Client) -> None:
    purchase(visit(at(9), utm_campaign="=1+1", device="mobile"), paid=at(10), subtotal=77)
    visit(at(9), utm_campaign="=1+1")
    assert lines_of(staff, "came", "period=today&came=campaign&device=mobile") == ["'=1+1,1,1,77.00,100.00"]


@pytest.mark.parametrize("name", [tile.name for tile in TILES.values() if tile.lines])
def test_every_table_can_be_had_as_a_file(staff: Client, name: str) -> None:
    event(visit(at(9), country="GB"), "product_view", product_id=uuid4())
    purchase(visit(at(9)), paid=at(9), coupon_code="SPRING")
    computed()
    answer = staff.get(f"/admin/dashboard/{name}.csv?period=today")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}_2026-03-10_2026-03-10.csv"'
    assert len(answer.content.decode().splitlines()) > 1


@pytest.mark.parametrize("name", [tile.name for tile in TILES.values() if tile.lines])
def test_a_file_has_the_same_columns_whatever_is_in_it(staff: Client, name: str) -> None:
    address = f"/admin/dashboard/{name}.csv?period=today&who=country"
    empty = staff.get(address).content.decode().splitlines()[0]
    event(visit(at(9), country="GB"), "product_view", product_id=uuid4())
    purchase(visit(at(9)), paid=at(9), coupon_code="SPRING")
    computed()
    header, *lines = csv.reader(staff.get(address).content.decode().splitlines())
    assert ",".join(header) == empty
    assert {len(line) for line in lines} == {len(header)}


def test_the_hours_of_a_longer_day_have_the_columns_of_the_others(staff: Client, settings: LazySettings) -> None:
    """The hour that comes twice has none to be compared with; here it is the first one."""
    settings.SHOP_TIME_ZONE = "America/Havana"
    visit(at(9) - timedelta(days=200))
    query = "period=custom&from=2025-11-02&to=2025-11-02"
    header = staff.get(f"/admin/dashboard/chart.csv?{query}").content.decode().splitlines()[0]
    assert header.endswith("begins,value,is_over,compared_with,value_before")


@pytest.mark.parametrize(("currency", "sales"), [("GBP", "77.00"), ("VND", "77")])
def test_money_in_a_file_has_the_digits_of_its_currency(
    staff: Client, settings: LazySettings, currency: str, sales: str
) -> None:
    settings.SHOP_CURRENCY = currency
    refunded(purchase(visit(at(9)), paid=at(10), subtotal=77), 7, at(11))
    computed()
    cards = {line.split(",")[0]: line.split(",")[1] for line in lines_of(staff, "cards")}
    assert cards["total_sales"] == cards["average_order_value"] == sales
    assert sales in [line.split(",")[1] for line in lines_of(staff, "chart", "period=today&plot=sales")]
    assert [line.split(",")[1] for line in lines_of(staff, "money")][4:6] == [sales, sales.replace("77", "-7")]
    for name in ("came", "customers", "outcomes"):
        assert f",{sales}" in "\n".join(lines_of(staff, name))


def test_net_sales_below_nothing_that_rise_have_gone_up(staff: Client) -> None:
    before = at(9) - timedelta(days=9)
    order = purchase(None, placed_at=before, paid=before, subtotal=50)
    refunded(order, 30, at(9) - timedelta(days=7))
    refunded(order, 10, at(9))
    computed((NOW - timedelta(days=7)).date())
    assert "▲ +66.7 % up" in streamed(staff, "period=today", "money")["money"]


def test_a_note_on_a_day_is_on_the_chart_at_once() -> None:
    user = member("analytics.view_dailymetrics", "analytics.add_annotation")
    staff = logged_in(user)
    visit(at(9) - timedelta(days=40))
    streamed(staff, "period=7")
    form = {"day": "2026-03-07", "text": " Sale  <b>started</b>", "query": "period=7&plot=sales"}
    answer = staff.post("/admin/dashboard/notes", form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/?period=7&plot=sales")
    assert "<b>A</b> Sat 7 Mar: Sale &lt;b&gt;started&lt;/b&gt;" in page(staff, "period=7")
    assert 'style="left:50.0%" title="Sale &lt;b&gt;started' in page(staff, "period=7")
    assert Annotation.objects.get().made_by == user
    assert LogEntry.objects.get().user == user
    Annotation.objects.update(text="Sale over", changed_at=NOW + timedelta(seconds=1))
    assert "Sat 7 Mar: Sale over" in page(staff, "period=7")


@pytest.mark.parametrize("given", [{"day": "yesterday"}, {"text": " "}, {"text": "x" * 81}, {"day": "", "text": ""}])
def test_a_note_that_makes_no_sense_is_told_and_not_made(given: dict[str, str]) -> None:
    staff = logged_in(member("analytics.view_dailymetrics", "analytics.add_annotation"))
    visit(at(9))
    form = {"day": "2026-03-07", "text": "Sale", "query": "period=<b>"} | given
    text = staff.post("/admin/dashboard/notes", form, follow=True).content.decode()
    assert re.search("(Day|Text): (Enter a valid date|This field is required|Ensure this value)", text)
    assert not Annotation.objects.exists()


def test_notes_are_made_by_those_who_may(staff: Client) -> None:
    assert staff.post("/admin/dashboard/notes", {"day": "2026-03-07", "text": "Sale"}).status_code == 403
    assert staff.get("/admin/dashboard/notes").status_code == 405
    assert Client().post("/admin/dashboard/notes").status_code == 302


def test_the_chart_can_be_had_as_a_picture(staff: Client) -> None:
    visit(at(9))
    answer = staff.get("/admin/dashboard/chart.png?period=today&plot=unique")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="unique_2026-03-10_2026-03-10.png"'
    assert Image.open(BytesIO(answer.content)).format == "PNG"


@pytest.mark.parametrize("path", ["tiles?tiles=cards", "cards.csv", "chart.png"])
def test_figures_are_for_those_who_may_see_them(path: str) -> None:
    people = logged_in(member()), logged_in(UserFactory()), Client()
    assert [person.get(f"/admin/dashboard/{path}").status_code for person in people] == [403, 302, 302]


def test_a_file_of_nothing_is_not_found(staff: Client) -> None:
    assert [staff.get(f"/admin/dashboard/{name}.csv").status_code for name in ("attention", "nothing")] == [404, 404]


def test_tiles_that_are_kept_are_in_the_page_and_others_are_brought(staff: Client) -> None:
    visit(at(9))
    before = staff.get("/admin/?period=today").content.decode()
    assert before.count("data-wanted") == len(TILES)
    assert '<span class="ff-card-value">1</span>' in streamed(staff, "period=today")["cards"]
    after = staff.get("/admin/?period=today").content.decode()
    assert "data-wanted" not in after
    assert '<span class="ff-card-value">1</span>' in after


def test_a_tile_that_has_grown_old_is_shown_with_its_age_until_a_new_one_comes(staff: Client) -> None:
    visit(at(9))
    streamed(staff, "period=today")
    with time_machine.travel(NOW + timedelta(minutes=3), tick=False):
        text = staff.get("/admin/?period=today").content.decode()
    assert text.count("data-wanted") == len(TILES)
    assert "as of 14:05:00" in text


def test_what_is_kept_is_not_shown_to_those_who_may_see_less(staff: Client) -> None:
    visit(at(9))
    streamed(logged_in(member("analytics.view_dailymetrics", "sessions_app.view_visitorsession")), "period=today")
    assert "/admin/sessions_app/visitorsession/?" not in page(staff, "period=today")


def test_numbers_lead_to_the_records_behind_them() -> None:
    may = logged_in(member("analytics.view_dailymetrics", "sessions_app.view_visitorsession", "orders.view_order"))
    purchase(visit(at(9), utm_source="news"), paid=at(10)), visit(at(9), utm_source="news"), visit(at(9))
    cards = streamed(may, "period=today&source=news")["cards"]
    links = {name: link for link, name in re.findall(r'href="([^"]*)" aria-label="The records behind ([^"]*)"', cards)}
    listed = {name: may.get(unescape(link)).context["cl"].result_count for name, link in links.items()}
    visits, orders = {"Visits": 2, "Unique visitors": 2}, {"Orders": 1, "Sales": 1, "Average order": 1}
    assert listed == visits | {"Conversion": 1} | orders


def test_a_tile_that_the_database_refuses_says_so_and_leaves_the_others(staff: Client) -> None:
    visit(at(9))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE analytics_dailybreakdown RENAME TO gone")
    found = streamed(staff, "period=today")
    assert "could not be counted" in found["came"]
    assert "Try again" in found["came"]
    assert '<span class="ff-card-value">1</span>' in found["cards"]


def test_figures_that_are_late_say_how_old_they_are(staff: Client) -> None:
    visit(at(9))
    computed(now=NOW - timedelta(minutes=50))
    assert "figures of 50 minutes ago: the job that computes them is late" in unescape(page(staff))


WAITING = "3 days of these figures wait to be computed, from Sat 7 Mar 2026 on"
NOTED = ("cards", "chart", "funnel", "came", "saw", "who", "money", "week")


def all_days_but(*ago: int, **changes: bool) -> None:
    """Rows of the 70 days before today, but of these, or not as they should be."""
    states = {n: changes if n in ago else {"is_final": True} for n in range(1, 71)}
    DailyMetrics.objects.bulk_create(
        DailyMetrics(date=(NOW - timedelta(days=n)).date(), computed_at=NOW, **state)
        for n, state in states.items()
        if state
    )


@pytest.mark.parametrize("changes", [{}, {"is_final": False}, {"is_final": True, "is_dirty": True}])
def test_figures_in_which_days_are_missing_or_old_say_so(staff: Client, changes: dict[str, bool]) -> None:
    all_days_but(1, 2, 3, **changes)
    computed(now=NOW)
    found = streamed(staff, "period=7")
    assert {name for name in TILES if WAITING in found[name]} == set(NOTED)


def test_a_day_that_is_missing_of_those_compared_with_is_told_too(staff: Client) -> None:
    all_days_but(9)
    computed(now=NOW)
    assert "1 day of these figures waits to be computed, from Sun 1 Mar 2026" in streamed(staff, "period=7")["cards"]
    assert "to be computed" not in streamed(staff, "period=7&compare=none")["cards"]


@pytest.mark.parametrize(("minute", "is_told"), [(9, False), (20, True)])
def test_yesterday_may_wait_until_the_job_has_made_it_final(staff: Client, minute: int, is_told: bool) -> None:
    all_days_but(1, is_final=False)
    with time_machine.travel(at(0, minute), tick=False):
        assert ("to be computed" in streamed(staff, "period=7")["cards"]) == is_told


def test_days_before_the_first_one_of_the_shop_do_not_wait(staff: Client) -> None:
    computed((NOW - timedelta(days=1)).date(), now=NOW), computed(now=NOW)
    assert "to be computed" not in page(staff, "period=28")


def test_filtered_visits_wait_for_nothing(staff: Client) -> None:
    all_days_but(1)
    computed(now=NOW)
    assert "to be computed" not in page(staff, "period=7&device=mobile")


def test_a_period_of_which_no_day_was_computed_says_so(staff: Client) -> None:
    computed((NOW - timedelta(days=90)).date(), now=NOW)
    query = "period=custom&from=2026-03-01&to=2026-03-02&compare=previous"
    assert "4 days of these figures wait to be computed" in streamed(staff, query)["cards"]


def test_without_redis_everything_is_counted(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(at(9))
    monkeypatch.setattr(breaker, "closed_after", float("inf"))
    assert '<span class="ff-card-value">1</span>' in streamed(staff, "period=today")["cards"]
    assert '<span class="ff-card-value">1</span>' in page(staff, "period=today")


def test_page_and_tiles_cost_a_fixed_number_of_queries() -> None:
    user = member()
    user.user_permissions.set(Permission.objects.all())
    staff = logged_in(user)
    for ago in range(3):
        for _ in range(3):
            purchase(visit(at(9) - timedelta(days=ago)), paid=at(10) - timedelta(days=ago))
        computed(at(9).date() - timedelta(days=ago), now=NOW)
    streamed(staff)
    core_redis.call(lambda client: client.flushdb())
    with CaptureQueriesContext(connection) as queries:
        staff.get("/admin/?period=28")
        streamed(staff, "period=28")
    assert len(queries) == 24
    with CaptureQueriesContext(connection) as queries:
        staff.get("/admin/?period=28")
    assert len(queries) == 4


def test_the_page_as_it_is_sent_and_what_it_brings_of_ours_weigh_less_than_100_kb(staff: Client) -> None:
    for ago in range(3):
        purchase(visit(at(9) - timedelta(days=ago)), paid=at(10) - timedelta(days=ago))
    tiles = sum(len(html) for html in streamed(staff, "period=28").values())
    sent = staff.get("/admin/?period=28", headers={"accept-encoding": "gzip"})
    own = [Path(str(find(f"admin/{name}"))).stat().st_size for name in ("footfall.css", "dashboard.js", "focus.js")]
    assert sent.headers["Content-Encoding"] == "gzip"
    assert len(sent.content) + tiles + sum(own) < 100_000


def test_the_earlier_period_ends_where_this_one_begins(staff: Client) -> None:
    visit(at(9))
    assert '"/admin/?period=custom&amp;from=2026-02-25&amp;to=2026-03-03" rel="prev"' in page(staff, "period=7")


def test_a_day_that_is_over_is_shown_whole(staff: Client) -> None:
    visit(at(23, day=date(2025, 5, 18))), visit(at(9))
    text = page(staff, "period=custom&from=2025-05-18&to=2025-05-18")
    assert "<strong>Sun 18 May 2025</strong>" in text
    assert '<span class="ff-card-value">1</span>' in text
    assert '/admin/?period=custom&amp;from=2025-05-19&amp;to=2025-05-19" rel="next"' in text


def test_who_logs_in_without_having_been_sent_there_comes_to_the_dashboard() -> None:
    user = UserFactory(is_staff=True)
    answer = Client().post("/admin/login/", {"username": user.email, "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


@pytest.mark.parametrize(
    ("query", "is_told"), [("period=28&device=mobile", True), ("period=28", False), ("period=7&device=mobile", False)]
)
def test_a_filter_says_from_when_on_it_finds_visits(query: str, is_told: bool, staff: Client) -> None:
    visit(at(9)), visit(at(9, day=date(2026, 2, 20)))
    computed(date(2026, 2, 20))
    freeze_days(before=date(2026, 2, 21), now=NOW)
    assert ("Visits until 20 February 2026 are no longer kept" in page(staff, query)) is is_told


@pytest.mark.parametrize(
    ("wanted", "says"),
    [(1, "the one day that has a goal"), (2, "the 2 days that have a goal"), (7, "the whole of these days")],
)
def test_the_goal_says_of_which_days_it_is(staff: Client, wanted: int, says: str) -> None:
    for back in range(wanted):
        SalesGoal.objects.create(period="day", starts_on=DAY - timedelta(days=back), amount=100)
    assert f"of £{wanted}00.00, for {says}<" in streamed(staff, "period=7", "cards")["cards"]
