"""What lies in the container: one List Blobs for 5,000 names."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import unquote

from azureblob.rest.errors import PublishError, explain
from azureblob.rest.models import Request
from azureblob.rest.transport import Transport

# The metadata that holds the digest of the bytes before they were packed: those of the packed ones
# change with the zlib of the machine, and every other machine would send everything again.
SOURCE_MD5 = "md5"
# The metadata that tells a live manifest from a static file of its name.
MANIFEST_MARK = "manifest"
_PAGE = "5000"
_HASH_IN_NAME = re.compile(r"\.([0-9a-f]{12})(?:\.[^./]*)?$")


class RemoteBlob(NamedTuple):
    """As List Blobs tells it. `md5` is base64 of the stored bytes' digest, `source_md5` the hex of
    the unpacked ones' where the publisher noted it; `last_modified` is an HTTP date. `is_manifest`:
    it carries the mark of a live manifest.
    """

    etag: str
    size: int
    md5: str
    source_md5: str
    content_type: str
    content_encoding: str
    cache_control: str
    content_language: str
    content_disposition: str
    last_modified: str
    leased: bool
    is_manifest: bool = False

    @property
    def modified(self) -> float:
        """Unix time by the service's clock."""
        return parsedate_to_datetime(self.last_modified).timestamp()

    def is_hashed(self, name: str) -> bool:
        """Whether the name holds the content's own digest, as Django's manifest storage makes it.

        So nothing that only looks like a hashed name is taken for one.
        """
        found = _HASH_IN_NAME.search(name)
        if not found:
            return False
        digests = [self.source_md5, base64.b64decode(self.md5).hex() if self.md5 else ""]
        return any(digest.startswith(found[1]) for digest in digests if digest)


def list_blobs(transport: Transport, steady: str = "") -> dict[str, RemoteBlob]:
    """All blobs of the container by name; none was deleted before the end of the list by one who
    changes the blob `steady` first, as prunestatic does with the manifest. Raises PublishError."""
    while True:
        found, began = _pages(transport)
        there = found.get(steady)
        if there is None or began is None or there.modified < began:
            return found


def _pages(transport: Transport) -> tuple[dict[str, RemoteBlob], float | None]:
    """All blobs, and the service's time at the first page where there are several."""
    found: dict[str, RemoteBlob] = {}
    marker = ""
    began = None
    while True:
        query = {
            "restype": "container",
            "comp": "list",
            "include": "metadata",
            "maxresults": _PAGE,
            **({"marker": marker} if marker else {}),
        }
        answer = transport.ask(Request("GET", query=query))
        if not answer.ok:
            raise PublishError(explain(answer))
        try:
            # The account's own answer, over the connection that it signed.
            root = ET.fromstring(answer.body)  # noqa: S314
        except ET.ParseError:
            raise PublishError("The list of blobs that came is no XML: is it Azure?") from None
        for blob in root.iter("Blob"):
            name = blob.find("Name")
            if name is not None and name.text:
                encoded = name.get("Encoded") == "true"
                found[unquote(name.text) if encoded else name.text] = _remote(blob)
        marker = root.findtext("NextMarker") or ""
        if not marker:
            return found, began
        if began is None and "date" in answer.headers:
            began = parsedate_to_datetime(answer.headers["date"]).timestamp()


def _remote(blob: ET.Element) -> RemoteBlob:
    known: dict[str, str] = {}
    metadata = ""
    is_manifest = False
    for part in blob:
        if part.tag == "Properties":
            known = {item.tag: item.text or "" for item in part}
        elif part.tag == "Metadata":
            for item in part:
                if item.tag.lower() == SOURCE_MD5:
                    metadata = item.text or ""
                elif item.tag.lower() == MANIFEST_MARK:
                    is_manifest = True
    return RemoteBlob(
        etag=known.get("Etag", ""),
        size=int(known.get("Content-Length") or 0),
        md5=known.get("Content-MD5", ""),
        source_md5=metadata,
        content_type=known.get("Content-Type", ""),
        content_encoding=known.get("Content-Encoding", ""),
        cache_control=known.get("Cache-Control", ""),
        content_language=known.get("Content-Language", ""),
        content_disposition=known.get("Content-Disposition", ""),
        last_modified=known.get("Last-Modified", ""),
        leased=known.get("LeaseState") in {"leased", "breaking"},
        is_manifest=is_manifest,
    )
