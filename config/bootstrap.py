"""Makes `.venv` and fills it from the locked requirements. Standard library only: it runs before anything is installed.

    python3.11 config/bootstrap.py embedded [test]

Does nothing when the lock has not changed since the last time, so it works offline from then on.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"


def stop(sentence: str) -> NoReturn:
    """Ends with a sentence that says what to do."""
    sys.exit(f"footfall: {sentence}")


def check_machine() -> None:
    if sys.version_info < (3, 11):
        stop(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. "
            "Install it, or name it: make run PYTHON=/path/to/python3.11"
        )
    if not os.access(PROJECT, os.W_OK):
        stop(f"{PROJECT} cannot be written to. Clone Footfall into a folder of your own.")


def make_venv() -> None:
    """Makes the virtual environment, anew when an earlier attempt was cut short or its Python is gone."""
    if PYTHON.exists() and (VENV / ".whole").exists():
        return
    shutil.rmtree(VENV, ignore_errors=True)
    print("footfall: making .venv", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        stop(
            "Python could not make a virtual environment. On Debian and Ubuntu its module is a package of its own: "
            f"apt install python3-venv\n{made.stdout}{made.stderr}"
        )
    (VENV / ".whole").touch()


def install(group: str) -> None:
    """Installs one locked group unless that very lock is installed already."""
    lock = PROJECT / "requirements" / f"{group}.txt"
    stamp = VENV / f".installed-{group}"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"footfall: installing requirements/{group}.txt", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    done = subprocess.run([*pip, "-r", str(lock)], text=True, stderr=subprocess.PIPE)
    if done.returncode:
        sys.stderr.write(done.stderr)
        headers = "Python.h" in done.stderr or "error: command" in done.stderr
        stop(
            "a package had to be compiled, which needs a C compiler and the Python headers: "
            "apt install build-essential python3-dev (Debian, Ubuntu)"
            if headers
            else "the packages could not be installed, see above. The first run needs a package index, later ones not."
        )
    stamp.write_text(digest)


def main(groups: list[str]) -> None:
    check_machine()
    with open(PROJECT / ".bootstrap.lock", "w") as lock:  # make run and make test may start together
        fcntl.flock(lock, fcntl.LOCK_EX)
        make_venv()
        for group in ["runtime", *groups]:
            install(group)


if __name__ == "__main__":
    main(sys.argv[1:])
