"""What Python does not look through for garbage."""

import subprocess
import sys

import pytest

from config.embedded import PROJECT

BEGIN = {
    "web": "import config.wsgi",
    "worker": "import config.celery; from celery.signals import worker_process_init as begins; begins.send(None)",
}


@pytest.mark.parametrize("process", BEGIN)
def test_what_is_loaded_when_a_process_begins_is_never_looked_through(process: str) -> None:
    say = f"import gc; {BEGIN[process]}; print(gc.get_freeze_count())"
    done = subprocess.run([sys.executable, "-c", say], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 10_000
