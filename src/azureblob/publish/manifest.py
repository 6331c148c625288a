"""Manifests, which map each static file to its live hashed name, and their history.

A publish writes its manifest last. The history has a copy of each manifest that went live, so that
prunestatic knows when which file was live. Each manifest of the container has a folder of records,
`staticfiles-history/<manifest>/`. Older versions of this library put the records of all manifests
into `staticfiles-history/` itself, so that the manifest of those records is unknown. The folder
also has the manifest's render cache, which is no record: see azureblob.publish.render_cache.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from azureblob.publish.headers import has_hashed_name, source_md5
from azureblob.rest.errors import service_error
from azureblob.rest.models import (
    Bytes,
    RemoteBlob,
    Request,
    Response,
    blob_headers,
    md5,
    metadata_headers,
    put_blob,
    quoted,
)
from azureblob.rest.transport import Transport

HISTORY = "staticfiles-history/"
# The key of the older versions' records in the result of `records`.
SHARED = ""
# Metadata that tells a live manifest from a static file of the same name.
_MARK = "manifest"
_CONTENT_TYPE = "application/json"
_CACHE_CONTROL = "no-cache"
# Django writes "paths" first; a subclass may sort the keys.
_BEGINNING = re.compile(rb'\s*\{\s*"(?:paths|hash)"\s*:')
_SNIFFED_BYTES = 64
_CACHE = "renderings.cache"
_RECORD = re.compile(
    rf"{HISTORY}(?:(.+)/)?\d{{4}}-\d\d-\d\dT[\d.-]+Z-[0-9a-f]{{12}}(-found)?\.json"
)


class Manifest(NamedTuple):
    """A manifest in the container. `paths` is None if the content is damaged. `recorded` is true
    if this library published it, so that the history has all of its versions. `read` is when it
    was read (Unix time by the service's clock)."""

    content: bytes
    paths: Mapping[str, str] | None
    recorded: bool
    read: float


class Record(NamedTuple):
    """A record of the history. `time` is when it was uploaded (Unix). `found` is true if another
    tool had published the manifest, so that the versions before it are unknown."""

    time: float
    name: str
    found: bool = False


# --- Reading --------------------------------------------------------------------------------------


def is_marked(blob: RemoteBlob) -> bool:
    """Whether this library published the blob as a live manifest."""
    return _MARK in blob.metadata


def is_live(manifest: bytes, blob: RemoteBlob | None) -> bool:
    return blob is not None and base64.b64decode(blob.md5 or "") == md5(manifest)


def find_manifests(
    transport: Transport, remote: Mapping[str, RemoteBlob], own: str
) -> dict[str, Manifest]:
    """All manifests of the container, sorted by name: the site's `own`, others that this library
    published, and those of its older versions and of other tools, which are recognized by their
    content. Raises BlobServiceError.
    """
    marked = [name for name, blob in remote.items() if name == own or is_marked(blob)]
    candidates = {name for name, blob in remote.items() if _may_be_manifest(name, blob)}
    first_bytes = {"x-ms-range": f"bytes=0-{_SNIFFED_BYTES - 1}"}
    similar = [
        name
        for name, response in _read(transport, candidates.difference(marked), first_bytes)
        if _BEGINNING.match(response.body)
    ]
    found: dict[str, Manifest] = {}
    for name, response in _read(transport, [*marked, *similar], {}):
        paths = paths_of(response.body)
        # Other JSON, such as an OpenAPI document, is no manifest; a damaged manifest is no JSON.
        if paths is not None or name in marked or not _is_json(response.body):
            read = parsedate_to_datetime(response.headers["date"]).timestamp()
            found[name] = Manifest(response.body, paths, is_marked(remote[name]), read)
    return dict(sorted(found.items()))


def has_manifest_headers(blob: RemoteBlob) -> bool:
    """Whether a blob has exactly the headers that every version stored manifests with."""
    return (
        blob.content_type == _CONTENT_TYPE
        and blob.cache_control == _CACHE_CONTROL
        and not source_md5(blob)
    )


def _may_be_manifest(name: str, blob: RemoteBlob) -> bool:
    """Whether the content of an unmarked blob has to be looked at. Text files that were published
    as static files have their MD5 as metadata, and manifests do not."""
    return (
        (name.endswith(".json") or blob.content_type == _CONTENT_TYPE)
        and not (source_md5(blob) or blob.content_encoding)
        and blob.size > 0
        and not name.startswith(HISTORY)
        and not has_hashed_name(name, blob)
    )


def _read(
    transport: Transport, names: Iterable[str], headers: Mapping[str, str]
) -> Iterator[tuple[str, Response]]:
    """The blobs of these names that exist. Raises BlobServiceError."""
    for request, response in transport.run(Request("GET", name, headers=headers) for name in names):
        if response.ok:
            yield request.blob, response
        elif response.status != 404 or response.code == "ContainerNotFound":
            raise service_error(response, f"{request.blob} cannot be read.")


def paths_of(manifest: bytes) -> dict[str, str] | None:
    """Plain names to hashed names; None if this is not a manifest as Django writes it."""
    try:
        paths = json.loads(manifest)["paths"]
        valid = all(isinstance(hashed, str) for hashed in paths.values())
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    return paths if valid else None


def hashed_names_of(manifest: bytes) -> frozenset[str] | None:
    """The hashed names in it; None if this is not a manifest as Django writes it."""
    paths = paths_of(manifest)
    return None if paths is None else frozenset(paths.values())


def read_paths(transport: Transport, name: str) -> dict[str, str]:
    """Plain names to hashed names in the manifest or record `name`; empty if it is neither. Raises
    BlobServiceError."""
    return {
        plain: hashed
        for _, response in _read(transport, [name], {})
        for plain, hashed in (paths_of(response.body) or {}).items()
    }


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


# --- Writing --------------------------------------------------------------------------------------


def put_live(transport: Transport, name: str, manifest: bytes, listed: RemoteBlob | None) -> bool:
    """Replace the manifest if it is still the one that was `listed`; return False if it is not.
    In that case another publish or a prune came between, and files of that list may be deleted.

    Raises BlobServiceError.
    """
    condition = {"If-Match": quoted(listed.etag)} if listed else {"If-None-Match": "*"}
    headers = {**condition, **metadata_headers({_MARK: "1"})}
    response = transport.send(_put_request(name, manifest, headers))
    if response.ok:
        return True
    # 409 BlobAlreadyExists: the first publish of another process was quicker.
    if response.status == 412 or response.code == "BlobAlreadyExists":
        return False
    raise service_error(response)


def _put_request(name: str, manifest: bytes, headers: Mapping[str, str]) -> Request:
    own = blob_headers({"content_type": _CONTENT_TYPE, "cache_control": _CACHE_CONTROL})
    return put_blob(name, Bytes(manifest), md5(manifest), {**own, **headers})


# --- The history ----------------------------------------------------------------------------------


def is_record(name: str) -> bool:
    return _RECORD.fullmatch(name) is not None


def cache_name(manifest: str) -> str:
    """The name of the render cache of the site with this manifest."""
    return f"{HISTORY}{manifest}/{_CACHE}"


def is_cache(name: str) -> bool:
    """Whether a name is that of a render cache, of any site."""
    return name.startswith(HISTORY) and name.endswith(f"/{_CACHE}")


def records(remote: Mapping[str, RemoteBlob]) -> dict[str, list[Record]]:
    """The records by manifest, sorted by time; those of older versions are under `SHARED`."""
    found: dict[str, list[Record]] = defaultdict(list)
    for name, blob in remote.items():
        if name.startswith(HISTORY) and (match := _RECORD.fullmatch(name)):
            found[match[1] or SHARED].append(Record(blob.modified, name, bool(match[2])))
    return {manifest: sorted(listed) for manifest, listed in found.items()}


def put_record(transport: Transport, manifest: str, content: bytes, *, found: bool = False) -> None:
    """Record that this content goes live under the name `manifest`. Raises BlobServiceError."""
    # The service's own clock, by which records are sorted, counts in whole seconds.
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    end = "-found" if found else ""
    name = f"{HISTORY}{manifest}/{moment}-{md5(content).hex()[:12]}{end}.json"
    response = transport.send(_put_request(name, content, {}))
    if not response.ok:
        raise service_error(response)


def complete_history(transport: Transport, manifest: str, remote: Mapping[str, RemoteBlob]) -> None:
    """Record the live manifest before it is replaced, unless the last record is a copy of it.
    Raises BlobServiceError.

    A publish that was interrupted between its record and its manifest leaves the record of a
    version that never went live, and with it the live version would seem to have ended. An older
    version of this library left its record among the shared ones, and other tools leave none.
    """
    live = remote.get(manifest)
    if live is None:
        return
    histories = records(remote)
    own = histories.get(manifest, [])
    if own and remote[own[-1].name].md5 == live.md5:
        return
    response = transport.send(Request("GET", manifest))
    if response.ok and hashed_names_of(response.body) is not None:
        recorded = {remote[record.name].md5 for record in own + histories.get(SHARED, [])}
        put_record(transport, manifest, response.body, found=live.md5 not in recorded)
    elif not response.ok and response.status != 404:
        raise service_error(response)
