"""Whether a competitor left in the container what it was to leave there."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import random
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote

from bench.servers.running import ACCOUNT, CONTAINER, HOST, AzuriteServer
from bench.trees import paths

SAMPLE = 50


# What hashing may rewrite; the digest in the name tells their bytes then.
_REWRITTEN = {".css", ".js"}


def wrong(server: AzuriteServer, tree: Path, names: str, always: Collection[str] = ()) -> str:
    """What is wrong with the container, or an empty text. `names` as Competitor has them.

    Each file of the tree must be in the list, or in the manifest. 50 of them, and those of
    `always`, are read, and held against the tree's bytes and the digest in a hashed name.
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


def _get(connection: http.client.HTTPConnection, name: str) -> tuple[int, bytes]:
    """A visitor's GET: status and uncompressed body. The container is public."""
    connection.request("GET", f"/{ACCOUNT}/{CONTAINER}/{quote(name)}")
    with connection.getresponse() as answer:
        body = answer.read()
        compressed = answer.getheader("Content-Encoding") == "gzip"
        return answer.status, gzip.decompress(body) if compressed else body
