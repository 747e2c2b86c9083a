"""Loaded before pytest-django reads the settings: real servers for the run, a Redis database for each worker."""

import atexit
import fcntl
import gc
import os
import sys
from contextlib import ExitStack
from socketserver import StreamRequestHandler

import pytest

from config import embedded

# Servers of tests write head and body of an answer apart: on a connection that is kept the body would wait for the
# acknowledgement of the head, 40 ms.
StreamRequestHandler.disable_nagle_algorithm = True
gc.disable()  # until all tests are known: nearly everything that is loaded until then stays
os.environ["FOOTFALL_ENV"] = "development"
os.environ["BILLING_SANDBOX"] = "1"
os.environ["STOREFRONT"] = "1"
os.environ["EMAIL_URL"] = "memorymail://"
worker = os.environ.get("PYTEST_XDIST_WORKER")

if worker is None:
    os.environ["FOOTFALL_HOME"] = os.environ.get("FOOTFALL_TEST_HOME") or str(embedded.PROJECT / "var" / "test")
    embedded.home().mkdir(parents=True, exist_ok=True)
    lock = open(embedded.home() / "run.lock", "w")  # noqa: SIM115 - held until the end
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("footfall: the tests are running already in this checkout. Wait for them, or use another clone.")
    servers = ExitStack()
    servers.enter_context(lock)
    atexit.register(servers.close)
    # Whatever DATABASE_URL and REDIS_URL name: tests empty what they work on.
    servers.enter_context(embedded.running(durable=False))
else:
    number = int(worker.removeprefix("gw")) + 1
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].split("?")[0] + f"?db={number}"


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on there is something to clear away, and it is looked for in what is made from here on."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: the tests wait a third of their time, for browsers and clocks."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(2, processors * 3 // 2)
