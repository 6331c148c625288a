"""Files held against the blobs of their names: by size, by MD5, and by headers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

from azureblob.migrate import fetching
from azureblob.migrate.reader import Content, Item, Unreadable, read_all
from azureblob.rest.models import RemoteBlob, quoted
from azureblob.rest.transport import Transport
from azureblob.storage import BlobStorage

_LISTED = {
    "x-ms-blob-content-type": ("Content-Type", "content_type"),
    "x-ms-blob-content-disposition": ("Content-Disposition", "content_disposition"),
    "x-ms-blob-content-encoding": ("Content-Encoding", "content_encoding"),
    "x-ms-blob-content-language": ("Content-Language", "content_language"),
    "x-ms-blob-cache-control": ("Cache-Control", "cache_control"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`differs` says in what the blob has other bytes than the file, `failed` why that cannot be
    said, `headers` which header is another than the `wanted` ones. `unproven`: the sizes agree, and
    the blob has no stored MD5."""

    item: Item
    differs: str = ""
    failed: str = ""
    headers: str = ""
    wanted: dict[str, str] = field(default_factory=dict)
    unproven: bool = False


def compare(
    items: list[Item],
    remote: Mapping[str, RemoteBlob],
    storage: BlobStorage,
    transport: Transport,
    done: Callable[[int], None],
    *,
    quick: bool = False,
) -> Generator[Comparison, None, None]:
    """Each item, whose blob is there, with what came of it; `done` is called with its size.

    A blob without a stored MD5 is read, unless `quick`. Raises BlobServiceError.
    """
    alike = []
    for item in items:
        there = remote[item.path]
        if there.size == item.file.size:
            alike.append(item)
        else:
            done(item.file.size)
            yield Comparison(item, differs=_sizes(there.size, item.file.size))
    unknown: list[tuple[str, RemoteBlob, tuple[Item, Content]]] = []
    for item, content in read_all(alike, storage):
        there = remote[item.path]
        if isinstance(content, Unreadable):
            done(item.file.size)
            yield Comparison(item, failed=str(content))
        elif not there.md5 and not quick:
            unknown.append((item.path, there, (item, content)))
        else:
            done(item.file.size)
            stored = base64.b64decode(there.md5) if there.md5 else content.md5
            yield _judged(item, content, there, stored, unproven=not there.md5)
    for (item, content), found in fetching.digests(transport, unknown):
        done(item.file.size)
        if isinstance(found, fetching.Unfetched):
            yield Comparison(item, failed=f"the blob cannot be read: {found}")
        else:
            yield _judged(item, content, remote[item.path], found)


def _judged(
    item: Item, content: Content, there: RemoteBlob, md5: bytes, *, unproven: bool = False
) -> Comparison:
    if content.size != there.size:
        return Comparison(item, differs=_sizes(there.size, content.size))
    if content.md5 != md5:
        return Comparison(item, differs=f"other bytes, {there.size:,} here and there")
    return Comparison(
        item, headers=_headers(content.headers, there), wanted=content.headers, unproven=unproven
    )


def _sizes(there: int, here: int) -> str:
    return f"{there:,} bytes in the container, {here:,} in the folder"


def _headers(wanted: Mapping[str, str], there: RemoteBlob) -> str:
    return ", ".join(
        f"{shown} is {found!r}" if found else f"no {shown}"
        for wire, (shown, name) in _LISTED.items()
        for found in [getattr(there, name)]
        if found != wanted.get(wire, "")
    )


def mending(comparison: Comparison, there: RemoteBlob) -> dict[str, str]:
    """The headers of Set Blob Properties: what is left out of it would be cleared, the digest as
    well."""
    properties = {name: text for name, text in comparison.wanted.items() if "-meta-" not in name}
    return {
        **properties,
        **({"x-ms-blob-content-md5": there.md5} if there.md5 else {}),
        "If-Match": quoted(there.etag),
    }
