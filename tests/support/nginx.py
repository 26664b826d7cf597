"""nginx with the configuration that the project ships, before services of the tests."""

import getpass
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

import pytest

from dormparty_sse.dev.network import LOOPBACK, ask, free_port
from dormparty_sse.dev.server import Server
from tests.support.stack import ROOT
from tests.support.waiting import eventually

_PATH = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin"  # where Debian has nginx
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nginx:
    """A running nginx."""

    server: Server
    port: int  #: Speaks HTTPS.
    plain_port: int  #: Speaks HTTP, and sends everybody to the other one.
    certificate: Path  #: Nobody else has signed it.
    access_log: Path

    @property
    def url(self) -> str:
        """Where the service is found behind it."""
        return self.server.url

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client needs to take nginx for who it is."""
        return ssl.create_default_context(cafile=self.certificate)

    async def logs(self, words: str) -> None:
        """Waits until the access log has these words."""

        async def has() -> bool:
            return words in self.access_log.read_text()

        await eventually(has, what=f"{words} in nginx's log")


def require(program: str) -> str:
    """A program of the system. Skips the test where it is missing, save in CI."""
    found = shutil.which(program, path=_PATH)
    if found is None and "CI" not in os.environ:
        pytest.skip(f"no {program}")
    assert found, f"{program} is missing"
    return found


@asynccontextmanager
async def nginx(directory: Path, *services: int) -> AsyncIterator[Nginx]:
    """nginx before two services, by their ports. Skips the test where a program is missing, save in CI."""
    port, plain_port = free_port(), free_port()
    program = require("nginx")
    configuration = _prepare(directory, _fitted(directory, port, plain_port, *services))

    async def ready() -> bool:
        return b" 301 " in await ask(plain_port, b"GET / HTTP/1.0\r\n\r\n")

    server = Server(
        name="nginx",
        url=f"https://{LOOPBACK}:{port}",
        command=[program, "-c", configuration, "-e", directory / "error.log", "-g", "daemon off;"],
        ready=ready,
        log=directory / "output.log",
        cwd=directory,
        dies_by=SIGTERM,  # so that its workers go, too
    )
    async with server:
        yield Nginx(
            server=server,
            port=port,
            plain_port=plain_port,
            certificate=directory / "nginx.crt",
            access_log=directory / "access.log",
        )


def _fitted(directory: Path, port: int, plain_port: int, *services: int) -> str:
    """The shipped configuration with the lines exchanged that name this place."""
    first, second = services
    temporary = "".join(f'\n    {kind}_temp_path "{directory}/{kind}";' for kind in _TEMPORARY)
    exchanged = {
        "user www-data;": f"user {getpass.getuser()};",
        "pid /run/nginx.pid;": f'pid "{directory}/nginx.pid";',
        "error_log /var/log/nginx/error.log warn;": f'error_log "{directory}/error.log" warn;',
        "access_log /var/log/nginx/access.log dormparty;": f'access_log "{directory}/access.log" dormparty;',
        "http {": "http {" + temporary,
        "server 127.0.0.1:8080 max_fails=0;": f"server {LOOPBACK}:{first} max_fails=0;",
        "server 127.0.0.1:8081 max_fails=0;": f"server {LOOPBACK}:{second} max_fails=0;",
        "listen 80;": f"listen {LOOPBACK}:{plain_port};",
        "listen [::]:80;": "",
        "listen 443 ssl http2;": f"listen {LOOPBACK}:{port} ssl http2;",
        "listen [::]:443 ssl http2;": "",
        "ssl_certificate /etc/nginx/party.example.crt;": f'ssl_certificate "{directory}/nginx.crt";',
        "ssl_certificate_key /etc/nginx/party.example.key;": f'ssl_certificate_key "{directory}/nginx.key";',
    }
    text = (ROOT / "config/nginx.conf").read_text()
    for shipped, fitted in exchanged.items():
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, fitted)
    return text


def _prepare(directory: Path, configuration: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    _make_certificate(directory)
    file = directory / "nginx.conf"
    file.write_text(configuration)
    return file


def _make_certificate(directory: Path) -> None:
    """One that has signed itself, for the address that tests come to."""
    subprocess.run(
        [
            *(require("openssl"), "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=the tests"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-addext", f"subjectAltName=IP:{LOOPBACK}"),
            *("-keyout", directory / "nginx.key", "-out", directory / "nginx.crt"),
        ],
        check=True,
        capture_output=True,
    )
