"""A visit: what one visitor does at the shop, page after page, until they leave.

The calls are those that the demo shop's pages make, and the events those that its script and its pages send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from config.traffic.browser import Browser, NoAnswerError, RefusedError
from config.traffic.population import CartLine, Visitor
from config.traffic.till import Till

Product = dict[str, Any]
Deed = tuple[str, dict[str, Any]]
LIST = "/shop/"
PAGES_OF_PRODUCTS = 4
"""Read when the run begins; enough to choose from."""


async def look_around(browser: Browser) -> list[Product]:
    """The shop's products, for the links that visitors come by. Counted as a crawler's, since it runs no script.

    Raises:
        RefusedError, NoAnswerError: this is no shop, or it is away.
    """
    found: list[Product] = []
    cursor = ""
    for _page in range(PAGES_OF_PRODUCTS):
        listed = await browser.call("GET", products_path(cursor=cursor))
        browser.tally.crawler_views += 1
        found += listed["items"]
        cursor = listed["next"] or ""
        if not cursor:
            break
    return found


async def visit(browser: Browser, visitor: Visitor, products: Sequence[Product]) -> None:
    """Does what the visitor means to do, as far as the shop lets them. `products` are those that links lead to."""
    try:
        if visitor.is_bot:
            await crawl(browser, visitor, products)
        else:
            await Shopper(browser, visitor, products).shop()
    except (RefusedError, NoAnswerError):
        return  # they leave; it is noted already
    except (KeyError, TypeError) as error:
        browser.tally.not_as_agreed(browser.page, error)


async def crawl(browser: Browser, visitor: Visitor, products: Sequence[Product]) -> None:
    """Reads pages without running their scripts."""
    for number, (pick, seconds) in enumerate(zip(visitor.plan.picks, visitor.plan.seconds, strict=True)):
        on_list = not products or (number == 0 and not visitor.plan.lands_on_product)
        path = products_path() if on_list else f"/storefront/products/{picked(products, pick)['slug']}"
        await browser.call("GET", path)
        browser.tally.crawler_views += 1
        await asyncio.sleep(seconds * browser.shop.pace)


class Shopper:
    """A person in the shop."""

    def __init__(self, browser: Browser, visitor: Visitor, linked: Sequence[Product]) -> None:
        self.browser, self.visitor, self.plan = browser, visitor, visitor.plan
        self.linked = self.offered = linked
        self.cart: dict[str, int] = {}
        self.pages = 0

    async def shop(self) -> None:
        """The whole visit."""
        await self.land()
        await self.answer_the_question()
        await self.leave_page()
        if self.plan.bounces:
            return
        if self.plan.search:
            await self.search(self.plan.search)
        elif self.plan.lands_on_product or not self.offered:
            await self.open_list(LIST)
            await self.leave_page()
        await self.look_at_products()
        if self.cart:
            await self.look_at_cart()
        if self.cart and self.plan.checkout:
            await Till(self.browser, self.visitor, self.plan.checkout).buy(self.cart)

    async def land(self) -> None:
        """The first page, by a link of the channel's."""
        query = f"?{self.visitor.query}" if self.visitor.query else ""
        if self.plan.lands_on_product and self.linked:
            await self.open_product(picked(self.linked, self.plan.picks[0]), query)
        else:
            await self.open_list(LIST + query)

    async def answer_the_question(self) -> None:
        """Whether visits may be counted. A browser that sends Sec-GPC is not asked."""
        if self.visitor.consent == "gpc":
            return
        await self.browser.call("GET", "/storefront/session/consent")
        if self.visitor.consent != "ignored":
            choice = {"analytics": self.visitor.consent == "granted"}
            await self.browser.call("PUT", "/storefront/session/consent", choice)

    async def open_list(self, page: str, **filters: str) -> None:
        """The list of products."""
        self.browser.go(page)
        listed = await self.browser.call("GET", products_path(**filters))
        self.offered = listed["items"] or self.offered
        await self.browser.view("Products")

    async def search(self, word: str) -> None:
        """Looks for something; with nothing found they choose from what they saw before."""
        await self.browser.track(self.browser.event("search", metadata={"query": word}))
        await self.open_list(f"{LIST}?{urlencode({'search': word})}", search=word)
        await self.leave_page()

    async def look_at_products(self) -> None:
        """One product after the other, and some of them into the cart."""
        into_cart = {line.product: line for line in self.plan.cart}
        for number, pick in enumerate(self.plan.picks[1:] if self.offered else ()):
            product = await self.open_product(picked(self.offered, pick))
            line = into_cart.get(number)
            added = self.add(product, line) if line else []
            await self.leave_page(*added)

    async def open_product(self, product: Product, query: str = "") -> Product:
        """The page of a product, as the shop shows it now."""
        self.browser.go(f"/shop/products/{product['slug']}{query}")
        shown: Product = await self.browser.call("GET", f"/storefront/products/{product['slug']}")
        await self.browser.view(shown["name"], product_id=shown["id"])
        return shown

    def add(self, product: Product, line: CartLine) -> list[Deed]:
        """Puts as many pieces into the cart as there are, if any. Who will think better of it is noted by a 0."""
        left = product["available"]
        quantity = line.quantity if left is None else min(line.quantity, left)
        if not quantity:
            return []
        self.cart[product["id"]] = 0 if line.removed else quantity
        return [("add_to_cart", {"productId": product["id"], "metadata": {"quantity": quantity}})]

    async def look_at_cart(self) -> None:
        """The cart's page, where some things are taken out again."""
        self.browser.go("/shop/cart")
        await self.browser.view("Cart")
        removed = [product_id for product_id, quantity in self.cart.items() if not quantity]
        self.cart = {product_id: quantity for product_id, quantity in self.cart.items() if quantity}
        await self.leave_page(*(("remove_from_cart", {"productId": product_id}) for product_id in removed))

    async def leave_page(self, *deeds: Deed) -> None:
        """Reads the page as long as planned, does something there, and goes."""
        seconds = self.plan.seconds[min(self.pages, len(self.plan.seconds) - 1)]
        self.pages += 1
        await self.browser.read(seconds, *deeds)


def products_path(**filters: str) -> str:
    """The API's list of products, with the filters that are set."""
    query = urlencode({name: value for name, value in filters.items() if value})
    return f"/storefront/products?{query}" if query else "/storefront/products"


def picked(products: Sequence[Product], pick: float) -> Product:
    """One of the products, by a number from 0 to 1."""
    return products[int(pick * len(products))]
