"""A large file as blocks: Put Block for each part that is not there yet, then Put Block List."""

from __future__ import annotations

import base64
import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping

from azureblob.rest.body import Bytes, FilePart
from azureblob.rest.models import Answer, Request, block_size
from azureblob.rest.transport import Transport

# More would each crawl on a slow line, and all of them be lost when it breaks.
_SIDE_BY_SIDE = 8


def put(
    transport: Transport,
    name: str,
    body: FilePart,
    digest: bytes,
    headers: Mapping[str, str],
    sent: Callable[[int], None] = lambda size: None,
) -> Answer:
    """Send a file in blocks; the last answer. Blocks that an interrupted run has sent stay.
    `headers` are the blob's, and conditions; `sent` is called with the size of each block that is
    there.

    A block's id holds its number and its digest, so that a block of a file that changed since is
    not taken for one of this file.
    """
    size = block_size(body.size)
    parts = [
        FilePart(body.path, offset, min(size, body.size - offset))
        for offset in range(0, body.size, size)
    ]
    whole = hashlib.md5(usedforsecurity=False)
    digests = [_md5(part, whole) for part in parts]
    if whole.digest() != digest:  # the service would keep the one that it is told
        return Answer(0, failure="it changed while it was being read")
    ids = [
        base64.b64encode(b"%06d-" % number + part_digest).decode()
        for number, part_digest in enumerate(digests)
    ]
    there = _staged(transport, name)
    answer = Answer(201)

    def missing() -> Iterator[Request]:
        for part, part_digest, block_id in zip(parts, digests, ids, strict=True):
            if there.get(block_id) != part.size:
                yield Request(
                    "PUT",
                    name,
                    query={"comp": "block", "blockid": block_id},
                    headers={"Content-MD5": base64.b64encode(part_digest).decode()},
                    body=part,
                )
            else:
                sent(part.size)

    for request, answer in transport.run(missing(), at_once=_SIDE_BY_SIDE):
        if not answer.ok:
            return answer
        sent(request.body.size)
    listed = "".join(f"<Latest>{block_id}</Latest>" for block_id in ids)
    document = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'
    return transport.ask(
        Request(
            "PUT",
            name,
            query={"comp": "blocklist"},
            # Azure computes no digest of a blob that comes in blocks; it takes this one as given.
            headers={**headers, "x-ms-blob-content-md5": base64.b64encode(digest).decode()},
            body=Bytes(document.encode()),
        )
    )


def _staged(transport: Transport, name: str) -> dict[str, int]:
    """Ids and sizes of blocks that wait to be committed (Azure keeps them for a week)."""
    query = {"comp": "blocklist", "blocklisttype": "uncommitted"}
    answer = transport.ask(Request("GET", name, query=query))
    if not answer.ok:  # no such blob yet
        return {}
    root = ET.fromstring(answer.body)  # noqa: S314 - the account's own answer
    return {
        block.findtext("Name") or "": int(block.findtext("Size") or 0)
        for block in root.iter("Block")
    }


def _md5(part: FilePart, whole: hashlib._Hash) -> bytes:
    """The part's digest; that of the whole goes on with it."""
    digest = hashlib.md5(usedforsecurity=False)
    left = part.size
    with part.open() as file:
        while left and (chunk := file.read(min(left, 1024 * 1024))):
            digest.update(chunk)
            whole.update(chunk)
            left -= len(chunk)
    return digest.digest()
