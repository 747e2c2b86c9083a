"""The servers and the shop: one of each for a file, since they take their time to start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from config.schedule import sync_schedule
from tests.billing_server import billing_service
from tests.factories import ProductFactory
from tests.faults.proxy import FaultProxy
from tests.faults.servers import NAME, PostgresServer, own_postgres
from tests.faults.shop import CARELESS_WEB, RunningShop, Servers, running_shop
from tests.promises.processes import until
from tests.redis_server import RedisServer
from tests.world import World, replace_pool

ENOUGH_FOR_EACH = 12
"""Requests, so that each of two web processes is asked."""


@contextmanager
def standing_on(server: PostgresServer) -> Iterator[None]:
    """This process has that server's database for its own, past the proxy."""
    usual = {name: connection.settings_dict[name] for name in ("HOST", "PORT", "NAME")}
    pool = connection.settings_dict["OPTIONS"]["pool"]
    try:
        replace_pool(pool)
        connection.settings_dict |= {"HOST": str(server.folder), "PORT": "", "NAME": NAME}
        ContentType.objects.clear_cache()  # there they have other ids
        yield
    finally:
        replace_pool(pool)
        connection.settings_dict |= usual
        ContentType.objects.clear_cache()


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Servers]:
    """PostgreSQL, Redis and billing, and the proxies."""
    folder = tmp_path_factory.mktemp("f")
    with ExitStack() as stack:
        postgres = stack.enter_context(own_postgres())
        redis = RedisServer(folder)
        redis.start()
        stack.callback(redis.kill)
        to_postgres = stack.enter_context(FaultProxy(postgres.socket).running())
        to_redis = stack.enter_context(FaultProxy(redis.socket).running())
        stack.enter_context(override_settings())
        billing = stack.enter_context(billing_service(settings))
        stack.enter_context(django_db_blocker.unblock())
        stack.enter_context(standing_on(postgres))
        yield Servers(postgres, redis, to_postgres, to_redis, billing, folder)


@pytest.fixture(scope="module")
def stocked(servers: Servers) -> World:
    """Enough to sell."""
    sync_schedule()
    return World(mug=ProductFactory(name="Mug", stock_quantity=100_000))


@pytest.fixture(scope="module")
def shop_of_module(servers: Servers, stocked: World) -> Iterator[RunningShop]:
    """The whole shop."""
    with running_shop(servers, stocked) as started:
        yield started


@pytest.fixture
def shop(shop_of_module: RunningShop) -> RunningShop:
    """The whole shop; none of its web processes takes PostgreSQL for away because of the test before."""
    until(lambda: all(shop_of_module.is_ready() for _request in range(ENOUGH_FOR_EACH)), "each web process is ready")
    return shop_of_module


@pytest.fixture
def careless(servers: Servers, stocked: World) -> Iterator[Callable[[str], RunningShop]]:
    """Web without the protection that is named (`careless_web.py`), and no workers."""
    lines = {"web": CARELESS_WEB.replace("--workers 2", "--workers 1")}

    def start(how: str) -> RunningShop:
        return stack.enter_context(running_shop(servers, stocked, lines, database=1, first=(), CARELESS=how))

    with ExitStack() as stack:
        yield start
