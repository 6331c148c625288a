"""Bodies are compressed in threads while others are sent, and only some of them ahead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from azureblob.publish import hashing, upload
from azureblob.publish.compression import compressed
from azureblob.publish.discovery import read_local
from azureblob.publish.headers import Headers
from azureblob.publish.plan import Change, Wanted
from azureblob.rest.models import Request
from tests.publish.trees import noise, rules

AHEAD = 3
HEADERS = Headers("text/css; charset=utf-8", "public")
Make = Callable[[str, bytes, bool], Change]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def change(name: str, data: bytes, gzip: bool) -> Change:
        path = tmp_path / name
        path.write_bytes(data)
        wanted = Wanted(name, name, read_local(str(path)), HEADERS, gzip)
        return Change(wanted, "send", "new")

    return change


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


def unexpected(change: Change, why: str) -> None:
    pytest.fail(f"{change.wanted.name}: {why}")


def name_of(request: Request) -> str:
    return request.blob


def test_files_that_need_no_compression_are_sent_while_others_are_compressed(
    make: Make, pool: ThreadPoolExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slowly(data: bytes) -> bytes | None:
        assert go_on.wait(30)
        return compressed(data)

    monkeypatch.setattr(upload, "compressed", slowly)
    changes = [make(f"{n}.css", rules(n), True) for n in range(3)]
    changes += [make(f"{n}.png", noise(n, 100), False) for n in range(3)]
    requests = upload._prepare(changes, pool, AHEAD, tmp_path, unexpected)
    try:
        assert [name_of(next(requests)) for _ in range(3)] == ["0.png", "1.png", "2.png"]
    finally:
        go_on.set()
    assert sorted(map(name_of, requests)) == ["0.css", "1.css", "2.css"]


def test_files_are_not_compressed_long_before_they_are_sent(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def counted(data: bytes) -> bytes | None:
        calls.append(len(data))
        return compressed(data)

    monkeypatch.setattr(upload, "compressed", counted)
    changes = [make(f"{n}.css", rules(n), True) for n in range(200)]
    with ThreadPoolExecutor(2) as pool:
        requests = upload._prepare(changes, pool, AHEAD, tmp_path, unexpected)
        next(requests)
    assert len(calls) <= AHEAD * upload._BATCH


def test_large_files_are_compressed_side_by_side(make: Make) -> None:
    sizes = [3 * upload._BATCH_BYTES, *[100] * 40, upload._BATCH_BYTES]
    changes = [make(f"{n}.css", b"a" * size, True) for n, size in enumerate(sizes)]
    batches = list(upload._batches(changes))
    assert [change for batch in batches for change in batch] == changes
    assert batches[0] == changes[:1]
    assert max(map(len, batches)) == upload._BATCH


def test_a_file_that_has_changed_is_reported_and_the_others_are_sent(
    make: Make, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    changes = [make(f"{n}.css", rules(n), True) for n in range(3)]
    (tmp_path / "1.css").write_bytes(rules(9))
    failed: list[tuple[str, str]] = []
    requests = upload._prepare(
        changes, pool, AHEAD, tmp_path, lambda change, why: failed.append((change.wanted.name, why))
    )
    assert sorted(map(name_of, requests)) == ["0.css", "2.css"]
    assert failed == [("1.css", "it changed while it was being published")]


def test_a_rewritten_file_that_is_stored_with_others_fits_in_memory() -> None:
    """Larger ones are sent from a file of their own."""
    assert hashing._MAX_TOGETHER <= upload._MAX_IN_MEMORY
