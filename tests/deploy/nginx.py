"""nginx as `deploy/nginx.conf` has it, on ports and with a certificate of a test's own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from config.embedded import PROJECT
from tests.e2e.conftest import free_port
from tests.promises.processes import until

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
HOST = "shop.example.com"
NEEDS_NGINX = pytest.mark.skipif(not Path(NGINX).exists(), reason=f"NOT RUN: no nginx at {NGINX}. Install one.")
MAIN = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/main.log;
{user}
events {{}}
http {{
    include /etc/nginx/mime.types;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Proxy:
    """Where it listens, and its folder: the certificate is `cert.pem`, the log `footfall.log`."""

    https: int
    http: int
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "footfall.log").read_text()


def place(proxy: Proxy, shop: int, changes: Mapping[str, str]) -> Path:
    """Writes the configuration for these ports and returns its path. All else is as in `deploy/`, but for `changes`."""
    folder = proxy.folder
    lines = (PROJECT / "deploy" / "nginx.conf").read_text().splitlines()
    site = "\n".join(line for line in lines if "[::]" not in line)  # not every machine has IPv6
    here = {
        "listen 443": f"listen 127.0.0.1:{proxy.https}",
        "listen 80": f"listen 127.0.0.1:{proxy.http}",
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{shop};",
        f"/etc/letsencrypt/live/{HOST}/fullchain.pem": f"{folder}/cert.pem",
        f"/etc/letsencrypt/live/{HOST}/privkey.pem": f"{folder}/key.pem",
        "/var/lib/nginx/footfall": f"{folder}/cache",
        "/var/log/nginx": str(folder),
    }
    for usual, other in (here | dict(changes)).items():
        assert usual in site, usual
        site = site.replace(usual, other)
    (folder / "site.conf").write_text(site)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
    return folder / "nginx.conf"


def make_certificate(folder: Path) -> None:
    """One that the shop's host signed itself."""
    words = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    named = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", *words, *named, *files], check=True, capture_output=True)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def nginx(folder: Path, shop: int, changes: Mapping[str, str] = MappingProxyType({})) -> Iterator[Proxy]:
    """One before the web process on this port, for the length of a `with` block; `changes` are other words in its
    configuration.
    """
    proxy = Proxy(free_port(), free_port(), folder)
    make_certificate(folder)
    command = [NGINX, "-c", str(place(proxy, shop, changes)), "-e", str(folder / "main.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(command)
    try:
        until(lambda: listens(proxy.https), "nginx listens")
        yield proxy
    finally:
        process.terminate()
        process.wait(10)
