"""The demo shop in a real browser, on a phone, over the stub API."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.storefront.shopper import COUNT_QUESTIONS, ORDER_PAGE, add_to_cart, confirm_button, fill_address, open_wholly
from tests.storefront.stub_account import HOME, PLACE, Refused
from tests.storefront.stub_api import KINDS, StubShop

pytestmark = pytest.mark.browser

PAGES = [
    *("/shop/", "/shop/products/mug", "/shop/cart", "/shop/checkout", "/shop/orders", ORDER_PAGE),
    *("/shop/account", "/shop/account/addresses", "/shop/account/data"),
    *("/shop/account/register", "/shop/account/forgotten", "/shop/account/reset#token", "/shop/account/verify#token"),
]


def test_a_purchase_from_the_list_to_the_paid_order(page: Page, shop: StubShop) -> None:
    page.goto("/shop/")
    page.get_by_role("link", name="Mug, hand made").click()
    expect(page.get_by_role("heading", name="Mug, hand made")).to_be_visible()
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="View cart").click()
    expect(page.locator("#cart-subtotal")).to_have_text("£39.00")
    page.get_by_role("link", name="Go to checkout").click()
    fill_address(page)
    page.get_by_role("button", name="Continue to delivery").click()
    expect(page.locator("#step-shipping-title")).to_be_focused()
    page.get_by_role("radio", name=re.compile("Express")).check()
    expect(page.locator("#summary")).to_contain_text("£18.00")
    page.get_by_role("button", name="Continue to review").click()
    expect(page.locator("#step-review-title")).to_be_focused()
    page.get_by_label("Discount code (optional)").fill("welcome10")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#summary")).to_contain_text("−£3.90")
    expect(confirm_button(page)).to_have_text("Order and pay £58.41")
    confirm_button(page).click()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile(ORDER_PAGE))
    expect(page.locator("#countdown")).to_have_text(re.compile(r"12:3\d"))
    expect(page.get_by_role("link", name="Pay now")).to_have_attribute("href", f"{shop.base}/pay")
    shop.close("success", "completed")
    expect(page.locator("#order-title")).to_have_text("Thank you. It is paid.")
    expect(page.locator("#order-title")).to_be_focused()
    expect(page.locator("#cart-count")).to_be_hidden()
    sent = shop.bodies("/checkout/confirm-order")[0]
    assert sent["expectedTotal"] == "58.41"
    assert sent["shippingAddress"]["postalCode"] == "SW1Y 4JH"


@pytest.mark.parametrize("language", ["en", "vi"])
def test_no_page_scrolls_sideways(page: Page, shop: StubShop, language: str) -> None:
    page.add_init_script(COUNT_QUESTIONS)
    page.goto(f"/shop/?lang={language}")
    page.evaluate("localStorage.setItem('shop.loggedIn', 'true')")
    shop.logged_in, shop.account["addresses"] = True, [HOME]
    put_into_cart(page)
    shop.initiate({}, {"cartItems": [{"productId": shop.products[0]["id"], "quantity": 1}]})
    shop.place_order({"email": "a@example.com", "shippingAddress": PLACE}, shop.summary())
    for address in PAGES:
        open_wholly(page, address)
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 740})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)


def put_into_cart(page: Page) -> None:
    page.goto("/shop/products/plant-pot")
    page.locator("#add-form button").click()
    expect(page.locator("#added")).to_be_visible()


# The list


def test_load_more_goes_on_at_the_first_new_product(page: Page) -> None:
    page.goto("/shop/")
    expect(page.locator(".card")).to_have_count(8)
    page.get_by_role("button", name="Load more").click()
    expect(page.locator(".card")).to_have_count(len(KINDS))
    expect(page.locator(".card a").nth(8)).to_be_focused()
    expect(page.get_by_role("button", name="Load more")).to_be_hidden()


def test_search_is_counted_and_stands_in_the_address(page: Page) -> None:
    page.goto("/shop/")
    page.get_by_label("Search").fill("vase")
    page.keyboard.press("Enter")
    expect(page.locator("#result-count")).to_have_text("1 product")
    assert "search=vase" in page.url
    assert page.evaluate("window.tracked") == [["search", {"metadata": {"query": "vase"}}]]
    page.go_back()
    expect(page.locator(".card")).to_have_count(8)


def test_category_narrows_the_list(page: Page) -> None:
    page.goto("/shop/")
    page.get_by_label("Category").select_option("Kitchen")
    expect(page.locator(".card")).to_have_count(6)
    expect(page.locator("#result-count")).to_have_text("6 products")


def test_search_without_result_says_so_and_offers_everything(page: Page) -> None:
    page.goto("/shop/?search=unobtainium&category=kitchen")
    expect(page.locator("#result-count")).to_contain_text("Nothing in this category was found for “unobtainium”.")
    page.get_by_role("link", name="Show all products").click()
    expect(page.locator(".card")).to_have_count(8)
    expect(page.get_by_role("link", name="Show all products")).to_be_hidden()


def test_empty_category_can_be_left(page: Page) -> None:
    page.goto("/shop/")
    page.get_by_label("Category").select_option("In the garden")
    expect(page.locator("#result-count")).to_have_text("There is nothing in this category just now.")
    page.get_by_label("Category").select_option("")
    expect(page.locator(".card")).to_have_count(8)


def test_too_many_requests_say_when_to_try_again(page: Page, shop: StubShop) -> None:
    shop.refuse_next("list_products", Refused(429, "RATE_LIMITED", wait=20))
    page.goto("/shop/")
    expect(page.locator(".notice")).to_contain_text("Please try again in 20 seconds.")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".card")).to_have_count(8)


# Product and cart


def test_product_tells_the_tracker_what_is_looked_at_and_added(page: Page, shop: StubShop) -> None:
    add_to_cart(page, "mug")
    product_id = shop.products[0]["id"]
    assert page.evaluate("window.tracked") == [
        ["product_view", {"productId": product_id}],
        ["add_to_cart", {"productId": product_id, "metadata": {"quantity": 1}}],
    ]


def test_more_than_is_left_cannot_be_added(page: Page) -> None:
    page.goto("/shop/products/teapot")
    page.get_by_label("Quantity").fill("4")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_text("Only 3 left.")).to_be_visible()
    expect(page.get_by_label("Quantity")).to_be_focused()
    expect(page.locator("#cart-count")).to_be_hidden()


def test_removing_a_line_moves_the_focus_to_its_neighbour(page: Page) -> None:
    add_to_cart(page, "mug")
    add_to_cart(page, "lamp")
    page.goto("/shop/cart")
    page.get_by_role("button", name="Remove Mug, hand made").click()
    expect(page.get_by_role("button", name="Remove Lamp, hand made")).to_be_focused()
    page.get_by_role("button", name="Remove Lamp, hand made").click()
    expect(page.locator("#cart-title")).to_be_focused()
    expect(page.get_by_text("Nothing in it yet.")).to_be_visible()


def test_cart_works_where_the_browser_refuses_storage(page: Page) -> None:
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused'); }})")
    add_to_cart(page, "mug")
    expect(page.locator("#cart-count")).to_have_text("1")


# Every page


def test_consent_is_asked_once_and_can_be_changed(page: Page, shop: StubShop) -> None:
    page.goto("/shop/")
    page.get_by_role("button", name="No, thank you").click()
    expect(page.locator("#consent")).to_be_hidden()
    assert shop.consent is False
    page.reload()
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator("#consent")).to_be_hidden()
    page.get_by_role("button", name="Privacy choices").click()
    expect(page.locator("#consent-title")).to_be_focused()
    page.get_by_role("button", name="Yes, count it").click()
    expect(page.get_by_role("button", name="Privacy choices")).to_be_focused()
    assert shop.consent is True


def test_both_answers_to_consent_are_of_one_size(page: Page) -> None:
    page.goto("/shop/")
    boxes = [button.bounding_box() for button in page.locator(".consent-choices button").all()]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert (boxes[0]["width"], boxes[0]["height"]) == (boxes[1]["width"], boxes[1]["height"])


def test_vietnamese_is_chosen_by_the_address_and_remembered(page: Page) -> None:
    page.goto("/shop/?lang=vi")
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    with page.expect_request(re.compile("/api/v1/storefront/products/mug")) as asked:
        page.goto("/shop/products/mug")
    assert asked.value.headers["accept-language"] == "vi"
    expect(page.get_by_role("button", name="Thêm vào giỏ")).to_be_visible()
    expect(page.locator("#product-price")).to_have_text(re.compile(r"19,50\s£"))


def test_vietnamese_browser_gets_vietnamese(context: BrowserContext, page: Page) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'languages', {get: () => ['vi-VN', 'en']})")
    page.goto("/shop/cart")
    expect(page.get_by_role("heading", level=1)).to_have_text("Giỏ hàng của bạn")
    expect(page).to_have_title(re.compile("^Giỏ hàng"))


def test_first_tab_stop_skips_to_the_content(page: Page) -> None:
    page.goto("/shop/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_a_purchase_with_the_keyboard_alone_reaches_the_delivery_step(page: Page) -> None:
    add_to_cart(page, "mug")
    page.goto("/shop/checkout")
    expect(page.locator("#summary")).to_contain_text("£")  # the page is ready
    page.get_by_label("E-mail").focus()
    for text in ["ada@example.com", "Ada", "Byron", "", "12 Square", "", "London", "SW1"]:
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#step-shipping-title")).to_be_focused()
