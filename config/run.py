"""`make run`: the whole shop under one process manager, until Ctrl-C.

The processes are those of the Procfile, plus the embedded servers where DATABASE_URL or REDIS_URL is unset. Each one
that dies is started again (docs/decisions/0002).
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.error import URLError
from urllib.request import urlopen

import environ

from config import embedded
from config.embedded import PROJECT, EmbeddedError, Server, home, server_home

STAFF = ("staff@example.com", "footfall-demo")
DEMO_ADDRESS = r"1 Example Street\nLondon N1 1AA\nUnited Kingdom"
"""Where nobody is, for the invoices of the demo shop."""
READY_SECONDS = 60


def main() -> None:
    if (PROJECT / ".env").exists():
        environ.Env.read_env(PROJECT / ".env")  # what the settings will see, such as a DATABASE_URL
    os.environ.setdefault("FOOTFALL_ENV", "development")
    os.environ.setdefault("BILLING_SANDBOX", "1")
    os.environ.setdefault("SHOP_ADDRESS", DEMO_ADDRESS)
    os.environ["PORT"] = port = os.environ.get("PORT") or "8000"
    os.environ.setdefault("BIND", "127.0.0.1")  # everybody knows the login of the demo shop
    os.environ["FOOTFALL_HOME"] = str(home())
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    try:
        with only_run():
            embedded.stop_leftovers()
            check_port(port)
            run(port)
    except EmbeddedError as problem:
        stop(str(problem))


@contextmanager
def only_run() -> Iterator[None]:
    """Holds the lock of this home. The kernel lets go of it however we die, so it is never stale."""
    try:
        (home() / "log").mkdir(parents=True, exist_ok=True)
        (home() / "log").chmod(0o700)  # mails are printed there, with their links
        with open(home() / "run.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError:
        stop(f"this shop is running already (its files are in {home()}). Stop it, or set FOOTFALL_HOME for another.")
    except PermissionError:
        stop(f"{home()} cannot be written to. Clone into a folder of your own, or set FOOTFALL_HOME to one that can.")


def check_port(port: str) -> None:
    if not port.isdigit() or not 0 < int(port) < 65536:
        stop(f"PORT is {port!r}; it is a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((os.environ["BIND"], int(port)))
        except OSError as error:
            stop(
                f"port {port} cannot be used ({error.strerror}). Choose another: make run PORT={int(port) % 65535 + 1}"
            )


def run(port: str) -> None:
    """Starts everything, says where to look, and waits for the end."""
    servers = embedded_servers()
    embedded.note_port(port)
    configuration = write_configuration(servers)
    manager = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", configuration],
        env=os.environ | {embedded.MARK: str(home())},
    )
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: manager.terminate())
    try:
        prepare(manager, servers)
        control(configuration, "start", "shop:*")
        wait_until_ready(manager, port)
        print_addresses(port, servers)
        manager.wait()
    finally:
        manager.terminate()
        manager.wait()
        embedded.note_port(None)
        embedded.stop_leftovers()


def embedded_servers() -> list[Server]:
    """The servers that the environment does not name."""
    servers = []
    if not os.environ.get("DATABASE_URL"):
        servers.append(embedded.postgres())
    if not os.environ.get("REDIS_URL"):
        servers.append(embedded.valkey())
    return servers


def prepare(manager: subprocess.Popen[bytes], servers: list[Server]) -> None:
    """Database, tables, schedule and demo data; stops with the reason if one of them fails."""
    if any(server.name == "postgres" for server in servers):
        embedded.create_database()
    command = [sys.executable, "manage.py", "prepare", "--demo"]
    if manager.poll() is None and subprocess.run(command, cwd=PROJECT).returncode:
        raise EmbeddedError("the shop could not be prepared, see above.")


def write_configuration(servers: list[Server]) -> str:
    """Writes the process manager's file and returns its path."""
    password = secrets.token_hex(16)
    control_socket = server_home() / "supervisor.sock"
    root = "user=root\n" if os.geteuid() == 0 else ""
    parts = [
        f"[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\nsilent=false\nloglevel=warn\n"
        f"pidfile={home() / 'supervisord.pid'}\n{root}",
        f"[unix_http_server]\nfile={control_socket}\nchmod=0700\nusername=footfall\npassword={password}\n",
        f"[supervisorctl]\nserverurl=unix://{control_socket}\nusername=footfall\npassword={password}\n",
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
    ]
    for server in servers:
        parts.append(program(server.name, shlex.join(server.command), server.user, autostart=True))
    commands = procfile()
    for name, command in commands.items():
        parts.append(program(name, placed(command), None, autostart=False))
    parts.append(f"[group:shop]\nprograms={','.join(commands)}\n")
    path = home() / "supervisord.conf"
    path.touch(mode=0o600)
    path.write_text("\n".join(parts))
    return str(path)


def program(name: str, command: str, user: str | None, *, autostart: bool) -> str:
    """One process. PostgreSQL is stopped by SIGINT, its fast shutdown; all others by SIGTERM."""
    escaped = command if "%(ENV_PORT)s" in command else command.replace("%", "%%")
    escaped = escaped.replace("@%h", "@%%h")
    settings = {
        "command": escaped,
        "directory": server_home() if user else PROJECT,
        "autostart": autostart,
        "autorestart": True,
        "startsecs": 0,
        "startretries": 1000,
        "stopsignal": "INT" if name == "postgres" else "TERM",
        "stopwaitsecs": 10,
        "killasgroup": name not in ("postgres", "valkey"),
        "priority": 1 if autostart else 10,
        "redirect_stderr": True,
        "stdout_logfile": home() / "log" / f"{name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 2,
    } | ({"user": user} if user else {})
    return f"[program:{name}]\n" + "".join(f"{key}={value}\n" for key, value in settings.items())


def placed(command: str) -> str:
    """A line of the Procfile where this shop listens: for this machine alone unless BIND says otherwise."""
    return command.replace("0.0.0.0", "%(ENV_BIND)s").replace("$PORT", "%(ENV_PORT)s")  # noqa: S104 - not there


def procfile() -> dict[str, str]:
    """The Procfile's processes: name to command."""
    lines = (PROJECT / "Procfile").read_text().splitlines()
    return {name: command.strip() for name, _, command in (line.partition(":") for line in lines if line.strip())}


def control(configuration: str, *words: str) -> None:
    """Tells the process manager."""
    command = [sys.executable, "-m", "supervisor.supervisorctl", "--configuration", configuration, *words]
    told = subprocess.run(command, capture_output=True, text=True)
    if told.returncode:
        raise EmbeddedError(f"the processes could not be started:\n{told.stdout}{told.stderr}")


def wait_until_ready(manager: subprocess.Popen[bytes], port: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while manager.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except (URLError, OSError):
            if time.monotonic() > deadline:
                raise EmbeddedError(f"the web process does not answer. Its log: {home() / 'log' / 'web.log'}") from None
            time.sleep(0.1)


def print_addresses(port: str, servers: list[Server]) -> None:
    base = f"http://localhost:{port}"
    email, password = STAFF
    places = {"postgres": ("PostgreSQL", embedded.database_url()), "valkey": ("Redis", embedded.redis_url())}
    ours = "\n".join("    {:<17}{}".format(*places[server.name]) for server in servers)
    print(
        f"""
  Footfall is running.

    shop             {base}/shop/
    admin            {base}/admin/          {email} / {password}
    API docs         {base}/api/v1/docs
    sandbox billing  {base}/billing/
    logs             {home() / "log"}/
    mails            in background.log there
{ours}

  Ctrl-C stops everything.
""",
        flush=True,
    )


def stop(sentence: str) -> NoReturn:
    """Ends with a sentence that says what to do."""
    sys.exit(f"footfall: {sentence}")


if __name__ == "__main__":
    main()
