"""Whether a competitor left the right files in the container or the folder."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import random
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote

from bench.scenarios import SAVED_BYTES, SAVED_FILES
from bench.servers.running import ACCOUNT, CONTAINER, HOST, AzuriteServer
from bench.trees import paths

SAMPLE = 50


# Hashing may rewrite these; the digest in the name is that of the new bytes.
_REWRITTEN = {".css", ".js"}


def wrong(server: AzuriteServer, tree: Path, names: str, always: Collection[str] = ()) -> str:
    """What is wrong with the container, or an empty text. `names` are Competitor's.

    Each file of the tree must be in the list, or in the manifest. 50 of them, and those in
    `always`, are read and compared with the tree's bytes and the digest in a hashed name.
    """
    local = sorted(path.relative_to(tree).as_posix() for path in paths(tree))
    with server.client() as client:
        there = set(client.list_blob_names())
    connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
    try:
        stored = {name: name for name in there}
        if names == "hashed":
            status, body = _get(connection, "staticfiles.json")
            if status != 200:
                return f"no manifest ({status})"
            stored = json.loads(body)["paths"]
        missing = [name for name in local if stored.get(name) not in there]
        if missing:
            return f"{len(missing)} files are missing, {missing[0]} among them"
        sample = random.Random(0).sample(local, min(SAMPLE, len(local)))  # noqa: S311
        for name in sorted({*sample, *always}):
            status, body = _get(connection, stored[name])
            if status != 200:
                return f"{stored[name]}: status {status}"
            digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
            same = body == (tree / name).read_bytes()
            if names == "hashed":
                same = same or Path(name).suffix in _REWRITTEN
                same = same and f".{digest[:12]}" in stored[name]
            if not same:
                return f"{stored[name]} has other bytes than {name}"
    finally:
        connection.close()
    return ""


def wrongly_fetched(tree: Path, folder: Path) -> str:
    """What is wrong with a folder that media was downloaded to, or an empty text."""
    expected = {path.relative_to(tree): path.stat().st_size for path in paths(tree)}
    found = {path.relative_to(folder): path.stat().st_size for path in paths(folder)}
    if different := sorted(name for name in expected if found.get(name) != expected[name]):
        return f"{len(different)} files are missing or have another size, {different[0]} among them"
    for name in random.Random(0).sample(sorted(expected), min(SAMPLE, len(expected))):  # noqa: S311
        if (tree / name).read_bytes() != (folder / name).read_bytes():
            return f"{name} has other bytes than in the tree"
    return ""


def wrongly_saved(server: AzuriteServer) -> str:
    """What is wrong with a container that files were saved to, or an empty text."""
    with server.client() as client:
        sizes = [blob.size for blob in client.list_blobs()]
    if sizes != [SAVED_BYTES] * SAVED_FILES:
        return (
            f"there are {len(sizes)} blobs of {min(sizes, default=0)} to {max(sizes, default=0)} B"
        )
    return ""


def _get(connection: http.client.HTTPConnection, name: str) -> tuple[int, bytes]:
    """A visitor's GET of a public blob: status and uncompressed body."""
    connection.request("GET", f"/{ACCOUNT}/{CONTAINER}/{quote(name)}")
    with connection.getresponse() as answer:
        body = answer.read()
        compressed = answer.getheader("Content-Encoding") == "gzip"
        return answer.status, gzip.decompress(body) if compressed else body
