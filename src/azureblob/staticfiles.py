"""Static files in a container: their URLs for pages, and how `collectstatic` publishes them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.utils.deconstruct import deconstructible
from django.utils.functional import LazyObject, empty
from storages.base import BaseStorage
from storages.utils import setting

from azureblob import options
from azureblob.caching import SharedCache
from azureblob.credentials import auth_conflicts
from azureblob.endpoints import blob_endpoint, custom_domain
from azureblob.publish.headers import ENCODINGS, IMMUTABLE, SETTABLE, SHORT, HeaderRules
from azureblob.reconstruction import Reconstructible

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient

    from azureblob.storage import BlobStorage

MANIFEST = "staticfiles.json"
_KEEP_UNHASHED = ("all", "needed", "none")
_ON_MISSING = ("error", "warn")
_ACCOUNT = (
    "account_name",
    "account_key",
    "blob_endpoint",
    "custom_domain",
    "auth_mode",
    "token_credential",
)
_TAIL = re.compile("[?#]")
# They make the manifest, come before it, or show no page. An app of the site that calls static()
# while it is imported must not keep them from running.
_COMMANDS_WITHOUT_MANIFEST = {
    "check",
    "collectstatic",
    "doctor",
    "findstatic",
    "makemigrations",
    "migrate",
    "prunestatic",
}
# By container: the first threads of a process may each make a storage of their own.
_MANIFESTS: SharedCache[Mapping[str, str]] = SharedCache()
_RUN = "Run manage.py collectstatic for this container"


def _text(name: str | PurePath) -> str:
    return name.as_posix() if isinstance(name, PurePath) else name


def resolved(storage: Any) -> Any:
    """The storage itself where Django has it wrapped to be made later."""
    if isinstance(storage, LazyObject):
        if storage._wrapped is empty:
            storage._setup()
        return storage._wrapped
    return storage


def _plain_urls() -> bool:
    """Whether pages get plain URLs and no manifest is read: with DEBUG on, as by Django's own
    storage, and in commands that must run without it."""
    return settings.DEBUG or not _COMMANDS_WITHOUT_MANIFEST.isdisjoint(sys.argv[1:2])


def _split(name: str) -> tuple[str, str]:
    """The name, and a query or fragment behind it."""
    base = _TAIL.split(name, maxsplit=1)[0]
    return base, name[len(base) :]


class ManifestError(ImproperlyConfigured):
    """There is no manifest to take names from; the text says what to do."""


@deconstructible
class _Deconstructible(BaseStorage):  # type: ignore[misc]  # django-storages has no types
    """As a file field's storage it can stand in a migration."""


class StaticBlobStorage(Reconstructible, _Deconstructible):
    """The storage for STORAGES["staticfiles"]. Its account's settings are those of BlobStorage:
    AZURE_ACCOUNT_NAME, AZURE_ACCOUNT_KEY, AZURE_BLOB_ENDPOINT, AZURE_CUSTOM_DOMAIN and
    AZURE_AUTH_MODE. Options of its own:

    hashed_names        names with a digest, immutable for browsers, by a manifest (True)
    keep_unhashed       which files are published under their own names as well: `all` (default),
                        those `needed` by something in the tree, `none`
    missing_references  `error` (default) or `warn`: for a url() that leads to no file
    manifest_storage    Django's ManifestStaticFilesStorage, or a subclass, whose rules are used
    manifest_strict     False: a name that the manifest lacks gets its plain URL (True)
    gzip                text is packed where that saves 5% or more (True)
    cache_control       for names that stay the same ("public, max-age=300")
    immutable           for hashed names ("public, max-age=31536000, immutable")
    headers             {glob: {header: value}} for Cache-Control, Content-Type, Content-Language,
                        Content-Disposition and Content-Encoding (of files that are encoded
                        already); the last glob that matches a name wins
    connections, attempts, stall_seconds
                        of a publish: side by side (64), tries (6), until a transfer that stands
                        still is tried again (20)

    azure-storage-blob is loaded when a file is opened or saved, and not to publish or for a URL.
    Raises ImproperlyConfigured for options that mean nothing.
    """

    # Set by BaseStorage from the options and these settings.
    blob_endpoint: str
    custom_domain: str

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.blob_endpoint = blob_endpoint(self.blob_endpoint, self.account_name)
        problems = options.domain(self.custom_domain)
        self.custom_domain = custom_domain(self.custom_domain, self.blob_endpoint).rstrip("/")
        problems += options.switches(self, ("hashed_names", "manifest_strict", "gzip"))
        problems += [
            f"{name} is {value!r}: one of {', '.join(known)}"
            for name, value, known in (
                ("keep_unhashed", self.keep_unhashed, _KEEP_UNHASHED),
                ("missing_references", self.missing_references, _ON_MISSING),
            )
            if value not in known
        ]
        problems += [
            f"headers[{pattern!r}] sets {name!r}: one of {', '.join(SETTABLE)}"
            for pattern, values in self.headers.items()
            for name in values
            if name not in SETTABLE
        ]
        problems += [
            f"headers[{pattern!r}] sets Content-Encoding to {value!r}: one of "
            f"{', '.join(filter(None, ENCODINGS))}, or empty for none"
            for pattern, values in self.headers.items()
            if (value := values.get("Content-Encoding", "")) not in ENCODINGS
        ]
        problems += [
            f"{name} is {value!r}: a number from 1 on"
            for name in ("connections", "attempts", "stall_seconds")
            if not isinstance(value := getattr(self, name), int) or value < 1
        ]
        problems += [
            f"{where} is {value!r}: printable ASCII"
            for where, value in self._header_values()
            if not (isinstance(value, str) and value.isascii() and value.isprintable())
        ]
        if not self.blob_endpoint:
            problems.append("AZURE_ACCOUNT_NAME is not set")
        problems += auth_conflicts(
            key=self.account_key,
            identity=bool(self.token_credential) or self.auth_mode == "identity",
            endpoint=self.blob_endpoint,
        )
        if problems:
            text = "Options of the static storage:\n" + "\n".join(problems)
            raise options.OptionsError(text, self)
        self._paths: Mapping[str, str] | None = None

    def get_default_settings(self) -> dict[str, Any]:
        return {
            "account_name": setting("AZURE_ACCOUNT_NAME"),
            "account_key": setting("AZURE_ACCOUNT_KEY"),
            "blob_endpoint": setting("AZURE_BLOB_ENDPOINT"),
            "custom_domain": setting("AZURE_CUSTOM_DOMAIN"),
            "auth_mode": setting("AZURE_AUTH_MODE", "key"),
            "token_credential": setting("AZURE_TOKEN_CREDENTIAL"),
            "azure_container": setting("AZURE_STATIC_CONTAINER", "static"),
            "hashed_names": True,
            # With DEBUG on, pages ask for the plain names.
            "keep_unhashed": "all",
            "missing_references": "error",
            "manifest_storage": ("django.contrib.staticfiles.storage.ManifestStaticFilesStorage"),
            "manifest_name": MANIFEST,
            "manifest_strict": True,
            "gzip": True,
            "cache_control": SHORT,
            "immutable": IMMUTABLE,
            "headers": {},
            "connections": 64,
            "attempts": 6,
            "stall_seconds": 20,
        }

    def _header_values(self) -> list[tuple[str, str]]:
        own = [("cache_control", self.cache_control), ("immutable", self.immutable)]
        return own + [
            (f"headers[{pattern!r}]", value)
            for pattern, values in self.headers.items()
            for value in values.values()
        ]

    @property
    def header_rules(self) -> HeaderRules:
        return HeaderRules(self.immutable, self.cache_control, self.headers)

    # --- URLs -------------------------------------------------------------------------------------

    def url(self, name: str | PurePath) -> str:
        """The file's address for a page; with DEBUG on that of its plain name. No request is made,
        but for the manifest, once.

        Raises ValueError for a name that the manifest lacks (unless `manifest_strict` is off), and
        ManifestError where there is no manifest.
        """
        name = _text(name)
        path, tail = _split(name) if self.hashed_names else (name, "")
        # As in Django, a folder has no hashed name, whatever query comes after it.
        if self.hashed_names and name and not path.endswith("/") and not _plain_urls():
            path, tail = self._found(name)
        scheme = "http" if self.blob_endpoint.startswith("http://") else "https"
        base = f"{scheme}://{self.custom_domain}/{self.azure_container}"
        return f"{base}/{quote(path, safe='/~')}{tail}"

    def stored_name(self, name: str | PurePath) -> str:
        """The blob's name for a static file's. Raises as url() does."""
        name = _text(name)
        return self._found(name)[0] if self.hashed_names else name

    def _found(self, name: str) -> tuple[str, str]:
        """The hashed name, and a query or fragment that stood behind the plain one."""
        paths = self.paths
        if name in paths:
            return paths[name], ""
        base, tail = _split(name)
        if base in paths:
            return paths[base], tail
        if self.manifest_strict:
            raise ValueError(
                f"Missing staticfiles manifest entry for {name!r}. {_RUN}, then start the site "
                "again: a process reads the manifest once."
            )
        return name, ""

    @property
    def paths(self) -> Mapping[str, str]:
        """Plain name to hashed name, as the manifest has it; read when first asked for."""
        if self._paths is None:
            self._paths = _MANIFESTS.get(self._manifest_key, self._read_manifest)
        return self._paths

    def forget_manifest(self) -> None:
        """Read it again when next asked: another was published by this process."""
        _MANIFESTS.forget(self._manifest_key)
        self._paths = None

    @property
    def _manifest_key(self) -> tuple[str, str, str]:
        return (self.blob_endpoint, self.azure_container, self.manifest_name)

    def _read_manifest(self) -> dict[str, str]:
        from azure.core.exceptions import AzureError

        where = f"{self.manifest_name} of the container {self.azure_container!r}"
        try:
            with self.blobs.open(self.manifest_name) as file:
                content = file.read()
        except FileNotFoundError:
            raise ManifestError(f"There is no {where}: nothing was published. {_RUN}.") from None
        except AzureError as error:
            # The error's own text may hold addresses and signatures.
            raise ManifestError(
                f"{where} cannot be read ({type(error).__name__}). See what /healthz says, and "
                "whether the account is the right one."
            ) from None
        try:
            paths = json.loads(content)["paths"]
            if not isinstance(paths, dict):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise ManifestError(f"{where} is no manifest of Django's. {_RUN}.") from None
        return paths

    # --- A storage as any other -------------------------------------------------------------------

    @cached_property
    def blobs(self) -> BlobStorage:
        """The container without a publisher's view of it."""
        from azureblob.storage import BlobStorage

        blobs = BlobStorage(
            overwrite_files=True,
            signed=False,
            check_content=False,
            **{name: getattr(self, name) for name in (*_ACCOUNT, "azure_container")},
            cache_control=self.cache_control,
        )
        blobs.decodes = True
        return blobs

    def service(self, *, retries: int, connect: float, read: float) -> BlobServiceClient:
        return self.blobs.service(retries=retries, connect=connect, read=read)

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        file: File[Any] = self.blobs.open(name, mode)
        return file

    def _save(self, name: str, content: File[Any]) -> str:
        return self.blobs._save(name, content)

    def delete(self, name: str) -> None:
        self.blobs.delete(name)

    def exists(self, name: str) -> bool:
        return self.blobs.exists(name)

    def listdir(self, path: str = "") -> tuple[list[str], list[str]]:
        return self.blobs.listdir(path)

    def size(self, name: str) -> int:
        """Of what is stored: of the packed bytes, where the file is packed."""
        return self.blobs.size(name)

    def get_modified_time(self, name: str) -> datetime:
        return self.blobs.get_modified_time(name)

    def get_created_time(self, name: str) -> datetime:
        return self.blobs.get_created_time(name)

    def get_accessed_time(self, name: str) -> datetime:
        return self.blobs.get_accessed_time(name)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return self.blobs.get_available_name(name, max_length)

    def get_valid_name(self, name: str) -> str:
        return str(self.blobs.get_valid_name(name))
