"""Reading the needed parts of a blob, and no others."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING

import pytest

from tests.direct.conftest import Browser, names, put

if TYPE_CHECKING:
    from azureblob.direct.quarantine import Quarantine

SIZE = 3 * 1024 * 1024 + 7
BODY = random.Random(9).randbytes(SIZE)  # noqa: S311


@pytest.fixture
def blob(browser: Browser, hold: Quarantine) -> tuple[str, str]:
    grant = browser.begin("cat.png", SIZE)
    assert put(grant["url"], BODY, grant["headers"])[0] == 201
    name = names(hold)[0]
    found = hold.properties(name)
    assert found is not None
    return name, str(found.etag)


def test_it_reads_like_a_file(hold: Quarantine, blob: tuple[str, str]) -> None:
    reader, plain = hold.reader(blob[0], SIZE, blob[1]), io.BytesIO(BODY)
    dice = random.Random(1)  # noqa: S311
    for _ in range(60):
        offset, length = dice.randrange(SIZE + 10), dice.choice([0, 1, 100, 70_000])
        assert reader.seek(offset) == plain.seek(offset)
        assert reader.read(length) == plain.read(length)
        assert reader.tell() == plain.tell()
    assert reader.seek(-5, io.SEEK_END) == SIZE - 5
    assert reader.read() == BODY[-5:]
    assert reader.read(1) == b""
    reader.seek(0)
    assert reader.readall() == BODY


def test_reading_the_head_fetches_64_kib(hold: Quarantine, blob: tuple[str, str]) -> None:
    reader = hold.reader(blob[0], SIZE, blob[1])
    assert reader.read(64 * 1024) == BODY[: 64 * 1024]
    assert reader.fetched == 64 * 1024


def test_sequential_reads_take_few_requests_and_fetch_each_byte_once(
    hold: Quarantine, blob: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from azureblob.direct.blob_reader import BlobReader

    count = 0
    fetch = BlobReader._fetch

    def counting(self: BlobReader, first: int) -> None:
        nonlocal count
        count += 1
        fetch(self, first)

    monkeypatch.setattr(BlobReader, "_fetch", counting)
    reader = hold.reader(blob[0], SIZE, blob[1])
    assert io.BufferedReader(reader, 64 * 1024).read() == BODY
    assert reader.fetched == SIZE
    assert count < 10


def test_the_number_of_fetched_bytes_is_limited(hold: Quarantine, blob: tuple[str, str]) -> None:
    from azureblob.direct.blob_reader import BlobReader
    from azureblob.uploads.inspection import TooComplex

    client = hold.storage.client.get_blob_client(blob[0])
    reader = BlobReader(client, SIZE, blob[1], limit=1024 * 1024)
    with pytest.raises(TooComplex):
        reader.readall()
    assert reader.fetched <= 1024 * 1024


def test_another_version_is_not_read(hold: Quarantine, blob: tuple[str, str]) -> None:
    from azure.core.exceptions import ResourceModifiedError

    reader = hold.reader(blob[0], SIZE, blob[1])
    reader.read(1)
    hold.storage.client.upload_blob(blob[0], b"x" * SIZE, overwrite=True)
    reader.seek(SIZE - 1)
    with pytest.raises(ResourceModifiedError):
        reader.read(1)
