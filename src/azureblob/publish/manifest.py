"""Manifests: which file of which name is live. The last thing that a publish writes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from azureblob.rest.body import Bytes
from azureblob.rest.errors import PublishError, explain
from azureblob.rest.listing import MANIFEST_MARK, RemoteBlob
from azureblob.rest.models import Answer, Request, md5, quoted
from azureblob.rest.transport import Transport

# The folder of the history (history.py).
HISTORY = "staticfiles-history/"
_CONTENT_TYPE = "application/json"
_CACHE_CONTROL = "no-cache"
# Django writes "paths" first; a subclass may sort the keys.
_BEGINS = re.compile(rb'\s*\{\s*"(?:paths|hash)"\s*:')
_SNIFFED_BYTES = 64


class Manifest(NamedTuple):
    """A manifest in the container. `paths` is None if the content is damaged. `ours`: published by
    this library, so that its versions are all recorded. `read` is the service's time (Unix)."""

    content: bytes
    paths: Mapping[str, str] | None
    ours: bool
    read: float


def is_live(manifest: bytes, there: RemoteBlob | None) -> bool:
    return there is not None and base64.b64decode(there.md5 or "") == md5(manifest)


def find(transport: Transport, remote: Mapping[str, RemoteBlob], own: str) -> dict[str, Manifest]:
    """All manifests of the container in order of name: `own`, the others that this library
    published, and those of its older versions and of other tools, which are known by their content.
    Raises PublishError.
    """
    marked = [name for name, blob in remote.items() if name == own or blob.is_manifest]
    likely = [name for name, blob in remote.items() if _is_likely(name, blob)]
    first_bytes = {"x-ms-range": f"bytes=0-{_SNIFFED_BYTES - 1}"}
    alike = [
        name
        for name, answer in _read(transport, set(likely).difference(marked), first_bytes)
        if _BEGINS.match(answer.body)
    ]
    found: dict[str, Manifest] = {}
    for name, answer in _read(transport, [*marked, *alike], {}):
        paths = paths_of(answer.body)
        # Any other JSON, such as an OpenAPI document, is nobody's manifest.
        if paths is not None or name in marked or not _is_json(answer.body):
            read = parsedate_to_datetime(answer.headers["date"]).timestamp()
            found[name] = Manifest(answer.body, paths, remote[name].is_manifest, read)
    return dict(sorted(found.items()))


def may_be_of_older_version(blob: RemoteBlob) -> bool:
    """Whether it has just the headers with which manifests were always stored."""
    kinds = (blob.content_type, blob.cache_control, blob.source_md5)
    return kinds == (_CONTENT_TYPE, _CACHE_CONTROL, "")


def _is_likely(name: str, blob: RemoteBlob) -> bool:
    """Whether a blob without the mark has to be looked into. Files of text that were published as
    static files carry their digest as metadata, and manifests do not."""
    return (
        (name.endswith(".json") or blob.content_type == _CONTENT_TYPE)
        and not (blob.source_md5 or blob.content_encoding)
        and blob.size > 0
        and not name.startswith(HISTORY)
        and not blob.is_hashed(name)
    )


def _read(
    transport: Transport, names: Iterable[str], headers: Mapping[str, str]
) -> Iterator[tuple[str, Answer]]:
    """Those of them that are there still."""
    for request, answer in transport.run(Request("GET", name, headers=headers) for name in names):
        if answer.ok:
            yield request.blob, answer
        elif answer.status != 404 or answer.code == "ContainerNotFound":
            raise PublishError(f"{request.blob} cannot be read. {explain(answer)}")


def paths_of(manifest: bytes) -> dict[str, str] | None:
    """Plain names to hashed ones; None if it is not a manifest of Django's."""
    try:
        paths = json.loads(manifest)["paths"]
        whole = all(isinstance(hashed, str) for hashed in paths.values())
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    return paths if whole else None


def read_paths(transport: Transport, name: str) -> dict[str, str]:
    """The plain names, and hashed ones, of the manifest or record `name`; empty if it is neither.
    Raises PublishError."""
    return {
        plain: hashed
        for _, answer in _read(transport, [name], {})
        for plain, hashed in (paths_of(answer.body) or {}).items()
    }


def names_of(manifest: bytes) -> frozenset[str] | None:
    """The hashed names in it; None if it is not a manifest of Django's."""
    paths = paths_of(manifest)
    return None if paths is None else frozenset(paths.values())


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def put_live(transport: Transport, name: str, manifest: bytes, there: RemoteBlob | None) -> bool:
    """Replace the manifest if it is still the one that was listed; False if it is not.

    Files that were listed then may be gone otherwise: another publish or a prune came between.
    Raises PublishError.
    """
    condition = {"If-Match": quoted(there.etag)} if there else {"If-None-Match": "*"}
    mark = {f"x-ms-meta-{MANIFEST_MARK}": "1"}
    answer = transport.ask(put_request(name, manifest, {**condition, **mark}))
    if answer.ok:
        return True
    # 409 BlobAlreadyExists: somebody else's first publish was quicker.
    if answer.status == 412 or answer.code == "BlobAlreadyExists":
        return False
    raise PublishError(explain(answer))


def put_request(name: str, manifest: bytes, headers: Mapping[str, str]) -> Request:
    return Request(
        "PUT",
        name,
        headers={
            "x-ms-blob-type": "BlockBlob",
            "x-ms-blob-content-type": _CONTENT_TYPE,
            "x-ms-blob-cache-control": _CACHE_CONTROL,
            "Content-MD5": base64.b64encode(md5(manifest)).decode(),
            **headers,
        },
        body=Bytes(manifest),
    )
