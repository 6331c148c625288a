"""The blobs of a container: one List Blobs request for 5,000 names."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from azureblob.rest.errors import BlobServiceError, service_error
from azureblob.rest.models import RemoteBlob, Request
from azureblob.rest.transport import Transport

_PAGE_SIZE = "5000"


def list_blobs(transport: Transport, steady: str = "") -> dict[str, RemoteBlob]:
    """All blobs of the container by name.

    The list is consistent with a concurrent prune, which touches the blob `steady` before it
    deletes: if that blob changed while the pages were read, they are read again. Raises
    BlobServiceError.
    """
    while True:
        found, began = _read_pages(transport)
        blob = found.get(steady)
        if blob is None or began is None or blob.modified < began:
            return found


def _read_pages(transport: Transport) -> tuple[dict[str, RemoteBlob], float | None]:
    """All blobs, and the service's time at the first page if there are several pages."""
    found: dict[str, RemoteBlob] = {}
    marker = ""
    began = None
    while True:
        query = {
            "restype": "container",
            "comp": "list",
            "include": "metadata",
            "maxresults": _PAGE_SIZE,
            **({"marker": marker} if marker else {}),
        }
        response = transport.send(Request("GET", query=query))
        if not response.ok:
            raise service_error(response)
        try:
            # The response of the account that the request was signed for.
            root = ET.fromstring(response.body)  # noqa: S314
        except ET.ParseError:
            raise BlobServiceError(
                "Blob storage answered with a list of blobs that is not XML. Does the endpoint "
                "belong to Azure Blob Storage?"
            ) from None
        for blob in root.iter("Blob"):
            name = blob.find("Name")
            if name is not None and name.text:
                encoded = name.get("Encoded") == "true"
                found[unquote(name.text) if encoded else name.text] = _remote_blob(blob)
        marker = root.findtext("NextMarker") or ""
        if not marker:
            return found, began
        if began is None and "date" in response.headers:
            began = parsedate_to_datetime(response.headers["date"]).timestamp()


def _remote_blob(blob: ET.Element) -> RemoteBlob:
    properties: dict[str, str] = {}
    metadata: dict[str, str] = {}
    for part in blob:
        if part.tag == "Properties":
            properties = {item.tag: item.text or "" for item in part}
        elif part.tag == "Metadata":
            metadata = {item.tag.lower(): item.text or "" for item in part}
    return RemoteBlob(
        etag=properties.get("Etag", ""),
        size=int(properties.get("Content-Length") or 0),
        md5=properties.get("Content-MD5", ""),
        content_type=properties.get("Content-Type", ""),
        content_encoding=properties.get("Content-Encoding", ""),
        cache_control=properties.get("Cache-Control", ""),
        content_language=properties.get("Content-Language", ""),
        content_disposition=properties.get("Content-Disposition", ""),
        last_modified=properties.get("Last-Modified", ""),
        leased=properties.get("LeaseState") in {"leased", "breaking"},
        metadata=metadata,
    )
