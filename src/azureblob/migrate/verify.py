"""Comparing local files with the blobs of their names: size, MD5 and headers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from azureblob.migrate.content import Content, blob_digests, read_files
from azureblob.migrate.journal import FileProblem
from azureblob.migrate.local_tree import Item
from azureblob.rest.models import (
    BLOB_HEADERS,
    METADATA_PREFIX,
    RemoteBlob,
    Request,
    quoted,
    set_properties,
)
from azureblob.rest.transport import Transport
from azureblob.storage import BlobStorage


class Match(Enum):
    SAME = "same"
    # The sizes agree, and the blob has no stored MD5.
    UNPROVEN = "unproven"
    DIFFERENT = "different"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`detail` explains DIFFERENT and FAILED. `other_headers` names the headers of a matching blob
    that differ from `wanted`, the request headers that the storage would send."""

    item: Item
    match: Match
    detail: str = ""
    other_headers: str = ""
    wanted: dict[str, str] = field(default_factory=dict)


def compare(
    items: list[Item],
    remote: Mapping[str, RemoteBlob],
    storage: BlobStorage,
    transport: Transport,
    done: Callable[[int], None],
    *,
    quick: bool = False,
) -> Generator[Comparison, None, None]:
    """Compare items whose blobs exist; `done` is called with the size of each.

    Blobs without a stored MD5 are downloaded, unless `quick`. Raises BlobServiceError.
    """
    same_size = []
    for item in items:
        blob = remote[item.path]
        if blob.size == item.file.size:
            same_size.append(item)
        else:
            done(item.file.size)
            yield Comparison(item, Match.DIFFERENT, _sizes(blob.size, item.file.size))
    without_md5: list[tuple[str, RemoteBlob, tuple[Item, Content]]] = []
    for item, content in read_files(same_size, storage):
        blob = remote[item.path]
        if isinstance(content, FileProblem):
            done(item.file.size)
            yield Comparison(item, Match.FAILED, str(content))
        elif not blob.md5 and not quick:
            without_md5.append((item.path, blob, (item, content)))
        else:
            done(item.file.size)
            yield _compared(item, content, blob, base64.b64decode(blob.md5))
    for (item, content), digest in blob_digests(transport, without_md5):
        done(item.file.size)
        if isinstance(digest, FileProblem):
            yield Comparison(item, Match.FAILED, f"the blob cannot be read: {digest}")
        else:
            yield _compared(item, content, remote[item.path], digest)


def fix_headers(comparison: Comparison, blob: RemoteBlob) -> Request:
    """The request that sets the headers that the storage would set, if the blob is still the one
    compared. Its tag is the comparison."""
    headers = {
        name: text
        for name, text in comparison.wanted.items()
        if not name.startswith(METADATA_PREFIX)
    }
    headers["If-Match"] = quoted(blob.etag)
    return set_properties(comparison.item.path, blob, headers, comparison)


def _compared(item: Item, content: Content, blob: RemoteBlob, digest: bytes) -> Comparison:
    """`digest` is empty if the MD5 of the blob is not known."""
    if content.size != blob.size:
        return Comparison(item, Match.DIFFERENT, _sizes(blob.size, content.size))
    if digest and content.md5 != digest:
        detail = f"different content of the same size ({blob.size:,} B)"
        return Comparison(item, Match.DIFFERENT, detail)
    match = Match.SAME if digest else Match.UNPROVEN
    other = _other_headers(content.headers, blob)
    return Comparison(item, match, other_headers=other, wanted=content.headers)


def _sizes(remote: int, local: int) -> str:
    return f"{remote:,} bytes in the container, {local:,} in the folder"


def _other_headers(wanted: Mapping[str, str], blob: RemoteBlob) -> str:
    different = []
    for header in BLOB_HEADERS:
        stored = getattr(blob, header.attribute)
        if stored != wanted.get(header.request, ""):
            name = header.response
            different.append(f"{name} is {stored!r}" if stored else f"no {name}")
    return ", ".join(different)
