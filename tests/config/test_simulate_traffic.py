"""The simulated crowd: the same seed sends the same people, and the shop has seen what they did."""

import json
import signal
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Callable, Iterator
from io import StringIO
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db.models import Sum
from pytest_django.live_server_helper import LiveServer

from checkout.models import CheckoutSession
from config.management.commands import simulate_traffic as command
from config.traffic import crowd, tables
from config.traffic.crowd import Run, send_in, traffic
from config.traffic.population import Visitor, arrival_gaps, population
from config.traffic.tally import Tally
from orders.models import Order, PaymentAttempt
from orders.providers import calls as billing_client
from sessions_app import ingest
from sessions_app.agents import parse
from sessions_app.channels import Utm, classify, referrer_host
from sessions_app.models import ConsentRecord, CrawlerDay, DeadLetter, SessionEvent, VisitorSession
from tests.billing_sandbox.conftest import wait_for_webhooks
from tests.billing_server import BillingService, close_client
from tests.factories import CouponFactory, ProductFactory, ShippingMethodFactory, TaxRateFactory

SEED = 1199
"""Its first 15 are bots and people who pay, decline, cancel and leave."""
VISITORS = 15


def people(number: int = 4_000, seed: int = 7) -> list[Visitor]:
    return [one for one in islice(population(seed=seed), number) if not one.is_bot]


def shares(words: Callable[[Visitor], str]) -> dict[str, float]:
    found = people()
    return {word: count / len(found) for word, count in Counter(map(words, found)).items()}


# Who comes ----------------------------------------------------------------------------------------------------------


def test_the_same_seed_sends_the_same_people() -> None:
    assert list(islice(population(seed=3), 200)) == list(islice(population(seed=3), 200))


def test_another_seed_sends_others() -> None:
    assert list(islice(population(seed=3), 5)) != list(islice(population(seed=4), 5))


def test_more_visitors_begin_with_the_same_ones() -> None:
    assert list(islice(population(seed=3), 50)) == list(islice(population(seed=3), 100))[:50]


def test_more_than_half_of_the_people_come_with_a_phone() -> None:
    assert shares(lambda one: one.device)["mobile"] == pytest.approx(0.55, abs=0.03)


def test_bots_are_a_few_of_all() -> None:
    bots = sum(one.is_bot for one in islice(population(seed=7), 4_000)) / 4_000
    assert bots == pytest.approx(tables.BOTS, abs=0.015)


@pytest.mark.parametrize(("choice", "share"), [("granted", 0.48), ("denied", 0.2), ("ignored", 0.24), ("gpc", 0.08)])
def test_consent_as_the_table_says(choice: str, share: float) -> None:
    assert shares(lambda one: one.consent)[choice] == pytest.approx(share, abs=0.03)


def test_every_channel_and_country_is_there() -> None:
    assert set(shares(lambda one: one.channel)) == {channel.name for channel in tables.CHANNELS}
    assert set(shares(lambda one: one.country)) == {country.code for country in tables.COUNTRIES}


def test_the_funnel_narrows() -> None:
    everybody = people()
    stays = [one.plan for one in everybody if not one.plan.bounces]
    carts = [plan for plan in stays if plan.cart]
    tills = [plan.checkout for plan in carts if plan.checkout]
    orders = [till for till in tills if till.orders]
    assert len(everybody) > len(stays) > len(carts) > len(tills) > len(orders) > 0.02 * len(everybody)


def test_who_bounces_does_nothing_else() -> None:
    assert all(
        not (plan.cart or plan.checkout or plan.search) for plan in (one.plan for one in people()) if plan.bounces
    )


def test_addresses_are_of_the_country() -> None:
    blocks = {country.code: country.blocks for country in tables.COUNTRIES}
    for one in people(500):
        address = ip_address(one.ip)
        assert address.is_global
        assert any(address in ip_network(block) for block in blocks[one.country])
        assert one.person.address["country"] == one.country


@pytest.mark.parametrize("agent", tables.AGENTS, ids=range(len(tables.AGENTS)))
def test_a_persons_browser_is_what_the_table_says(agent: tables.Agent) -> None:
    parsed = parse(agent.name)
    assert (parsed.device, parsed.is_bot) == (agent.device, False)


@pytest.mark.parametrize("name", [name for _weight, name in tables.CRAWLERS])
def test_a_crawler_is_known_as_one(name: str) -> None:
    assert parse(name).is_bot


def test_the_shop_sees_the_channel_that_was_meant() -> None:
    for one in people(500):
        host = referrer_host(one.referrer)
        seen = classify(referrer_host=host, utm=Utm.from_query(one.query))
        assert seen == one.channel


def test_arrivals_come_at_the_rate_and_not_in_step() -> None:
    gaps = list(islice(arrival_gaps(rate=10, seed=7), 4_000))
    assert sum(gaps) / len(gaps) == pytest.approx(0.1, rel=0.05)
    assert min(gaps) < 0.001 < 0.3 < max(gaps)


# What is counted ----------------------------------------------------------------------------------------------------


def test_percentiles_are_of_all_answers() -> None:
    tally = Tally()
    assert tally.percentile(0.5) is None
    for milliseconds in range(1, 101):
        tally.answered(200, milliseconds / 1000)
    assert tally.percentile(0.5) == pytest.approx(51)
    assert tally.percentile(0.95) == pytest.approx(96)


def test_of_each_problem_the_first_message_is_kept() -> None:
    tally = Tally()
    tally.problem("409 OUT_OF_STOCK", "first")
    tally.problem("409 OUT_OF_STOCK", "second")
    assert (tally.problems["409 OUT_OF_STOCK"].count, tally.problems["409 OUT_OF_STOCK"].first) == (2, "first")


@pytest.mark.parametrize(("status", "failed"), [(200, False), (302, False), (409, False), (429, False), (500, True)])
def test_an_answer_of_500_is_a_failure_and_a_refusal_is_none(status: int, failed: bool) -> None:
    tally = Tally()
    tally.answered(status, 0.1)
    assert tally.failed is failed


def test_no_answer_is_a_failure() -> None:
    tally = Tally()
    tally.not_answered("gone")
    assert (tally.failed, tally.requests) == (True, 1)


# The command line ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "x", ""])
def test_a_rate_is_above_nothing(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        command.positive(text)


@pytest.mark.parametrize(
    "text", ["localhost:8000", "ftp://localhost", "http://", "http://localhost/shop", "http://a?b"]
)
def test_an_address_is_that_of_a_shop(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        command.address(text)


def test_a_closing_slash_is_forgiven() -> None:
    assert command.address("http://localhost:8000/") == "http://localhost:8000"


# Against a shop -----------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(transactional_db: None, live_server: LiveServer, settings: LazySettings) -> Iterator[str]:
    """A shop that answers over HTTP, with the sandbox as its billing service."""
    settings.TRUSTED_PROXY_COUNT = 1  # each visitor has an address of their own
    settings.BILLING_URL = settings.PUBLIC_URL = live_server.url
    settings.BILLING_SANDBOX_WEBHOOK_URL = f"{live_server.url}/api/v1/billing/webhook"
    settings.BILLING_RETURN_URL = f"{live_server.url}/shop/orders/{{order_id}}"
    for _ in range(4):
        ProductFactory(stock_quantity=1_000)
    ShippingMethodFactory()
    TaxRateFactory()
    CouponFactory(code="WELCOME10")
    billing_client.client.cache_clear()
    billing_client.client()
    yield live_server.url
    wait_for_webhooks()
    close_client()


def simulate(url: str, *words: str) -> dict[str, Any]:
    stdout = StringIO()
    arguments = ("--url", url, "--pace", "0", "--rate", "1000", "--at-once", "3", "--seed", str(SEED), "--json")
    call_command("simulate_traffic", *arguments, *words, stdout=stdout, stderr=StringIO())
    found: dict[str, Any] = json.loads(stdout.getvalue())
    return found


def test_the_shop_has_seen_what_the_crowd_says_it_did(shop: str) -> None:
    told = simulate(shop, "--visitors", str(VISITORS))
    wait_for_webhooks()
    ingest.flush(consumer="test")
    plans = [one.plan.checkout for one in islice(population(seed=SEED), VISITORS) if not one.is_bot]
    payments = [action for till in plans if till and till.orders for action in till.payments]
    assert told["people"] == VisitorSession.objects.count()
    assert told["pageViews"] == VisitorSession.objects.aggregate(sum=Sum("page_views"))["sum"]
    assert told["events"] == SessionEvent.objects.filter(source="script").count()
    assert told["crawlerPageViews"] == CrawlerDay.objects.aggregate(sum=Sum("page_views"))["sum"]
    assert told["carts"] == VisitorSession.objects.filter(cart_additions__gt=0).count()
    assert told["checkouts"] == CheckoutSession.objects.count()
    assert told["orders"] == Order.objects.count() == sum(bool(till and till.orders) for till in plans)
    assert told["paid"] == Order.objects.filter(status="success").count() == payments.count("pay")
    assert told["declined"] == PaymentAttempt.objects.filter(status="failure").count() == payments.count("decline")
    assert not DeadLetter.objects.exists()


def test_visits_have_the_channels_devices_and_consent_of_the_crowd(shop: str) -> None:
    simulate(shop, "--visitors", str(VISITORS))
    ingest.flush(consumer="test")
    came = people(VISITORS, SEED)
    rows = VisitorSession.objects.all()
    assert Counter(row.channel for row in rows) == Counter(one.channel for one in came)
    assert Counter(row.device for row in rows) == Counter(one.device for one in came)
    said = {"granted": "granted", "denied": "denied", "ignored": "unknown", "gpc": "denied"}
    assert Counter(row.consent for row in rows) == Counter(said[one.consent] for one in came)
    assert ConsentRecord.objects.count() == sum(one.consent in ("granted", "denied") for one in came)


def test_a_second_run_of_the_same_people_counts_again(shop: str) -> None:
    first = simulate(shop, "--visitors", "4")
    simulate(shop, "--visitors", "4")
    ingest.flush(consumer="test")
    assert SessionEvent.objects.filter(source="script").count() == 2 * first["events"]


def test_nobody_new_comes_after_the_duration(shop: str) -> None:
    told = simulate(shop, "--duration", "0.5", "--rate", "10")
    expected = 0
    due = 0.0
    for gap in arrival_gaps(rate=10, seed=SEED):
        due += gap
        if due > 0.5:
            break
        expected += 1
    assert 1 <= told["visitors"] <= expected


def test_people_see_a_table(shop: str) -> None:
    stdout = StringIO()
    call_command("simulate_traffic", "--url", shop, "--pace", "0", "--visitors", "1", stdout=stdout, stderr=StringIO())
    assert "Page views by the script" in stdout.getvalue()


def test_a_shop_that_fails_is_told_and_fails_the_command(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.api.find_product", lambda _slug: 1 / 0)
    stdout = StringIO()
    with pytest.raises(CommandError, match="The shop failed") as caught:
        call_command(
            "simulate_traffic", "--url", shop, "--pace", "0", "--visitors", "6", "--json", stdout=stdout
        )  # fmt: skip
    assert caught.value.returncode == 1
    problems = {problem["kind"]: problem for problem in json.loads(stdout.getvalue())["problems"]}
    assert "/storefront/products/" in problems["500 INTERNAL_ERROR"]["first"]


@pytest.fixture
def _heard() -> Iterator[None]:
    """Ctrl-C is heard also by tests that run in the background of a shell, which has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heard")
def test_ctrl_c_stops_at_once_and_tells_what_was_done(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def until_the_second_has_left(run: Run, tally: Tally, _reached: Any) -> None:
        await traffic(run, tally, lambda visitors: signal.raise_signal(signal.SIGINT) if visitors == 2 else None)

    monkeypatch.setattr(command, "traffic", until_the_second_has_left)
    stdout = StringIO()
    with pytest.raises(CommandError, match="Stopped") as caught:
        call_command("simulate_traffic", "--url", shop, "--pace", "0", "--json", stdout=stdout, stderr=StringIO())
    assert caught.value.returncode == 130
    told = json.loads(stdout.getvalue())
    assert told["stopped"]
    assert told["visitors"] in range(2, 10)  # some may leave in the same moment


def test_no_more_than_so_many_are_there_together(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there = most = 0

    async def counted(*given: Any) -> None:
        nonlocal there, most
        there += 1
        most = max(most, there)
        await send_in(*given)
        there -= 1

    monkeypatch.setattr(crowd, "send_in", counted)
    simulate(shop, "--visitors", "8", "--at-once", "2")
    assert most == 2


def test_where_no_shop_answers_nobody_is_sent() -> None:
    with pytest.raises(CommandError, match="does not answer like a shop"):
        simulate("http://127.0.0.1:9")


def test_nobody_pays_anywhere_but_in_the_sandbox(shop: str, billing: BillingService) -> None:
    told = simulate(shop, "--visitors", str(VISITORS))
    assert (told["paid"], told["declined"], billing.calls["open"]) == (0, 0, told["orders"])
    assert "pay page is not the sandbox's" in [problem["kind"] for problem in told["problems"]]
