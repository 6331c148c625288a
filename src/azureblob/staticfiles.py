"""The storage for static files: their URLs for pages, and the options of `collectstatic`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings
from django.core.files.base import File
from django.utils.deconstruct import deconstructible
from django.utils.functional import LazyObject, empty
from storages.base import BaseStorage
from storages.utils import setting

from azureblob import options
from azureblob.caching import SharedCache
from azureblob.credentials import auth_conflicts
from azureblob.endpoints import blob_endpoint, custom_domain
from azureblob.publish import ManifestError
from azureblob.publish.headers import ENCODINGS, IMMUTABLE, SETTABLE, SHORT, HeaderRules
from azureblob.reconstruction import Reconstructible

if TYPE_CHECKING:
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
_QUERY_OR_FRAGMENT = re.compile("[?#]")
# Commands that create the manifest, run before it exists, or render no page. They must run even if
# an app of the site calls static() while it is imported.
_COMMANDS_WITHOUT_MANIFEST = {
    "check",
    "collectstatic",
    "doctor",
    "findstatic",
    "makemigrations",
    "migrate",
    "prunestatic",
}
# By container, as the first threads of a process may each create a storage.
_MANIFESTS: SharedCache[Mapping[str, str]] = SharedCache()
_RUN = "Run manage.py collectstatic for this container"


def _text(name: str | PurePath) -> str:
    return name.as_posix() if isinstance(name, PurePath) else name


def resolved(storage: Any) -> Any:
    """The storage itself, if Django has wrapped it in a lazy object."""
    if isinstance(storage, LazyObject):
        if storage._wrapped is empty:
            storage._setup()
        return storage._wrapped
    return storage


def _plain_urls() -> bool:
    """Whether URLs have plain names and no manifest is read: with DEBUG on, as in Django's own
    storage, and in commands that must run without a manifest."""
    return settings.DEBUG or not _COMMANDS_WITHOUT_MANIFEST.isdisjoint(sys.argv[1:2])


def _split(name: str) -> tuple[str, str]:
    """The name, and the query or fragment after it."""
    base = _QUERY_OR_FRAGMENT.split(name, maxsplit=1)[0]
    return base, name[len(base) :]


class _FromBlobs:
    """A method of StaticBlobStorage.blobs."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, storage: StaticBlobStorage | None, owner: type) -> Any:
        return self if storage is None else getattr(storage.blobs, self._name)


@deconstructible
class _Deconstructible(BaseStorage):  # type: ignore[misc]  # django-storages has no types
    """A base class that migrations can refer to when it is the storage of a file field."""


class StaticBlobStorage(Reconstructible, _Deconstructible):
    """The storage for STORAGES["staticfiles"]. The account's settings are those of BlobStorage:
    AZURE_ACCOUNT_NAME, AZURE_ACCOUNT_KEY, AZURE_BLOB_ENDPOINT, AZURE_CUSTOM_DOMAIN and
    AZURE_AUTH_MODE. Its own options, with their defaults:

    hashed_names        names contain a hash of the content, and browsers may cache the files
                        forever; a manifest has the names (True)
    keep_unhashed       which files are published under their own names as well: `all` (default),
                        those `needed` by a reference in another file, `none`
    missing_references  `error` (default) or `warn`: for a url() that leads to no file
    manifest_storage    Django's ManifestStaticFilesStorage, or a subclass, whose rules are used
    manifest_strict     False: a name that is not in the manifest gets its plain URL (True)
    gzip                text is compressed if that saves 5% or more (True)
    cache_control       for names that do not change with the content ("public, max-age=300")
    immutable           for hashed names ("public, max-age=31536000, immutable")
    headers             {glob: {header: value}} for Cache-Control, Content-Type, Content-Language,
                        Content-Disposition, and Content-Encoding for files that are encoded
                        already; the last glob that matches a name wins
    connections, attempts, stall_seconds
                        of a publish: concurrent requests (64), attempts (6), and how long a
                        transfer may make no progress before it is tried again (20)

    azure-storage-blob is loaded when a file is opened or saved, not to publish or to make a URL.
    Raises ImproperlyConfigured for invalid options.
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
            f"{name} is {value!r}: it must be one of {', '.join(known)}"
            for name, value, known in (
                ("keep_unhashed", self.keep_unhashed, _KEEP_UNHASHED),
                ("missing_references", self.missing_references, _ON_MISSING),
            )
            if value not in known
        ]
        problems += [
            f"headers[{pattern!r}] sets {name!r}: it must be one of {', '.join(SETTABLE)}"
            for pattern, values in self.headers.items()
            for name in values
            if name not in SETTABLE
        ]
        problems += [
            f"headers[{pattern!r}] sets Content-Encoding to {value!r}: it must be one of "
            f"{', '.join(filter(None, ENCODINGS))}, or empty for none"
            for pattern, values in self.headers.items()
            if (value := values.get("Content-Encoding", "")) not in ENCODINGS
        ]
        problems += [
            f"{name} is {value!r}: it must be a whole number of at least 1"
            for name in ("connections", "attempts", "stall_seconds")
            if not isinstance(value := getattr(self, name), int) or value < 1
        ]
        problems += [
            f"{where} is {value!r}: it must be printable ASCII"
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
            # With DEBUG on, pages use the plain names.
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
        """The file's URL for a page; with DEBUG on, that of its plain name. Only the first call of
        a process makes a request, for the manifest.

        Raises ValueError for a name that is not in the manifest (unless `manifest_strict` is off),
        and ManifestError if there is no usable manifest.
        """
        name = _text(name)
        path, tail = _split(name) if self.hashed_names else (name, "")
        # As in Django, a folder has no hashed name, even with a query.
        if self.hashed_names and name and not path.endswith("/") and not _plain_urls():
            path, tail = self._found(name)
        scheme = "http" if self.blob_endpoint.startswith("http://") else "https"
        base = f"{scheme}://{self.custom_domain}/{self.azure_container}"
        return f"{base}/{quote(path, safe='/~')}{tail}"

    def stored_name(self, name: str | PurePath) -> str:
        """The name of a static file's blob. Raises the same errors as url()."""
        name = _text(name)
        return self._found(name)[0] if self.hashed_names else name

    def _found(self, name: str) -> tuple[str, str]:
        """The hashed name, and the query or fragment of the plain one."""
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
        """Plain names to hashed names. The manifest is read on first use, once per process."""
        if self._paths is None:
            self._paths = _MANIFESTS.get(self._manifest_key, self._read_manifest)
        return self._paths

    def forget_manifest(self) -> None:
        """Read the manifest again on next use; for a process that has published another."""
        _MANIFESTS.forget(self._manifest_key)
        self._paths = None

    @property
    def _manifest_key(self) -> tuple[str, str, str]:
        return (self.blob_endpoint, self.azure_container, self.manifest_name)

    def _read_manifest(self) -> dict[str, str]:
        # Start-up: collectstatic does not read it, and azure-core is slow to load.
        from azure.core.exceptions import AzureError

        where = f"{self.manifest_name} of the container {self.azure_container!r}"
        try:
            with self.blobs.open(self.manifest_name) as file:
                content = file.read()
        except FileNotFoundError:
            raise ManifestError(f"There is no {where}: nothing was published. {_RUN}.") from None
        except AzureError as error:
            # The error's own text may contain URLs and signatures.
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

    # --- Files ------------------------------------------------------------------------------------

    @cached_property
    def blobs(self) -> BlobStorage:
        """A storage for any file of the container; it overwrites, as publishing does."""
        # Imported here for start-up time: azure-storage-blob is slow to load.
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

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        file: File[Any] = self.blobs.open(name, mode)
        return file

    def _save(self, name: str, content: File[Any]) -> str:
        return self.blobs.save(name, content)

    delete = _FromBlobs()
    exists = _FromBlobs()
    listdir = _FromBlobs()
    # In bytes as stored, which is the compressed size if the file is compressed.
    size = _FromBlobs()
    get_modified_time = _FromBlobs()
    get_created_time = _FromBlobs()
    get_accessed_time = _FromBlobs()
    get_available_name = _FromBlobs()
    get_valid_name = _FromBlobs()
    service = _FromBlobs()
