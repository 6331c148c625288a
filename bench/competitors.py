"""The competitors: command, environment and settings of each."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.scenarios import DOWN, VERIFY
from bench.servers.running import ACCOUNT, CONTAINER, ROOT, Target

PEERS = ROOT / ".venv-bench"
DJANGO = PEERS / "django" / "bin" / "python"
CLI = PEERS / "cli" / "bin" / "python"
AZCOPY = Path(shutil.which("azcopy") or "azcopy-is-not-on-PATH")
OURS = "azureblob.staticfiles.StaticBlobStorage"
MEDIA = "azureblob.storage.BlobStorage"
STOCK = "storages.backends.azure_storage.AzureStorage"
REPAIRED = "bench.stock.ManifestAzureStorage"
LOCAL = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
_FINDER = "django.contrib.staticfiles.finders.FileSystemFinder"
_APPS = ["django.contrib.staticfiles"]


@dataclass(frozen=True)
class Place:
    """Where a competitor works: its tree, a folder for its output, and the service. `kept` is a
    folder that outlives the round, and `case` the case that is being run."""

    tree: Path
    folder: Path
    kept: Path
    target: Target | None = None
    case: str = ""

    @property
    def fetched(self) -> Path:
        """Where media is downloaded to."""
        return self.folder / "fetched"


@dataclass(frozen=True)
class Competitor:
    """`names` is what the container has afterwards: `plain` names, `hashed` ones with a manifest,
    or `saved` files; `local` if there is no container. A competitor that `marks` its tree, as
    azcopy does with digests, gets a copy of its own."""

    name: str
    label: str
    command: Callable[[Place], list[str]]
    environment: Callable[[Place], dict[str, str]]
    names: str = "plain"
    needs: Path | None = None
    marks: bool = False

    def is_there(self) -> bool:
        return self.needs is None or self.needs.exists()


def _collectstatic(python: Path) -> Callable[[Place], list[str]]:
    return lambda _: [str(python), "-m", "django", "collectstatic", "--noinput", "-v0"]


def _environment(place: Place, **more: str) -> dict[str, str]:
    """Nothing from our own environment: with PYTHONDONTWRITEBYTECODE, each process would compile
    everything again."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(place.folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        **more,
    }


def _django(
    apps: list[str],
    backend: str,
    options: Mapping[str, Any] | None,
    alias: str = "staticfiles",
    **settings: Any,
) -> Callable[[Place], dict[str, str]]:
    """The environment of a Django process. Without `options` the storage gets its account from a
    connection string, as django-storages needs it for an endpoint with a path."""

    def environment(place: Place) -> dict[str, str]:
        given: dict[str, Any] = dict(options or {})
        account: dict[str, Any] = {}
        if place.target:
            given["azure_container"] = CONTAINER
            if options is None:
                given["connection_string"] = place.target.connection_string
            else:
                account = {
                    "AZURE_ACCOUNT_NAME": ACCOUNT,
                    "AZURE_ACCOUNT_KEY": place.target.key,
                    "AZURE_BLOB_ENDPOINT": f"{place.target.endpoint}/",
                }
        return _environment(
            place,
            DJANGO_SETTINGS_MODULE="bench.settings",
            BENCH_SETTINGS=json.dumps(
                {
                    "INSTALLED_APPS": apps,
                    "STATIC_URL": "/static/",
                    "STATIC_ROOT": str(place.folder / "collected"),
                    "STATICFILES_DIRS": [str(place.tree)],
                    # So that apps with static files do not have more to send than others.
                    "STATICFILES_FINDERS": [_FINDER],
                    "STORAGES": {
                        "staticfiles": {"BACKEND": LOCAL},
                        alias: {"BACKEND": backend, "OPTIONS": given},
                    },
                    **account,
                    **settings,
                }
            ),
        )

    return environment


def _floor(place: Place) -> dict[str, str]:
    assert place.target is not None  # noqa: S101 - for the type checker
    return {
        **_django([*_APPS, "bench.commands"], LOCAL, {})(
            Place(place.tree, place.folder, place.kept)
        ),
        "FLOOR_PORT": str(place.target.port),
        "FLOOR_CONTAINER": f"/{ACCOUNT}/{CONTAINER}",
        "FLOOR_SAS": place.target.sas,
    }


def _upload_batch(place: Place) -> list[str]:
    words = ["storage", "blob", "upload-batch", "--destination", CONTAINER]
    words += ["--source", str(place.tree), "--overwrite", "--no-progress", "--output", "none"]
    return [str(CLI), "-m", "azure.cli", *words]


def _cli(place: Place) -> dict[str, str]:
    assert place.target is not None  # noqa: S101 - for the type checker
    return {
        **_environment(place),
        "PYTHONPATH": "",
        "AZURE_STORAGE_CONNECTION_STRING": place.target.connection_string,
        # Its index of commands takes a minute to make.
        "AZURE_CONFIG_DIR": str(place.kept / "azure-cli"),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_CORE_ONLY_SHOW_ERRORS": "yes",
    }


_QUIET = ("--output-level", "quiet")


def _azcopy_static(place: Place) -> list[str]:
    assert place.target is not None  # noqa: S101 - for the type checker
    words = [str(place.tree), place.target.url, "--from-to", "LocalBlob", "--put-md5"]
    return [str(AZCOPY), "sync", *words, "--compare-hash", "MD5", *_QUIET]


def _azcopy_media(place: Place) -> list[str]:
    """`copy` is azcopy's fastest command. Only `sync` compares content; its --dry-run sends
    nothing."""
    assert place.target is not None  # noqa: S101 - for the type checker
    url = place.target.url
    if place.case == DOWN:
        blobs = url.replace("?", "/*?", 1)
        words = ["--from-to", "BlobLocal", "--recursive", "--check-md5", "FailIfDifferent"]
        return [str(AZCOPY), "copy", blobs, str(place.fetched), *words, *_QUIET]
    if place.case == VERIFY:
        words = ["--from-to", "LocalBlob", "--compare-hash", "MD5", "--dry-run"]
        return [str(AZCOPY), "sync", str(place.tree), url, *words]
    words = ["--from-to", "LocalBlob", "--recursive", "--put-md5"]
    return [str(AZCOPY), "copy", f"{place.tree}/*", url, *words, *_QUIET]


def _azcopy_environment(place: Place) -> dict[str, str]:
    return {
        **_environment(place),
        "AZCOPY_LOG_LOCATION": str(place.folder / "azcopy-logs"),
        "AZCOPY_JOB_PLAN_LOCATION": str(place.folder / "azcopy-plans"),
        "AZCOPY_DISABLE_SYSLOG": "true",
    }


def _migratemedia(place: Place) -> list[str]:
    command = [str(_PYTHON), "-m", "django", "migratemedia", "-v0"]
    if place.case == DOWN:
        return [*command, "--download", str(place.fetched)]
    return [*command, *(["--verify"] if place.case == VERIFY else []), str(place.tree)]


def _save(_: Place) -> list[str]:
    return [str(_PYTHON), "-m", "django", "savefiles"]


_PYTHON = Path(sys.executable)
_OWN_APPS = ["azureblob", *_APPS]
_FASTA: dict[str, Any] = {
    "COLLECTFASTA_STRATEGY": "collectfasta.strategies.azure.AzureBlobStrategy",
    "COLLECTFASTA_THREADS": 16,
}
_PLAIN = {"hashed_names": False, "gzip": False}
_OWN = _collectstatic(_PYTHON)

_ALL = (
    Competitor(
        "floor",
        "the floor",
        lambda _: [str(_PYTHON), "-m", "django", "publishfloor"],
        _floor,
    ),
    Competitor("plain", "this project, unhashed", _OWN, _django(_OWN_APPS, OURS, _PLAIN)),
    Competitor(
        "gzip",
        "this project, unhashed, compressed",
        _OWN,
        _django(_OWN_APPS, OURS, {"hashed_names": False}),
    ),
    Competitor(
        "hashed",
        "this project, hashed, compressed",
        _OWN,
        _django(_OWN_APPS, OURS, {"keep_unhashed": "needed"}),
        "hashed",
    ),
    Competitor(
        "hashed-all",
        "this project, hashed, compressed, with all plain names",
        _OWN,
        _django(_OWN_APPS, OURS, {}),
        "hashed",
    ),
    Competitor("stock", "django-storages", _OWN, _django(_APPS, STOCK, None)),
    Competitor(
        "stock-manifest",
        "django-storages with manifest, repaired",
        _OWN,
        _django(_APPS, REPAIRED, None),
        "hashed",
    ),
    Competitor(
        "collectfasta",
        "collectfasta, 16 threads",
        _collectstatic(DJANGO),
        _django(["collectfasta", *_APPS], STOCK, None, **_FASTA),
        needs=DJANGO,
    ),
    Competitor(
        "hashed-packages",
        "this project, hashed, compressed, missing references allowed",
        _OWN,
        _django(_OWN_APPS, OURS, {"keep_unhashed": "needed", "missing_references": "warn"}),
        "hashed",
    ),
    Competitor(
        "azcopy",
        "azcopy sync",
        _azcopy_static,
        _azcopy_environment,
        needs=AZCOPY,
        marks=True,
    ),
    Competitor("upload-batch", "az storage blob upload-batch", _upload_batch, _cli, needs=CLI),
    Competitor(
        "django-manifest",
        "Django's ManifestStaticFilesStorage",
        _OWN,
        _django(_APPS, LOCAL, {}),
        "local",
    ),
    Competitor(
        "hashing",
        "this project's hashing",
        lambda _: [str(_PYTHON), "-m", "django", "hashstatic"],
        _django([*_OWN_APPS, "bench.commands"], LOCAL, {}),
        "local",
    ),
    Competitor(
        "migratemedia",
        "this project's migratemedia",
        _migratemedia,
        _django(_OWN_APPS, MEDIA, {}, "default", DATABASES={}),
    ),
    Competitor(
        "azcopy-media",
        "azcopy copy; sync --dry-run to verify",
        _azcopy_media,
        _azcopy_environment,
        needs=AZCOPY,
        marks=True,
    ),
    Competitor(
        "save",
        "this project's storage",
        _save,
        _django([*_OWN_APPS, "bench.commands"], MEDIA, {}, "default"),
        "saved",
    ),
    Competitor(
        "stock-save",
        "django-storages",
        _save,
        _django([*_APPS, "bench.commands"], STOCK, None, "default"),
        "saved",
    ),
)
COMPETITORS = {competitor.name: competitor for competitor in _ALL}
