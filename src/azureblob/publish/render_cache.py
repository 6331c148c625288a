"""The render cache: what a publish learned about the files that it rewrote, for the next one.

It is a blob in the folder of the manifest's history, where no static file can be published and
where no version of this library deletes anything but its records. For each rewritten file it has
the MD5 of the source, what the rewriting depended on, and the MD5 of the result. A file whose
source and dependencies are the same need not be read as text and rewritten again: its hashed name
follows from the MD5 of the result.

The cache is authenticated with the account key or SECRET_KEY, as the MD5s alone do not prove that a
result belongs to a source. A cache that is missing, damaged, or made by another key, other rules or
another version is ignored, and a failure to read or write it is no failure of the publish. If a
file has to be sent, it is rewritten; if the result is not the one of the cache, the cache is not
used.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import constant_time_compare, salted_hmac

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
_LEVEL = 6
_MD5 = re.compile(r"[0-9a-f]{32}")
_EXTENSION = re.compile(r"[^/]\.[A-Za-z0-9]{1,11}\Z")


class StaleCache(Exception):
    """A file was rewritten, and the result is not the one of the cache."""


class Scan(NamedTuple):
    """The result of a search for references that are not rewritten: the `targets`, which are static
    files, and checksums of the `absent` ones, which would be targets if such a file was added."""

    targets: tuple[str, ...] = ()
    absent: tuple[int, ...] = ()


class Rewritten(NamedTuple):
    """What is known of a rewritten file: the MD5 (hex) of its `source` and of the `result`.

    `names` maps the keys that Django's converter looked up to the hashed names that it found, or
    None. `paths` maps the paths that it looked for among the source files to what is there: see
    kind_of(). `missing` has line, text and target of references that lead to no file. `plain` is
    the scan of the result.
    """

    source: str
    result: str
    names: Mapping[str, str | None]
    paths: Mapping[str, str]
    missing: tuple[tuple[int, str, str], ...]
    plain: Scan


class Scanned(NamedTuple):
    """What is known of a file that is not rewritten, or of one that is published unchanged: the MD5
    (hex) of its `source`, and its references."""

    source: str
    plain: Scan


class Renderings(NamedTuple):
    """The content of the cache. `fingerprint` stands for all that every result depends on.
    `unusual` are the names of static files that Scan.absent never contains. `scanned` are files
    that are not rewritten, and `followed` files that are published under their own names."""

    fingerprint: str
    unusual: frozenset[str] = frozenset()
    rewritten: Mapping[str, Rewritten] = {}
    scanned: Mapping[str, Scanned] = {}
    followed: Mapping[str, Scanned] = {}


def is_usual(name: str) -> bool:
    """Whether a name has an ordinary extension. Most strings that are no reference have none, so
    that the cache is smaller without them."""
    return _EXTENSION.search(name) is not None


def checksum(name: str) -> int:
    """A number for a name. Two names may share one, which costs no more than time."""
    return zlib.crc32(name.encode("utf-8", "surrogatepass"))


def scan_of(targets: Iterable[str], absent: Iterable[str]) -> Scan:
    return Scan(
        tuple(sorted(targets)), tuple(sorted({checksum(name) for name in absent if is_usual(name)}))
    )


# --- The blob -------------------------------------------------------------------------------------


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
        self._stored: bytes = b""
        self._loaded: Renderings | None = None

    def load(self, remote: Mapping[str, RemoteBlob]) -> Renderings | None:
        """What the last publish stored, or None if it is not usable. `remote` are the blobs of the
        container: without the cache among them, no request is made."""
        blob = remote.get(self._name)
        if blob is None or not self._reads or not self._key:
            return None
        problem = "it has the wrong size"
        if _MAC_BYTES < blob.size <= _MAX_BYTES:
            try:
                data = self._get()
                content = decode(data, self._key)
                self._loaded = parse(content)
            except (BlobServiceError, ValueError) as error:
                problem = str(error)
            else:
                self._stored = content
                return self._loaded
        self._say(f"The render cache is not used: {problem}.", 2)
        return None

    def _get(self) -> bytes:
        """Raises BlobServiceError and ValueError."""
        # The blob may have grown since it was listed.
        bounded = {"x-ms-range": f"bytes=0-{_MAX_BYTES - 1}"}
        response = self._transport.send(Request("GET", self._name, headers=bounded))
        if not response.ok:
            raise ValueError(response.reason)
        return response.body

    def save(self, learned: Renderings) -> None:
        """Store what this publish learned, unless the container has it already."""
        if not self._key or learned is self._loaded:
            return
        content = serialized(learned)
        if content == self._stored:
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


def _mac(data: bytes, key: str) -> bytes:
    return salted_hmac(_SALT, data, secret=key, algorithm="sha256").digest()


# --- Its content ----------------------------------------------------------------------------------


def serialized(renderings: Renderings) -> bytes:
    """The same bytes for the same content."""
    return json.dumps(
        {
            "fingerprint": renderings.fingerprint,
            "unusual": sorted(renderings.unusual),
            "rewritten": renderings.rewritten,
            "scanned": renderings.scanned,
            "followed": renderings.followed,
        },
        separators=(",", ":"),
        sort_keys=True,
    ).encode()


def parse(content: bytes) -> Renderings:
    """Raises ValueError if the content has another shape."""
    try:
        found = json.loads(content)
        return Renderings(
            _text(found["fingerprint"]),
            frozenset(map(_text, found["unusual"])),
            _each(found["rewritten"], _rewritten),
            _each(found["scanned"], _scanned),
            _each(found["followed"], _scanned),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("it has another shape") from None


_T = TypeVar("_T")


def _each(found: Any, make: Callable[[Any], _T]) -> dict[str, _T]:
    return {name: make(value) for name, value in found.items()}


def _rewritten(value: Any) -> Rewritten:
    source, result, names, paths, missing, plain = value
    for hashed in names.values():
        if hashed is not None:
            _text(hashed)
    for kind in paths.values():
        _text(kind)
    return Rewritten(
        _digest(source),
        _digest(result),
        names,
        paths,
        tuple((_number(line), _text(text), _text(target)) for line, text, target in missing),
        _scan(plain),
    )


def _scanned(value: Any) -> Scanned:
    source, plain = value
    return Scanned(_digest(source), _scan(plain))


def _scan(value: Any) -> Scan:
    targets, absent = value
    if not (targets or absent):
        return _NOTHING
    return Scan(tuple(map(_text, targets)), tuple(map(_number, absent)))


_NOTHING = Scan()


def _digest(value: Any) -> str:
    if not _MD5.fullmatch(value):
        raise ValueError
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value
