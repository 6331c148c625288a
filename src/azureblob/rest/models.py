"""Requests to the Blob service, its responses, and blobs as it lists them."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

_BLOCK_BYTES = 8 * 1024 * 1024
# "Put Block": a blob has at most 50,000 blocks.
_MAX_BLOCKS = 50_000
_NOTHING: Mapping[str, str] = MappingProxyType({})


class BlobHeader(NamedTuple):
    """A header that a blob is served with: its `attribute` in RemoteBlob and in the SDK's
    ContentSettings, the `request` header that sets it, and the `response` header that a browser
    gets."""

    attribute: str
    request: str
    response: str


# "Put Blob" and "Set Blob Properties".
BLOB_HEADERS = (
    BlobHeader("cache_control", "x-ms-blob-cache-control", "Cache-Control"),
    BlobHeader("content_type", "x-ms-blob-content-type", "Content-Type"),
    BlobHeader("content_language", "x-ms-blob-content-language", "Content-Language"),
    BlobHeader("content_disposition", "x-ms-blob-content-disposition", "Content-Disposition"),
    BlobHeader("content_encoding", "x-ms-blob-content-encoding", "Content-Encoding"),
)
CONTENT_MD5 = "x-ms-blob-content-md5"
METADATA_PREFIX = "x-ms-meta-"


# --- Bodies ---------------------------------------------------------------------------------------


class Bytes(NamedTuple):
    """A body in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> IO[bytes]:
        return io.BytesIO(self.data)


class FilePart(NamedTuple):
    """`size` bytes of a file from `offset` on, read while they are sent. Each attempt opens the
    file again."""

    path: Path
    offset: int
    size: int

    def open(self) -> IO[bytes]:
        file = self.path.open("rb")
        file.seek(self.offset)
        return file


Body = Bytes | FilePart
EMPTY = Bytes(b"")


# --- Requests -------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False, repr=False)
class Request:
    """`blob` is the name, not encoded; empty for the container itself. `tag` is the caller's own.
    The transport counts the `attempts`."""

    method: str
    blob: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = EMPTY
    tag: Any = None
    attempts: int = 0


def blob_headers(values: Mapping[str, str]) -> dict[str, str]:
    """The request headers for `values`, which are named as the attributes in BLOB_HEADERS. Empty
    values are left out."""
    return {
        header.request: value
        for header in BLOB_HEADERS
        if (value := values.get(header.attribute, ""))
    }


def metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    return {f"{METADATA_PREFIX}{name}": value for name, value in metadata.items()}


def put_blob(
    name: str, body: Body, digest: bytes, headers: Mapping[str, str], tag: Any = None
) -> Request:
    """Put Blob. `digest` is the body's MD5: the service refuses any other body. `headers` are the
    blob's headers and metadata, and conditions."""
    return Request(
        "PUT",
        name,
        headers={
            "x-ms-blob-type": "BlockBlob",
            "Content-MD5": base64.b64encode(digest).decode(),
            **headers,
        },
        body=body,
        tag=tag,
    )


def set_properties(
    name: str, blob: RemoteBlob, headers: Mapping[str, str], tag: Any = None
) -> Request:
    """Set Blob Properties. The service clears every property that the request leaves out, the MD5
    too, which is why the request repeats it."""
    md5 = {CONTENT_MD5: blob.md5} if blob.md5 else {}
    return Request("PUT", name, query={"comp": "properties"}, headers={**headers, **md5}, tag=tag)


# --- Responses ------------------------------------------------------------------------------------


@dataclass(eq=False, repr=False)
class Response:
    """`status` is 0 if no response came, and `failure` says why. `head` has the header lines
    unparsed, as most responses say no more than 201. `container` is the name of the container that
    was asked, or empty if nothing was sent."""

    status: int
    head: Sequence[bytes] = ()
    body: bytes = b""
    failure: str = ""
    container: str = ""

    @cached_property
    def headers(self) -> dict[str, str]:
        """By name in lower case."""
        found: dict[str, str] = {}
        for line in self.head:
            name, colon, value = line.decode("latin-1").partition(":")
            if colon:
                found[name.lower()] = value.strip()
        return found

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The service's error code, such as `ServerBusy`."""
        return self.headers.get("x-ms-error-code", "")

    @property
    def reason(self) -> str:
        """Why the request failed, for a person. It has no header and no address in it."""
        if not self.status:
            return self.failure
        return f"{self.code} (status {self.status})" if self.code else f"status {self.status}"


class RemoteBlob(NamedTuple):
    """A blob as List Blobs describes it. `md5` is the base64 of the stored bytes' MD5, and
    `last_modified` an HTTP date. The names in `metadata` are in lower case."""

    etag: str
    size: int
    md5: str = ""
    content_type: str = ""
    content_encoding: str = ""
    cache_control: str = ""
    content_language: str = ""
    content_disposition: str = ""
    last_modified: str = ""
    leased: bool = False
    metadata: Mapping[str, str] = _NOTHING

    @property
    def modified(self) -> float:
        """Unix time by the service's clock."""
        return parsedate_to_datetime(self.last_modified).timestamp()


# --- Values in requests ---------------------------------------------------------------------------


def block_size(size: int) -> int:
    """The size in bytes of each block of a blob of `size` bytes."""
    return max(_BLOCK_BYTES, -(-size // _MAX_BLOCKS))


def quoted(etag: str) -> str:
    """The ETag as conditional headers need it; List Blobs returns it without quotes."""
    return etag if etag.startswith('"') else f'"{etag}"'


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine, where requests never go through a proxy."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
