"""A container of a storage account as a Django storage.

django-storages provides the settings and the client. This adds what its Azure backend lacks:
Django's contract for storages, endpoints of any shape, URLs without a network call, identities,
Python's own exceptions, and concurrent saves that do not collide.
"""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from pathlib import PurePath
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast
from urllib.parse import quote

from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceResponseError,
)
from azure.storage.blob import (
    BlobPrefix,
    BlobProperties,
    ContentSettings,
    StorageErrorCode,
)
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File
from django.core.files.storage import Storage
from django.core.files.utils import validate_file_name
from django.utils import timezone
from storages.utils import get_available_overwrite_name, setting

from azureblob.client import BUDGET
from azureblob.container import ONE_REQUEST_BYTES, Container
from azureblob.content_types import content_encoding, content_type
from azureblob.file import BlobFile, ServerSideCopy, gunzip, seekable
from azureblob.names import LONGEST, cleaned_name, invalid_reason, normalized, storable_path
from azureblob.outages import error_code
from azureblob.rest.models import BLOB_HEADERS, blob_headers, metadata_headers
from azureblob.signing import (
    LONGEST_BY_IDENTITY,
    between,
    checked_parameters,
    permission_of,
    window,
)
from azureblob.timeouts import current

# Attempts at what a concurrent writer can undo, or a name that a subclass insists on.
_ATTEMPTS = 5
# Of concurrent uploads in blocks to one name, only one succeeds at a time.
_BLOCK_ATTEMPTS = 20
# Headers that would follow from the name; only the content can justify them.
_UNCHECKED: dict[str, None] = {"content_disposition": None, "content_encoding": None}

# The storage that is looking for a free name, and the names that are taken.
_looking: ContextVar[tuple[BlobStorage, Set[str]] | None] = ContextVar("looking", default=None)


class BlobStorage(Container):
    """A storage for uploads, or for any container.

    It reads the settings AZURE_ACCOUNT_NAME, AZURE_ACCOUNT_KEY, AZURE_BLOB_ENDPOINT and
    AZURE_CUSTOM_DOMAIN. Each can also be an option in STORAGES, in lower case and without AZURE_.

    With AZURE_AUTH_MODE `identity` it signs in without a key, with the option `token_credential`
    (AZURE_TOKEN_CREDENTIAL) or an identity of the environment.

    Instances that libraries create without options are safe: `azure_container` defaults to
    AZURE_MEDIA_CONTAINER, then AZURE_CONTAINER; `signed` is on if AZURE_MEDIA_ACCESS is `private`;
    `signed_seconds` defaults to AZURE_MEDIA_URL_SECONDS; `check_content` is on unless
    AZURE_CHECK_CONTENT is False.

    With `signed`, `url()` returns a read signature that stays the same for `signed_seconds`, on the
    account's own host rather than the custom domain. `location` is a folder for all names;
    AZURE_LOCATION is not read, because other tools use it for a region. `client_options` are
    BlobServiceClient's.

    With `check_content`, the content type follows the first bytes of a file: pictures, sound and
    video are stored as such, and everything else as an attachment that browsers do not open.

    Raises ImproperlyConfigured for options that are unsupported or contradict each other, for a
    period of over three days, and for a key together with an identity.
    """

    # Whether open() decodes blobs with `Content-Encoding: gzip`: only for files that the site
    # compressed itself. Other blobs are read as they are stored.
    decodes = False

    # --- Names and URLs ---------------------------------------------------------------------------

    def _get_valid_path(self, name: str) -> str:
        """The blob's name in the container. Raises SuspiciousFileOperation for names outside it."""
        path = normalized(name)
        return f"{self.location}/{path}" if self.location and path else path or self.location

    def _existing(self, name: str) -> str:
        """The path of a blob that may exist. Raises FileNotFoundError if it cannot exist."""
        path = self._get_valid_path(name)
        if not normalized(name) or str(name).endswith(("/", "\\")) or invalid_reason(path):
            raise FileNotFoundError(errno.ENOENT, "There is no blob", str(name))
        return path

    def url(
        self,
        name: str | PurePath,
        expire: int | None = None,
        parameters: Mapping[str, Any] | None = None,
        mode: str = "r",
    ) -> str:
        """The blob's URL for a page; makes no request.

        `expire`, `parameters` and `mode` are django-storages' arguments. Each of them makes the URL
        a signed one, even if `signed` is off. `expire` is how many seconds it is valid;
        `parameters` are generate_blob_sas's, such as content_disposition for the response; `mode`
        contains the letters of the permissions.

        Raises ValueError if one of the three is invalid.
        """
        name = str(name)
        path = self._get_valid_path(name)
        if path and (not normalized(name) or name.endswith("/")):
            path += "/"
        blob = f"{self.azure_container}/{quote(path, safe='/~')}"
        plain = expire is None and not parameters and mode == "r"
        if plain and not self.signed:
            return f"{self.azure_protocol}://{self.custom_domain}/{blob}"
        target = {"container": self.azure_container, "blob": path}
        https = self.azure_protocol == "https"
        if plain:
            signature = self.signer.read(**target, period=self.signed_seconds, https_only=https)
        else:
            signature = self.signer.grant(
                **target,
                permission=permission_of(mode),
                times=self._times(expire),
                https_only=https,
                **checked_parameters(parameters or {}),
            )
        return f"{self.blob_endpoint.rstrip('/')}/{blob}?{signature}"

    def _times(self, expire: int | None) -> tuple[datetime, datetime]:
        """Start and end of the validity of a URL with `expire`. Raises ValueError."""
        if expire is None:
            return window(time.time(), self.signed_seconds)
        longest = None if self.account_key else LONGEST_BY_IDENTITY
        text = str(expire)
        digits = text.isascii() and text.isdigit() and len(text) <= 9
        if not digits or not 0 < int(text) <= (longest or int(text)):
            limit = f"from 1 to {longest}" if longest else "of at least 1"
            raise ValueError(f"expire is {expire!r}: it must be a whole number of seconds {limit}.")
        return between(time.time(), int(text))

    def exists(self, name: str) -> bool:
        """Whether a file of this name exists; never raises SuspiciousFileOperation.

        `exists("")` is true: the name is the container itself. Folders do not exist.
        """
        try:
            if not normalized(name):
                return True
            path = self._existing(name)
        except (FileNotFoundError, SuspiciousFileOperation):
            return False
        return bool(self.client.get_blob_client(path).exists(timeout=self.timeout))

    def listdir(self, path: str = "") -> tuple[list[str], list[str]]:
        """The names of the folders and files directly in `path`.

        Both lists are empty for a missing folder: a folder exists as long as it contains something.
        """
        folder = self._get_valid_path(path)
        prefix = f"{folder}/" if folder else ""
        folders, files = [], []
        with _missing(path):
            for item in self.client.walk_blobs(name_starts_with=prefix, timeout=self.timeout):
                if isinstance(item, BlobPrefix):
                    folders.append(item.name[len(prefix) :].rstrip("/"))
                elif item.name != prefix:
                    files.append(item.name[len(prefix) :])
        return folders, files

    # --- Reading ----------------------------------------------------------------------------------

    def _open(self, name: str, mode: str = "rb") -> BlobFile:
        """Raises FileNotFoundError: the blob is downloaded immediately when it is opened for
        reading. Opening for writing replaces what is there.
        """
        return BlobFile(name, mode, self)

    def fetch_for(self, kind: str, name: str, file: SpooledTemporaryFile[bytes]) -> bool:
        """Fill a file that is opened in a mode of this kind. Returns whether it has to be stored
        even if nothing is written.

        Raises FileNotFoundError, FileExistsError for mode `x`, and SuspiciousFileOperation if no
        blob can have this name.
        """
        if kind != "r":
            self._storable(name)
        if kind == "x" and self.exists(name):
            raise FileExistsError(errno.EEXIST, "This blob exists already", str(name))
        if kind in "wx":
            return True
        try:
            self._download(name, file)
        except FileNotFoundError:
            if kind == "r":
                raise
            return True
        return False

    def _download(self, name: str, file: SpooledTemporaryFile[bytes]) -> None:
        path = self._existing(name)
        for left in reversed(range(_ATTEMPTS)):
            file.seek(0)
            file.truncate()
            try:
                with _missing(name), self.circuit.streaming():
                    stored = self.client.download_blob(path, timeout=self.timeout, decompress=False)
                    stored.readinto(file)
                    if stored.size != file.tell():
                        raise ServiceResponseError(f"{file.tell()} of {stored.size} bytes arrived")
                if self.decodes and stored.properties.content_settings.content_encoding == "gzip":
                    gunzip(file)
                return
            except ResourceModifiedError:  # replaced during the download
                if not left:
                    raise

    def _properties(self, name: str) -> BlobProperties:
        path = self._existing(name)
        with _missing(name):
            return self.client.get_blob_client(path).get_blob_properties(timeout=self.timeout)

    def size(self, name: str) -> int:
        """In bytes. Raises FileNotFoundError."""
        return int(self._properties(name).size)

    def get_modified_time(self, name: str) -> datetime:
        """Raises FileNotFoundError."""
        return _as_set(self._properties(name).last_modified)

    def get_created_time(self, name: str) -> datetime:
        """Raises FileNotFoundError."""
        return _as_set(self._properties(name).creation_time)

    def get_accessed_time(self, name: str) -> datetime:
        """To the day. Raises FileNotFoundError, and NotImplementedError if the account does not
        track it ("Enable access time tracking")."""
        accessed: datetime | None = self._properties(name).last_accessed_on
        if accessed is None:
            raise NotImplementedError("This account does not track when blobs are read.")
        return _as_set(accessed)

    # --- Writing ----------------------------------------------------------------------------------

    def delete(self, name: str) -> None:
        """Delete the blob and its snapshots, if it exists."""
        if not name:
            raise ValueError("The name must be given to delete().")
        try:
            path = self._existing(name)
        except FileNotFoundError:
            return
        try:
            self.client.delete_blob(path, timeout=self.timeout, delete_snapshots="include")
        except ResourceNotFoundError:
            return

    def save(self, name: str | None, content: File[Any], max_length: int | None = None) -> str:
        """Store the content under a free name and return the name.

        It takes one request, and another one for each name that is taken: the service itself
        refuses taken names, so no other process can take one between a check and the upload.
        """
        if name is None:
            name = cast("str", content.name)  # no name is a TypeError, as with any storage
        if not hasattr(content, "chunks"):
            content = File(content, name)
        taken: Counter[str] = Counter()
        with seekable(content, self.max_memory_size) as source:
            while True:
                # Cleans the name and checks it; a subclass may not.
                free = self._free_name(name, max_length, taken, _length(source.file))
                validate_file_name(free, allow_relative_path=True)
                try:
                    saved: str = self._save(free, source)
                except FileExistsError:
                    taken[free] += 1
                    if taken[free] == _ATTEMPTS:
                        raise
                    continue
                if saved != free:
                    validate_file_name(saved, allow_relative_path=True)
                return saved

    def _free_name(self, name: str, longest: int | None, taken: Counter[str], size: int) -> str:
        # Sending a small file to a taken name costs no more than checking the name first.
        asks = size > ONE_REQUEST_BYTES
        token = _looking.set(None if asks else (self, taken.keys()))
        try:
            return self.get_available_name(name, max_length=longest)
        finally:
            _looking.reset(token)

    def is_name_available(self, name: str, max_length: int | None = None) -> bool:
        """While a save looks for a name, every name that the service has not refused is free."""
        looking = _looking.get()
        asked = getattr(self.exists, "__func__", None) is not BlobStorage.exists
        if looking is None or looking[0] is not self or asked:
            return bool(super().is_name_available(name, max_length=max_length))
        return name not in looking[1] and not (max_length and len(name) > max_length)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """A free name; with overwrite_files the name itself, shortened if necessary.

        Raises SuspiciousFileOperation if no blob can have the name.
        """
        validate_file_name(str(name).replace("\\", "/"), allow_relative_path=True)
        name = cleaned_name(name)
        if not max_length:
            # Only callers with a limit get a name that is too long shortened.
            self._storable(name)
        room = LONGEST - (len(self.location) + 1 if self.location else 0)
        longest = min(max_length or room, room)
        if self.overwrite_files:
            return str(get_available_overwrite_name(name, longest))
        return Storage.get_available_name(self, name, longest)

    def _save(self, name: str, content: File[Any]) -> str:
        """Raises FileExistsError if the name is taken and files are not overwritten."""
        if isinstance(content, ServerSideCopy) and content.move_into(self, name):
            return name
        with seekable(content, self.max_memory_size) as source:
            self.upload(
                name, cast("IO[bytes]", source.file), overwrite=self.overwrite_files, sent=content
            )
        return name

    def _storable(self, name: str) -> str:
        """The path of a blob to store. Raises SuspiciousFileOperation if Azure accepts none."""
        return storable_path(name, self.location)

    def upload(
        self, name: str, stream: IO[bytes], *, overwrite: bool, sent: File[Any] | None = None
    ) -> None:
        """Store the whole stream under exactly this name. `sent` is the file that it came from, if
        there is one.

        Raises FileExistsError if the name is taken, SuspiciousFileOperation if no blob can have it,
        and AzureError if the service fails.
        """
        path = self._storable(name)
        settings, metadata = self.stored_as(path, stream, sent)
        # An option that only our own retry policy knows.
        budget: dict[str, Any] = (
            {} if "retry_policy" in self.client_options else {BUDGET: current()}
        )
        for left in reversed(range(_BLOCK_ATTEMPTS)):
            length = _length(stream)
            stream.seek(0)
            try:
                if self._sent_in_one_request(path, stream, length, settings, metadata, overwrite):
                    return
                stream.seek(0)
                self.client.upload_blob(
                    path,
                    stream,
                    length=length,
                    content_settings=settings,
                    metadata=metadata,
                    max_concurrency=self.upload_max_conn,
                    timeout=self.timeout,
                    overwrite=overwrite,
                    **budget,
                )
                return
            except ResourceExistsError as error:
                if error_code(error) != StorageErrorCode.BLOB_ALREADY_EXISTS:
                    raise
                raise FileExistsError(errno.EEXIST, "This blob exists already", name) from error
            except HttpResponseError as error:
                # "Put Block List" discards the blocks of another upload to this name.
                if error_code(error) != StorageErrorCode.INVALID_BLOCK_LIST or not left:
                    raise

    def _sent_in_one_request(
        self,
        path: str,
        stream: IO[bytes],
        length: int,
        settings: ContentSettings,
        metadata: dict[str, str] | None,
        overwrite: bool,
    ) -> bool:
        """Store a small file without the SDK, or return False."""
        sender = self.single_upload
        headers = blob_request_headers(settings, metadata)
        if (
            sender is None
            or length > self.single_upload_bytes
            or settings.content_md5
            or not (text := "".join(headers.values())).isascii()
            or not text.isprintable()
        ):
            return False
        if not overwrite:
            headers["If-None-Match"] = "*"
        return sender.send(path, stream.read(length), headers, timeout=self.timeout)

    def stored_as(
        self, path: str, stream: IO[bytes], sent: File[Any] | None = None
    ) -> tuple[ContentSettings, dict[str, str] | None]:
        """Headers and metadata of the blob `path`, from the first bytes of the stream. `sent` is
        the file that it came from, if there is one."""
        parameters = self._get_content_settings_parameters(path, stream)
        if not self.check_content:
            return ContentSettings(**parameters), None
        # Start-up time: it loads Pillow, which publishing does not need.
        from azureblob.uploads.inspection import stored_with

        checked, metadata = stored_with(stream, path, sent)
        return ContentSettings(**{**parameters, **_UNCHECKED, **checked}), metadata

    def _get_content_settings_parameters(self, name: str, content: Any = None) -> dict[str, Any]:
        return {
            "cache_control": self.cache_control,
            "content_type": content_type(name),
            "content_encoding": content_encoding(name, partial(_first_bytes, content)) or None,
            **self.get_object_parameters(name),
        }


def blob_request_headers(
    settings: ContentSettings, metadata: Mapping[str, str] | None
) -> dict[str, str]:
    """The headers of a request that stores a blob with these settings and metadata."""
    values = {header.attribute: getattr(settings, header.attribute) for header in BLOB_HEADERS}
    texts = {name: str(value) for name, value in values.items() if value}
    return {**blob_headers(texts), **metadata_headers(metadata or {})}


def _first_bytes(stream: IO[bytes] | None, size: int) -> bytes:
    if stream is None:
        return b""
    position = stream.tell()
    stream.seek(0)
    start = stream.read(size)
    stream.seek(position)
    return start


def _length(stream: IO[Any] | None) -> int:
    assert stream is not None  # noqa: S101 - for the type checker: seekable() gives one
    stream.seek(0, os.SEEK_END)
    return stream.tell()


def _as_set(moment: datetime) -> datetime:
    """Aware or naive, depending on USE_TZ."""
    return timezone.localtime(moment) if setting("USE_TZ") else timezone.make_naive(moment)


@contextmanager
def _missing(name: str) -> Iterator[None]:
    """Turns the SDK's error for a missing blob into FileNotFoundError."""
    try:
        yield
    except ResourceNotFoundError as error:
        no_container = error_code(error) == StorageErrorCode.CONTAINER_NOT_FOUND
        what = "There is no container for" if no_container else "There is no blob"
        raise FileNotFoundError(errno.ENOENT, what, str(name)) from error
