"""Many visitors at once: when each comes, and how many may be there together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from config.traffic.browser import Browser, NoAnswerError, RefusedError, Shop
from config.traffic.population import Visitor, arrival_gaps, population
from config.traffic.tally import Tally
from config.traffic.visitor import Product, look_around, visit


class UnreachableError(Exception):
    """There is no shop at the address; the text says what was found."""


@dataclass(frozen=True)
class Run:
    """How many come, how quickly (a second), for how long (seconds), and how many may be there at once."""

    shop: Shop
    visitors: int | None
    rate: float
    seconds: float | None
    at_once: int
    seed: int


async def traffic(run: Run, tally: Tally, reached: Callable[[int], None] = lambda _visitors: None) -> None:
    """Sends the visitors; returns when the last has left. `tally` is counted up as it goes, `reached` is told.

    Raises:
        UnreachableError: no shop answers there; nobody was sent.
    """
    visitors = islice(population(seed=run.seed), run.visitors)
    products = await first_look(run.shop, run.seed, tally)
    gate = asyncio.Semaphore(run.at_once)

    async def one(visitor: Visitor) -> None:
        try:
            await send_in(visitor, run.shop, products, tally)
        finally:
            gate.release()
        reached(tally.visitors)

    async with asyncio.TaskGroup() as group:
        async for visitor in arrivals(visitors, run):
            await gate.acquire()
            group.create_task(one(visitor))


async def arrivals(visitors: Iterator[Visitor], run: Run) -> AsyncIterator[Visitor]:
    """The visitors, each when it is their time. Who had to wait at the door does not put off the others."""
    clock = asyncio.get_running_loop().time
    began = due = clock()
    for visitor, gap in zip(visitors, arrival_gaps(rate=run.rate, seed=run.seed), strict=False):
        due += gap
        if run.seconds is not None and due - began > run.seconds:
            return
        await asyncio.sleep(due - clock())
        if run.seconds is not None and clock() - began > run.seconds:
            return
        yield visitor


async def send_in(visitor: Visitor, shop: Shop, products: Sequence[Product], tally: Tally) -> None:
    """One visitor, from the door and back to it."""
    async with Browser(shop, visitor, tally) as browser:
        await visit(browser, visitor, products)
    if visitor.is_bot:
        tally.bots += 1
    else:
        tally.people += 1


async def first_look(shop: Shop, seed: int, tally: Tally) -> list[Product]:
    """The products that visitors may come for.

    Raises:
        UnreachableError: no shop answers there.
    """
    nobody = replace(next(population(seed=seed)), is_bot=True, user_agent="", consent="ignored")
    try:
        async with Browser(shop, nobody, tally) as browser:
            return await look_around(browser)
    except (RefusedError, NoAnswerError) as error:
        raise UnreachableError(f"{shop.url} does not answer like a shop: {error}") from error
    except (KeyError, TypeError) as error:
        raise UnreachableError(f"{shop.url} answers, but not like a shop.") from error
