"""The render cache: what a publish learned about the files that it rewrote, for the next one.

It is a blob in the folder of the manifest's history, where no static file can be published and
where no version of this library deletes anything but its records. For its content see
azureblob.publish.learned.

The cache is authenticated with the account key or SECRET_KEY, as the MD5s alone do not prove that a
result belongs to a source. A cache that is missing, damaged, or made by another key, other rules or
another version is ignored, and a failure to read or write it is no failure of the publish. If a
file has to be sent, it is rewritten; if the result is not the one of the cache, the cache is not
used.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import constant_time_compare, salted_hmac

from azureblob.publish.learned import Known, Learned, serialized
from azureblob.publish.manifest import cache_name
from azureblob.rest.errors import BlobServiceError
from azureblob.rest.models import Bytes, RemoteBlob, Request, blob_headers, md5, put_blob
from azureblob.rest.transport import Transport

if TYPE_CHECKING:
    from azureblob.staticfiles import StaticBlobStorage

# With the account key as the secret, this salt separates the MAC from the account's signatures.
_SALT = "azureblob.publish.render_cache"
_MAC_BYTES = hashlib.sha256().digest_size
# A tree of 50,000 files takes about 2 MB, and 8 MB before compression.
_MAX_BYTES = 32 * 1024 * 1024
_MAX_JSON_BYTES = 128 * 1024 * 1024
# The digests in it are most of it, and cannot be compressed.
_LEVEL = 1


class RenderCache:
    """The cache of one site in the container. `say(text, level)` gets what went wrong, at level 2,
    and `read` is false if a stored cache is to be replaced unread."""

    def __init__(
        self,
        transport: Transport,
        storage: StaticBlobStorage,
        say: Callable[[str, int], None],
        *,
        read: bool = True,
    ) -> None:
        self._transport = transport
        self._name = cache_name(storage.manifest_name)
        self._key = _key(storage)
        self._say = say
        self._reads = read
        # A digest, as the content is large.
        self._stored = b""

    def load(self, remote: Mapping[str, RemoteBlob]) -> Known | None:
        """What the last publish stored, or None if it is not usable. `remote` are the blobs of the
        container: without the cache among them, no request is made."""
        blob = remote.get(self._name)
        if blob is None or not self._reads or not self._key:
            return None
        if not _MAC_BYTES < blob.size <= _MAX_BYTES:
            self._ignore("it has the wrong size")
            return None
        try:
            content = decode(self._get(), self._key)
            known = Known(content, self._ignore)
        except (BlobServiceError, ValueError) as error:
            self._ignore(str(error))
            return None
        self._stored = _sha256(content)
        return known

    def _ignore(self, problem: str) -> None:
        self._say(f"The render cache is not used: {problem}.", 2)

    def _get(self) -> bytes:
        """Raises BlobServiceError and ValueError."""
        # The blob may have grown since it was listed.
        bounded = {"x-ms-range": f"bytes=0-{_MAX_BYTES - 1}"}
        response = self._transport.send(Request("GET", self._name, headers=bounded))
        if not response.ok:
            raise ValueError(response.reason)
        return response.body

    def save(self, learned: Learned) -> None:
        """Store what this publish learned, unless the container has it already."""
        if not self._key:
            return
        content = serialized(learned)
        if _sha256(content) == self._stored:
            return
        data = encode(content, self._key)
        if len(data) > _MAX_BYTES or len(content) > _MAX_JSON_BYTES:
            self._say("The render cache is not stored: it would be too large.", 2)
            return
        headers = blob_headers(
            {"content_type": "application/octet-stream", "cache_control": "no-cache"}
        )
        try:
            response = self._transport.send(put_blob(self._name, Bytes(data), md5(data), headers))
            problem = "" if response.ok else response.reason
        except BlobServiceError as error:
            problem = str(error)
        if problem:
            self._say(f"The render cache could not be stored: {problem}.", 2)


def _key(storage: StaticBlobStorage) -> str:
    """The secret of the MAC, or empty if there is none. Whoever has the account key can replace the
    static files themselves."""
    try:
        return str(storage.account_key or settings.SECRET_KEY or "")
    except ImproperlyConfigured:
        return ""


def encode(content: bytes, key: str) -> bytes:
    compressed = gzip.compress(content, _LEVEL, mtime=0)
    return _mac(compressed, key) + compressed


def decode(data: bytes, key: str) -> bytes:
    """Raises ValueError if this was not encoded with the same key."""
    mac, compressed = data[:_MAC_BYTES], data[_MAC_BYTES:]
    if not constant_time_compare(mac.hex(), _mac(compressed, key).hex()):
        raise ValueError("it is damaged, or was stored with another key")
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        content = stream.decompress(compressed, _MAX_JSON_BYTES)
    except zlib.error:
        raise ValueError("it is not compressed as it should be") from None
    if not stream.eof or stream.unused_data:
        raise ValueError("it is cut off, or too large")
    return content


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _mac(data: bytes, key: str) -> bytes:
    return salted_hmac(_SALT, data, secret=key, algorithm="sha256").digest()
