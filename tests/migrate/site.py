"""A site with a media folder, a container for it, and two databases."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from azure.storage.blob import BlobBlock

from tests.conftest import ROOT
from tests.publish.container import Container
from tests.publish.site import Finished, Site

HERE = Path(__file__).resolve().parent
ALIASES = ("default", "archive")


class Server:
    """The process that runs commands at once (server.py). A context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", str(HERE / "server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                "PATH": os.environ.get("PATH", ""),
                "PYTHONUTF8": "1",
                "PYTHONPATH": str(ROOT / "app"),
            },
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def say(self, text: str) -> None:
        _pipe(self._process.stdin).write(f"{text}\n")
        _pipe(self._process.stdin).flush()

    def hear(self) -> list[int]:
        return [int(word) for word in _pipe(self._process.stdout).readline().split()]


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@dataclass
class Command:
    """A command whose process, `pid`, waits to be started."""

    server: Server
    pid: int
    files: tuple[Path, Path]
    peak: int = 0

    def end(self) -> Finished:
        """Start it and wait for its end."""
        begin = time.monotonic()
        self.server.say("go")
        code, self.peak = self.server.hear()
        out, err = (path.read_text() for path in self.files)
        return Finished(code, out, err, time.monotonic() - begin)


@dataclass
class MediaSite(Site):
    """`media` is the folder that is moved; `storage` are options of the container's storage."""

    server: Server = field(default_factory=Server)
    storage: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.media.mkdir(exist_ok=True)
        address = f"http://127.0.0.1:{self.port}/{self.container.account}"
        self.settings = {
            "STATIC_URL": f"{address}/pages/",
            "INSTALLED_APPS": ["azureblob", "django.contrib.staticfiles", "shelf"],
            "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
            "DATABASES": {
                alias: {
                    "ENGINE": "django.db.backends.sqlite3",
                    "NAME": str(self.folder / f"{alias}.sqlite3"),
                }
                for alias in ALIASES
            },
            **self.settings,
        }

    @property
    def media(self) -> Path:
        return self.folder / "media"

    def fill(self, files: Mapping[str, bytes], folder: Path | None = None) -> None:
        for name, data in files.items():
            path = (folder or self.media) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def environment(self, **options: Any) -> dict[str, str]:
        made = super().environment(**options)
        settings = json.loads(made["SITE_SETTINGS"])
        settings["STORAGES"]["staticfiles"]["OPTIONS"]["azure_container"] = "pages"
        settings["STORAGES"]["default"] = {
            "BACKEND": "azureblob.storage.BlobStorage",
            "OPTIONS": {
                "azure_container": self.container.name,
                "check_content": True,
                "cache_control": "private, max-age=3600",
                "overwrite_files": False,
                **self.storage,
            },
        }
        made["SITE_SETTINGS"] = json.dumps(settings)
        made["PYTHONPATH"] += f"{os.pathsep}{HERE / 'project'}"
        return made

    # --- Commands ---------------------------------------------------------------------------------

    def begin(self, *words: str) -> Command:
        """A command that waits to be started."""
        files = self.folder / "out.txt", self.folder / "err.txt"
        order = {
            "folder": str(self.folder),
            "environment": self.environment(),
            "words": words,
            "out": str(files[0]),
            "err": str(files[1]),
        }
        self.server.say(json.dumps(order))
        [pid] = self.server.hear()
        return Command(self.server, pid, files)

    def migrate(self, *flags: str, folder: Path | None = None) -> Finished:
        """Run migratemedia to its end."""
        return self.begin("migratemedia", str(folder or self.media), *flags).end()

    def report(self) -> list[dict[str, Any]]:
        """What the last run with `--report report.jsonl` wrote."""
        lines = (self.folder / "report.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def row(self, table: str, alias: str = "default", **values: Any) -> None:
        """Insert into a table of the app `shelf`."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        with closing(sqlite3.connect(self.folder / f"{alias}.sqlite3")) as connection, connection:
            connection.execute(
                f"INSERT INTO shelf_{table} ({names}) VALUES ({marks})",  # noqa: S608
                list(values.values()),
            )


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    """MD5 and modification time of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): (
            hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def stored(container: Container) -> dict[str, str]:
    """MD5 of the bytes of every blob."""
    with container.client() as client:
        return {
            name: hashlib.md5(
                client.download_blob(name).readall(), usedforsecurity=False
            ).hexdigest()
            for name in client.list_blob_names()
        }


def md5s(folder: Path) -> dict[str, str]:
    """MD5 of every file below a folder, as `stored` returns it for blobs."""
    return {name: digest for name, (digest, _) in contents(folder).items()}


def without_md5(container: Container, name: str, data: bytes) -> None:
    """Store a blob in blocks, as another tool does, so that it has no MD5."""
    with container.client() as client, client.get_blob_client(name) as blob:
        if data:
            blob.stage_block("YQ==", data)
        blob.commit_block_list([BlobBlock("YQ==")] if data else [])
    assert not container.blobs()[name].content_settings.content_md5
