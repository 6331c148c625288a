"""A Django project whose management commands run as processes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.publish.container import Container
from tests.publish.forked import ROOT, Forked, Process
from tests.publish.trees import Tree, write

_CLOSING = re.compile(
    r"^(?:\d+ static files? deleted, )?(\d+) static files? copied(?:, (\d+) unmodified)?"
    r"(?:, (\d+) post-processed)?(?:, \d+ skipped due to conflict)?\.$",
    re.M,
)
_SETTINGS = """
import json, os
SECRET_KEY = "only-for-tests"
INSTALLED_APPS = ["azureblob", "django.contrib.staticfiles"]
USE_TZ = True
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
locals().update(json.loads(os.environ["SITE_SETTINGS"]))
"""
_LOCAL = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


_MEGABYTE = 1024 * 1024
# What Django's own storage makes of small trees, by the tree's digest. It makes the same of a tree
# for every container, as it writes relative URLs into the files.
_expected: dict[str, Expected] = {}


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def counts(self) -> tuple[int, int, int]:
        """Copied, unmodified and post-processed files, from the closing line."""
        found = _CLOSING.search(self.out)
        assert found, f"no closing line in {self.out!r}; stderr: {self.err!r}"
        return int(found[1]), int(found[2] or 0), int(found[3] or 0)

    def well(self) -> Finished:
        """Assert that it ended with status 0, and return it."""
        assert self.code == 0, f"status {self.code}\n{self.out}\n{self.err}"
        return self


@dataclass(frozen=True)
class Expected:
    """What Django's own manifest storage makes of a tree: hashed files by name, and manifest."""

    manifest: bytes
    files: dict[str, bytes]

    @property
    def paths(self) -> dict[str, str]:
        paths: dict[str, str] = json.loads(self.manifest)["paths"]
        return paths


@dataclass
class Site:
    """`port` is that of the blob service or of a proxy; `options` are the storage's."""

    folder: Path
    container: Container
    port: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.static.mkdir(parents=True, exist_ok=True)
        (self.folder / "site_settings.py").write_text(_SETTINGS)
        self.port = self.port or self.container.port

    @property
    def static(self) -> Path:
        return self.folder / "static"

    def write(self, tree: Tree) -> None:
        write(tree, self.static)

    # --- Commands ---------------------------------------------------------------------------------

    def publish(self, *flags: str, **options: Any) -> Finished:
        """Run collectstatic until it ends."""
        return self.manage("collectstatic", "--noinput", *flags, **options)

    def manage(self, *words: str, timeout: float = 60, **options: Any) -> Finished:
        begin = time.monotonic()
        with self.start(*words, **options) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return Finished(process.wait(), out, err, time.monotonic() - begin)

    def run(self, script: str, **options: Any) -> Finished:
        """Run a script with the site's Django."""
        return self.manage("-c", f"import django; django.setup()\n{script}", **options)

    def start(self, *words: str, fresh: bool = False, **options: Any) -> Process:
        """Start a management command, Python's `-c`, or a script. A script and a `fresh` command
        are run by their own interpreter, in which nothing is imported beforehand."""
        if not fresh and not words[0].endswith(".py"):
            return Forked(list(words), self.environment(**options), self.folder)
        return subprocess.Popen(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=self.folder,
            env=self.environment(**options),
        )

    def command(self, *words: str) -> list[str]:
        own = words[0] == "-c" or words[0].endswith(".py")
        return [sys.executable, "-W", "error", *([] if own else ["-m", "django"]), *words]

    def environment(self, **options: Any) -> dict[str, str]:
        """The environment of a command; `options` override the site's own, and None stands for the
        default. Plain names are left out unless needed, as they would double what tests count."""
        chosen = {"keep_unhashed": "needed", **self.options, **options}
        options = {name: value for name, value in chosen.items() if value is not None}
        account = self.container.account
        settings = {
            "STATIC_URL": f"http://127.0.0.1:{self.port}/{account}/{self.container.name}/",
            "STATICFILES_DIRS": [str(self.static)],
            "STORAGES": {
                "staticfiles": {
                    "BACKEND": "azureblob.staticfiles.StaticBlobStorage",
                    "OPTIONS": {"azure_container": self.container.name, **options},
                }
            },
            "AZURE_ACCOUNT_NAME": account,
            "AZURE_ACCOUNT_KEY": self.container.key,
            "AZURE_BLOB_ENDPOINT": f"http://127.0.0.1:{self.port}/{account}/",
            "AZURE_CUSTOM_DOMAIN": f"127.0.0.1:{self.port}/{account}",
            **self.settings,
        }
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),  # where a test can see what is left behind
            "PYTHONPATH": os.pathsep.join([str(ROOT / "app"), str(self.folder)]),
            "PYTHONUTF8": "1",
            "DJANGO_SETTINGS_MODULE": "site_settings",
            "SITE_SETTINGS": json.dumps(settings),
        }

    # --- Expectations -----------------------------------------------------------------------------

    def expected(self, backend: str = _LOCAL) -> Expected:
        """What Django's storage, or one like it, makes of the tree as it is now."""
        key = _digest(self.static)
        if self.settings or backend != _LOCAL or not key:
            return self._made_by(backend)
        made = _expected.get(key) or self._made_by(backend)
        if sum(map(len, made.files.values())) < _MEGABYTE:
            _expected[key] = made
        return Expected(made.manifest, dict(made.files))

    def _made_by(self, backend: str) -> Expected:
        made = self.folder / "by-django"
        local = Site(self.folder, self.container, settings={**self.settings})
        local.settings |= {
            "STATIC_ROOT": str(made),
            "STATIC_URL": f"http://127.0.0.1:{self.port}/{self.container.account}/"
            f"{self.container.name}/",
            "STORAGES": {"staticfiles": {"BACKEND": backend}},
        }
        local.publish("--clear").well()
        manifest = (made / "staticfiles.json").read_bytes()
        hashed = json.loads(manifest)["paths"].values()
        return Expected(manifest, {name: (made / name).read_bytes() for name in hashed})


def _digest(folder: Path) -> str | None:
    """Of the names and the contents of all files in the folder; None if links lead elsewhere."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            return None
        if path.is_file():
            content = path.read_bytes()
            found.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode())
            found.update(content)
    return found.hexdigest()
