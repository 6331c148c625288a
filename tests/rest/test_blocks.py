"""Large files in blocks."""

from __future__ import annotations

import hashlib
from pathlib import Path

from azureblob.rest.auth import SharedKey
from azureblob.rest.blocks import put_blocks
from azureblob.rest.models import FilePart
from azureblob.rest.transport import Limits, Transport
from tests.publish.trees import noise

MEGABYTE = 1024 * 1024


def test_blocks_of_content_with_another_md5_are_not_sent(tmp_path: Path) -> None:
    """The service would store the digest that it is given."""
    path = tmp_path / "film.mp4"
    path.write_bytes(noise("film", 20 * MEGABYTE))
    digest = hashlib.md5(b"as it was", usedforsecurity=False).digest()
    with Transport(
        "http://127.0.0.1:9/none", SharedKey("none", "bm9uZQ=="), Limits(1)
    ) as transport:
        answer = put_blocks(transport, "film.mp4", FilePart(path, 0, 20 * MEGABYTE), digest, {})
        assert (answer.ok, answer.reason) == (False, "it changed while it was being read")
        assert transport.requests_sent == 0
