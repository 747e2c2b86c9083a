"""The invoice in a real browser: what it says, who may see it, and what is left of the page on paper."""

import re
from decimal import Decimal

import pytest
from django.conf import LazySettings
from playwright.sync_api import Page, expect

from tests.storefront.shopper import INVOICE_PAGE, ORDER_PAGE, open_order, order_mug, place_order
from tests.storefront.stub_account import PLACE, Refused
from tests.storefront.stub_api import ORDER_ID, StubShop

pytestmark = pytest.mark.browser
BLOCKED = "Storage.prototype.setItem = () => { throw new Error('blocked'); };"
IN_SIGHT = """() => [...document.querySelectorAll("header, nav, footer, button, a, #consent")]
  .filter((node) => node.checkVisibility()).map((node) => node.textContent.trim())"""


@pytest.fixture
def paid(page: Page, shop: StubShop) -> None:
    """An order that is paid, on its page."""
    order_mug(page)
    shop.close("success", "completed")
    open_order(page)
    expect(page.locator("#order-title")).to_have_text("Thank you. It is paid.")


def shown(page: Page) -> str:
    expect(page.locator("#invoice")).to_be_visible()
    return page.locator("#invoice").inner_text()


@pytest.mark.usefixtures("paid")
def test_paid_order_leads_to_its_invoice(page: Page) -> None:
    page.get_by_role("link", name="Invoice").click()
    expect(page).to_have_url(re.compile(f"{INVOICE_PAGE}$"))
    for said in ("ORD-7K2M9QX4TB", "1 January 2026", "Ada Byron", "12 St James's Square", "Mug, hand made", "SKU-001"):
        assert said in shown(page)
    expect(page).to_have_title(re.compile("Invoice ORD-7K2M9QX4TB"))


@pytest.mark.usefixtures("paid")
def test_lines_and_sums_are_those_of_the_order(page: Page, shop: StubShop) -> None:
    summary = shop.order["summary"]
    shop.order |= {"refundedAmount": "4.00", "couponCode": "WELCOME10"}
    page.goto(INVOICE_PAGE)
    expect(page.locator("#invoice-items td")).to_have_text(["Mug, hand madeSKU-001", "£19.50", "1", "£19.50"])
    rows = page.locator("#invoice-sums .sum-row")
    expect(rows).to_contain_text(["Subtotal", "Discount WELCOME10", "Delivery (Standard)", "VAT 10 %", "Total", "Paid"])
    expect(rows.last).to_have_text("Refunded−£4.00")
    assert f"£{Decimal(summary['total'])}" in shown(page)


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"taxIncluded": True}, "Prices include tax. All amounts are in GBP."),
        ({"taxIncluded": False}, "Prices are without tax; it is added to them. All amounts are in GBP."),
        ({"taxAmount": "0.00", "taxLines": []}, "No tax was charged. All amounts are in GBP."),
    ],
)
def test_invoice_says_whether_prices_include_tax(
    page: Page, shop: StubShop, change: dict[str, object], said: str
) -> None:
    shop.order["summary"] |= change
    page.goto(INVOICE_PAGE)
    expect(page.locator("#invoice-note")).to_have_text(said)


@pytest.mark.usefixtures("paid")
def test_bill_and_parcel_to_different_places_are_both_said(page: Page, shop: StubShop) -> None:
    page.goto(INVOICE_PAGE)
    assert "Deliver to" not in shown(page)
    shop.order["addresses"]["billing"] = PLACE | {"line1": "7 Low Lane", "city": "Leeds"}
    page.reload()
    expect(page.locator("#invoice-billing")).to_contain_text("7 Low Lane")
    expect(page.locator("#invoice-shipping")).to_contain_text("12 St James's Square")


@pytest.mark.usefixtures("paid")
def test_seller_is_the_shop_with_its_address_and_tax_number(page: Page, settings: LazySettings) -> None:
    settings.SHOP_NAME, settings.SHOP_ADDRESS, settings.SHOP_TAX_ID = "Quiet & Co", "1 High Street\nLondon", "GB 1"
    page.goto(INVOICE_PAGE)
    lines = [line for line in shown(page).splitlines() if line]
    seller = lines.index("Seller")
    assert lines[seller + 1 : seller + 5] == ["Quiet & Co", "1 High Street", "London", "Tax number GB 1"]


@pytest.mark.usefixtures("paid")
def test_date_is_the_shops_day_wherever_it_is_printed(page: Page, shop: StubShop, settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Asia/Ho_Chi_Minh"
    shop.order["paidAt"] = "2026-01-01T18:30:00Z"
    page.goto(INVOICE_PAGE)
    expect(page.locator("#invoice-date")).to_have_text("2 January 2026")


def test_unpaid_order_has_no_invoice(page: Page) -> None:
    place_order(page)
    page.goto(INVOICE_PAGE)
    expect(page.get_by_text("There is no invoice for order ORD-7K2M9QX4TB: it has not been paid.")).to_be_visible()
    expect(page.locator("#invoice")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    page.get_by_role("link", name="Go to the order").click()
    expect(page).to_have_url(re.compile(f"{ORDER_PAGE}$"))


def test_invoice_of_somebody_else_is_not_found(page: Page) -> None:
    page.goto(INVOICE_PAGE)
    expect(page.get_by_text("This order cannot be shown in this browser.")).to_be_visible()
    expect(page.locator("#invoice")).to_be_hidden()


@pytest.mark.usefixtures("paid")
def test_failure_offers_another_try(page: Page, shop: StubShop) -> None:
    shop.refuse_next("show_order", Refused(503, "NOT_READY"))
    page.goto(INVOICE_PAGE)
    page.get_by_role("button", name="Try again").click()
    assert "ORD-7K2M9QX4TB" in shown(page)


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize("script", ["", BLOCKED], ids=["kept", "browser keeps nothing"])
def test_token_goes_from_the_order_to_the_invoice_in_no_address(page: Page, shop: StubShop, script: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("localStorage.clear()")
    page.add_init_script(script or ";")
    page.goto("/shop/")
    page.goto(f"{ORDER_PAGE}#token=from-the-mail")
    with page.expect_request(re.compile(f"/api/v1/orders/{ORDER_ID}")) as answered:
        page.get_by_role("link", name="Invoice").click()
    assert answered.value.headers["x-order-token"] == "from-the-mail"
    assert "ORD-7K2M9QX4TB" in shown(page)
    assert page.url.endswith(INVOICE_PAGE)
    assert [address for address in asked if "from-the-mail" in address.split("#")[0]] == []


@pytest.mark.usefixtures("paid")
def test_paper_has_the_invoice_and_nothing_to_click(page: Page, shop: StubShop) -> None:
    shop.consent = None
    page.goto(INVOICE_PAGE)
    assert "ORD-7K2M9QX4TB" in shown(page)
    page.emulate_media(media="print")
    assert page.evaluate(IN_SIGHT) == []
    expect(page.get_by_role("heading", name="Invoice", exact=True)).to_be_visible()


@pytest.mark.usefixtures("paid")
def test_invoice_of_a_few_lines_is_one_page(page: Page, shop: StubShop) -> None:
    shop.order["items"] = shop.order["items"] * 8
    page.goto(INVOICE_PAGE)
    assert "ORD-7K2M9QX4TB" in shown(page)
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) == 1


@pytest.mark.usefixtures("paid")
def test_nothing_of_the_invoice_is_wider_than_a_phone(page: Page, shop: StubShop) -> None:
    long = {"name": "Blanket of undyed wool, woven in small numbers", "unitPrice": "1096.50", "lineTotal": "131580.00"}
    shop.order["items"] = [shop.order["items"][0] | long]
    page.goto(INVOICE_PAGE)
    assert "£131,580.00" in shown(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
