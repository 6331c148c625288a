"""A large file in blocks: Put Block for each block that is missing, then Put Block List."""

from __future__ import annotations

import base64
import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping

from azureblob.rest.models import CONTENT_MD5, Bytes, FilePart, Request, Response, block_size
from azureblob.rest.transport import Transport

# Larger files are sent in blocks, which a later run can resume.
BLOCKS_FROM_BYTES = 64 * 1024 * 1024
# With more, each block would be slow on a slow line, and all would be lost when it breaks.
_CONCURRENT_BLOCKS = 8
_CHUNK = 1024 * 1024


def put_blocks(
    transport: Transport,
    name: str,
    body: FilePart,
    digest: bytes,
    headers: Mapping[str, str],
    sent: Callable[[int], None] = lambda size: None,
) -> Response:
    """Send a file in blocks and return the last response. Blocks that an interrupted run sent are
    not sent again.

    `headers` are the blob's headers and metadata, and conditions; `digest` is the file's MD5.
    `sent` is called with the size of each block that the service has.

    A block's ID holds its number and its MD5. If the file changed since the interrupted run, the
    IDs differ and the old blocks are not used.
    """
    size = block_size(body.size)
    parts = [
        FilePart(body.path, offset, min(size, body.size - offset))
        for offset in range(0, body.size, size)
    ]
    whole = hashlib.md5(usedforsecurity=False)
    digests = [_part_md5(part, whole) for part in parts]
    if whole.digest() != digest:  # the service would store the MD5 that it is given
        return Response(0, failure="it changed while it was being read")
    ids = [
        base64.b64encode(b"%06d-" % number + part_digest).decode()
        for number, part_digest in enumerate(digests)
    ]
    staged = _staged_blocks(transport, name)

    def missing() -> Iterator[Request]:
        for part, part_digest, block_id in zip(parts, digests, ids, strict=True):
            if staged.get(block_id) != part.size:
                yield Request(
                    "PUT",
                    name,
                    query={"comp": "block", "blockid": block_id},
                    headers={"Content-MD5": base64.b64encode(part_digest).decode()},
                    body=part,
                )
            else:
                sent(part.size)

    for request, response in transport.run(missing(), concurrency=_CONCURRENT_BLOCKS):
        if not response.ok:
            return response
        sent(request.body.size)
    listed = "".join(f"<Latest>{block_id}</Latest>" for block_id in ids)
    document = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'
    return transport.send(
        Request(
            "PUT",
            name,
            query={"comp": "blocklist"},
            # Azure does not compute the MD5 of a blob that is sent in blocks; it stores this one.
            headers={**headers, CONTENT_MD5: base64.b64encode(digest).decode()},
            body=Bytes(document.encode()),
        )
    )


def _staged_blocks(transport: Transport, name: str) -> dict[str, int]:
    """IDs and sizes of the blocks that are not committed yet. Azure keeps those for a week."""
    query = {"comp": "blocklist", "blocklisttype": "uncommitted"}
    response = transport.send(Request("GET", name, query=query))
    if not response.ok:  # no such blob yet
        return {}
    root = ET.fromstring(response.body)  # noqa: S314 - the response of our own account
    return {
        block.findtext("Name") or "": int(block.findtext("Size") or 0)
        for block in root.iter("Block")
    }


def _part_md5(part: FilePart, whole: hashlib._Hash) -> bytes:
    """The MD5 of a part, whose bytes also update the digest of the `whole` file."""
    digest = hashlib.md5(usedforsecurity=False)
    left = part.size
    with part.open() as file:
        while left and (chunk := file.read(min(left, _CHUNK))):
            digest.update(chunk)
            whole.update(chunk)
            left -= len(chunk)
    return digest.digest()
