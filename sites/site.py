"""A site of one package on one Django: its settings, and the process that runs it."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sites.catalogue import HERE, Package

_CONTRIB = ("admin", "auth", "contenttypes", "sessions", "messages", "sites", "staticfiles")
_OWN = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
TOLERANT = "sites.project.tolerant.Tolerant"
_SECONDS = 400  # for one command; a site of all packages migrates in a quarter of it
# The database is thrown away: nothing of it has to reach the disk.
_PRAGMAS = "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;"


class Failed(Exception):
    """A command of the site's did not get through; the text is its last words."""


@dataclass(frozen=True)
class Account:
    """Where a site publishes to, as its settings have it."""

    base: str  # http://HOST:PORT/ACCOUNT
    name: str
    key: str
    static: str
    media: str
    private: bool = False


def settings(
    package: Package, folder: Path, account: Account | None, static: str
) -> dict[str, Any]:
    """Of a site whose static files are at the URL `static`; without an account, with Django's own
    storages in `folder`."""
    contrib = [f"django.contrib.{name}" for name in _CONTRIB]
    apps = [
        *package.apps,
        *(app for app in contrib if app not in package.apps),
        "sites.project.demo",
    ]
    found: dict[str, Any] = {
        "SETTINGS_FROM": list(package.settings_from),
        "MORE_MIDDLEWARE": list(package.middleware),
        "MORE_CONTEXT_PROCESSORS": list(package.context_processors),
        "MORE_LOADERS": list(package.loaders),
        "SITE_URLS": [list(pair) for pair in package.urls.items()],
        "SITE_WIDGETS": list(package.widgets),
        "SITE_TEMPLATE": package.template,
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(folder / "db.sqlite3"),
                "OPTIONS": {"init_command": _PRAGMAS, "timeout": 30},
            }
        },
        "STATIC_URL": static,
        "STATIC_ROOT": str(folder / "static"),
        "MEDIA_ROOT": str(folder / "media"),
        "MEDIA_URL": "/media/",
        **package.settings,
    }
    if account is None:
        # The same tree, with no code of ours.
        found["STATICFILES_DIRS"] = [str(HERE.parent / "src" / "azureblob" / "static")]
        storages = {
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": _OWN},
        }
        return {**found, "INSTALLED_APPS": apps, "STORAGES": storages}
    media = {"azure_container": account.media, "signed": account.private}
    return {
        **found,
        # Before staticfiles: its collectstatic is ours.
        "INSTALLED_APPS": ["azureblob", *apps],
        "AZURE_ACCOUNT_NAME": account.name,
        "AZURE_ACCOUNT_KEY": account.key,
        "AZURE_BLOB_ENDPOINT": f"{account.base}/",
        "AZURE_CUSTOM_DOMAIN": account.base.removeprefix("http://"),
        # For libraries that make a storage of the class themselves.
        "AZURE_MEDIA_CONTAINER": account.media,
        "AZURE_MEDIA_ACCESS": "private" if account.private else "public",
        "MEDIA_URL": f"{account.base}/{account.media}/",
        "STORAGES": {
            "default": {"BACKEND": "azureblob.storage.BlobStorage", "OPTIONS": media},
            "staticfiles": {
                "BACKEND": "azureblob.staticfiles.StaticBlobStorage",
                "OPTIONS": {"azure_container": account.static},
            },
        },
    }


class Site:
    """The site's process, which is asked one thing after another."""

    def __init__(self, python: Path, settings: dict[str, Any], log: Path) -> None:
        self._log = log.open("a", encoding="utf-8")
        self._process = subprocess.Popen(
            [python, "-m", "sites.project.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
            cwd=log.parent,
            env={
                "PATH": os.environ.get("PATH", ""),
                "HOME": str(log.parent),
                "TMPDIR": str(log.parent),
                "PYTHONPATH": os.pathsep.join([str(HERE.parent / "src"), str(HERE.parent)]),
                "PYTHONUTF8": "1",
                "DJANGO_SETTINGS_MODULE": "sites.project.settings",
                "SITE_SETTINGS": json.dumps(settings),
            },
        )

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def ask(self, *words: Any) -> Any:
        """The command's result. Raises Failed."""
        if self._process.stdin is None or self._process.stdout is None:
            raise Failed("the process has no pipes")
        watch = threading.Timer(_SECONDS, self._process.kill)
        watch.start()
        try:
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        alive = watch.is_alive()
        watch.cancel()
        if not alive:
            raise Failed(f"{words[0]} was stopped after {_SECONDS} s")
        if not line:
            raise Failed(f"the process ended with status {self._process.wait()}")
        said = json.loads(line)
        if "error" in said:
            raise Failed(said["error"])
        return said["result"]
