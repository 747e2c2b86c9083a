"""Every block of README and docs is run by somebody, or says why not: a new one cannot be forgotten."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError

from catalog.models import Product
from config.embedded import PROJECT
from core.clock import now
from customers.services import create_token
from orders.models import Order
from sessions_app.models import VisitorSession
from tests.analytics.staff import member
from tests.catalog import files as products
from tests.docs.pages import Block, blocks, blocks_of
from tests.docs.shell import Desk
from tests.docs.test_promises import is_there
from tests.factories import CustomerFactory, OrderFactory
from tests.orders import files as orders
from tests.sessions_app.logs import line, log_of

FIGURES = "analytics.view_dailymetrics"
STORY, OF_EVENTS = "tests/docs/test_storefront_guide.py", "tests/docs/test_events_guide.py"
RUN_BY = {
    ("docs/storefront.md", "http"): f"{STORY}::test_every_request_is_answered_as_shown_and_by_the_schema",
    ("docs/storefront.md", "html"): f"{STORY}::test_on_the_same_site_script_and_calls_share_a_session_by_cookie",
    ("docs/storefront.md", "js"): f"{STORY}::test_on_another_site_the_token_keeps_script_and_calls_together",
    ("docs/storefront.md", "python"): f"{STORY}::test_django_begins_a_session_with_what_the_visitor_shows",
    ("docs/events.md", "json"): f"{OF_EVENTS}::test_every_topic_is_in_the_guide",
    (
        "docs/events.md",
        "python",
    ): f"{OF_EVENTS}::test_the_example_verifies_what_is_sent_and_nothing_else",
    ("docs/events.md", "redis"): f"{OF_EVENTS}::test_the_stream_is_read_as_the_example_says",
    ("docs/providers.md", "python"): "tests/orders/test_providers.py::test_by_the_guides_provider_an_order_is_paid",
}
"""Blocks of a page in a language, and the test that runs them. Those of `sh` are run here, `text` is nothing to run."""
SHOPIFY = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Shipping,Taxes,Total,Discount Amount,Created at,\
Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Refunded Amount,Shipping Country
#1001,ada@example.com,paid,2026-01-02 10:00:05 +0000,fulfilled,GBP,4.00,5.67,34.00,0.00,2026-01-02 10:00:00 +0000,\
3,Mug,10.00,MUG,10.00,GB
"""
INVOICES = """\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,71053,WHITE LANTERN,2,12/1/10 8:26,3.39,17850,United Kingdom
C536379,71053,WHITE LANTERN,-1,12/2/10 9:41,3.39,17850,United Kingdom
"""


def unaccounted(found: list[Block]) -> list[str]:
    """Blocks that nobody runs and that do not say why."""
    return [
        f"{block}: {block.language or 'no language'}"
        for block in found
        if not block.reason
        and block.language not in ("sh", "text")
        and (str(block).rpartition(":")[0], block.language) not in RUN_BY
    ]


SHELL = [block for block in blocks() if block.language == "sh" and not block.reason]


def test_each_block_is_run_or_says_why_not() -> None:
    """Write `<!-- not run: why -->` on the line before it, or the language `text` if there is nothing to run."""
    assert unaccounted(blocks()) == []


def test_who_is_said_to_run_them_is_there_and_has_something_to_run() -> None:
    assert [test for test in RUN_BY.values() if not is_there(test)] == []
    there = {(str(block).rpartition(":")[0], block.language) for block in blocks()}
    assert sorted(RUN_BY.keys() - there) == []


@pytest.fixture
def desk(db: None, tmp_path: Path) -> Desk:
    """A folder with the files that guides name, and a shop with the order and the customer."""
    OrderFactory.create(
        number="ORD-MCYNPQNX4R", status="cancelled", customer=CustomerFactory.create(email="ada@example.com")
    )
    (tmp_path / "products.csv").write_bytes(products.csv_of({"sku": "MUG"}, {"sku": "TEA"}))
    (tmp_path / "orders.csv").write_bytes(orders.csv_of({}, {}))
    (tmp_path / "orders_export.csv").write_text(SHOPIFY)
    (tmp_path / "invoices.csv").write_text(INVOICES)
    log_of(tmp_path / "access.log", [line(60)])
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress(line() + b"\n"))
    return Desk(tmp_path, {}, {"/var/log/nginx": str(tmp_path)})


@pytest.mark.django_db
@pytest.mark.parametrize("block", [block for block in SHELL if "curl" not in block.text], ids=str)
def test_its_commands_do_what_they_are_there_for(block: Block, desk: Desk) -> None:
    desk.run(block.text)
    made = {
        "import_products": Product.objects.all(),
        "import_orders": Order.objects.all(),
        "import_access_log": VisitorSession.objects.all(),
    }
    assert [name for name, rows in made.items() if name in block.text and not rows.exists()] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("block", [block for block in SHELL if "curl" in block.text], ids=str)
def test_its_requests_are_answered(block: Block, desk: Desk, live_server: object) -> None:
    owner = member(FIGURES)
    _token, text = create_token(
        user=owner, name="a sheet", scopes=[FIGURES], expires_at=now() + timedelta(days=1), now=now()
    )
    desk.variables["FOOTFALL_TOKEN"], desk.instead["https://shop.example"] = text, str(live_server)
    desk.run(block.text)


# Controls -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["", "bash", "console", "http", "python"])
def test_control_a_block_of_nobody_is_noticed(language: str) -> None:
    page = PROJECT / "docs" / "ops.md"
    (block,) = blocks_of(page, f"Then:\n\n```{language}\nmake run\n```\n")
    assert unaccounted([block]) == [f"docs/ops.md:3: {language or 'no language'}"]
    (marked,) = blocks_of(page, f"Then:\n\n<!-- not run: it is long -->\n```{language}\nmake run\n```\n")
    assert unaccounted([marked]) == []


@pytest.mark.parametrize("text", ["~~~sh\nmake run\n~~~\n", "```sh\nmake run\n", "- one\n  ```sh\n  make run\n```\n"])
def test_control_a_block_that_cannot_be_read_is_noticed(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        list(blocks_of(PROJECT / "README.md", text))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("python manage.py import_orders orders.csv --decimal-coma", "unrecognized arguments"),
        ('make manage CMD="import_orders nothing.csv"', "nothing.csv"),
        ("python manage.py import_order orders.csv", "Unknown command"),
        ("make mange CMD=check", "No rule"),
        ("python -m this", "nobody here runs"),
        ("sudo systemctl restart footfall", "not found"),
        ("ls", "not found"),
        ("curl http://127.0.0.1:9/api/v1/health", "exit code"),
        ("for", "exit code"),
    ],
)
def test_control_a_command_that_does_not_work_is_noticed(text: str, wrong: str, desk: Desk) -> None:
    with pytest.raises((CommandError, AssertionError), match=wrong):
        desk.run(text)
