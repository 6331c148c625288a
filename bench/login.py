"""Bytes over the wire: the login page of Django's admin for a browser with an empty cache."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from bench.competitors import COMPETITORS, Place
from bench.measuring import CommandFailed, Watched, measure
from bench.servers.running import HOST, AzuriteServer, target
from bench.trees import write_admin

# Django's own middleware; the demo site has it as well, so its pages are compressed.
_PACKS = "django.middleware.gzip.GZipMiddleware"
_RENDER = """
import django, gzip, json
django.setup()
from django.test import Client
answer = Client().get("/admin/login/", headers={"accept-encoding": "gzip"})
page = answer.content
compressed = answer.headers.get("Content-Encoding") == "gzip"
html = (gzip.decompress(page) if compressed else page).decode()
print(json.dumps({"size": len(page), "html": html}))
"""
_LINKED = re.compile(r'(?:href|src)="(http://[^"]+)"')
_APPS = ["admin", "auth", "contenttypes", "sessions", "messages", "staticfiles"]
_SITE = {
    "INSTALLED_APPS": [f"django.contrib.{app}" for app in _APPS],
    "ROOT_URLCONF": "bench.commands.urls",
    "ALLOWED_HOSTS": ["testserver"],
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
}


def measure_login(folder: Path) -> dict[str, dict[str, int]]:
    """For `plain` (uncompressed) and `hashed` (compressed): the bytes of the `page`'s body, of
    the responses with its static `files` (headers and bodies), and their `number`."""
    return {name: _one(folder / "login", name) for name in ("plain", "hashed")}


def _one(folder: Path, name: str) -> dict[str, int]:
    shutil.rmtree(folder, ignore_errors=True)
    tree = folder / "static"
    tree.mkdir(parents=True)
    write_admin(tree)
    server = AzuriteServer(folder / "azurite")
    try:
        place = Place(tree, folder, folder, target(server, server.port))
        competitor = COMPETITORS[name]
        environment = competitor.environment(place)
        measure(competitor.command(place), environment, folder, Watched())
        packs = [_PACKS] if competitor.names == "hashed" else []
        size, page = _page(environment, competitor.command(place)[0], folder, packs)
        links = sorted(set(_LINKED.findall(page)))
        received = [_received(server.port, urlsplit(link).path) for link in links]
        return {"page": size, "files": sum(received), "number": len(links)}
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _page(
    environment: dict[str, str], python: str, folder: Path, packs: list[str]
) -> tuple[int, str]:
    """The number of bytes of the body, and the HTML, of the page with its storage's links. `packs`
    is the middleware that comes first."""
    settings = {**json.loads(environment["BENCH_SETTINGS"]), **_SITE}
    settings["MIDDLEWARE"] = packs + settings["MIDDLEWARE"]
    rendered = subprocess.run(
        [python, "-c", _RENDER],
        env={**environment, "BENCH_SETTINGS": json.dumps(settings)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if rendered.returncode:
        raise CommandFailed(f"the login page was not rendered: {rendered.stderr[-500:]}")
    measured = json.loads(rendered.stdout)
    return measured["size"], measured["html"]


def _received(port: int, path: str) -> int:
    """The number of bytes of the response to a browser's GET."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nAccept-Encoding: gzip, deflate, br\r\n"
        "Connection: close\r\n\r\n"
    )
    total = 0
    with socket.create_connection((HOST, port), timeout=30) as connection:
        connection.sendall(request.encode())
        head = piece = connection.recv(65536)
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise RuntimeError(f"{path}: {head[:100]!r}")
        while piece:
            total += len(piece)
            piece = connection.recv(65536)
    return total
