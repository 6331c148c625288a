"""Files are compressed if that saves enough, and the same file always gives the same bytes."""

from __future__ import annotations

import gzip
from pathlib import Path

import deflate
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azureblob.publish import compression
from azureblob.publish.compression import (
    FileChanged,
    compressed,
    compressed_file,
    is_worthwhile,
)
from azureblob.publish.discovery import LocalFile, read_local
from tests.publish.null_service import NullService, null_site
from tests.publish.trees import noise, rules, small_tree

IN_ONE_CALL = compression._MAX_IN_MEMORY


@settings(max_examples=60)
@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 9))
def test_bytes_are_compressed_only_if_that_saves_a_twentieth(
    same: int, any_: int, seed: int
) -> None:
    data = b"a" * same + noise(seed, any_)
    small = compressed(data)
    smallest = len(deflate.gzip_compress(data, 6))
    if small is None:
        assert smallest > len(data) * 0.95
    else:
        assert len(small) <= len(data) * 0.95
        assert gzip.decompress(small) == data
        assert compressed(data) == small  # the same for the same, whenever it is made
    assert is_worthwhile(smallest, len(data)) == (small is not None)


@pytest.mark.parametrize(("small", "worthwhile"), [(94, True), (95, True), (96, False)])
def test_the_twentieth_is_counted_exactly(small: int, worthwhile: bool) -> None:
    assert is_worthwhile(small, 100) == worthwhile


def test_style_sheets_get_as_small_as_with_zlib() -> None:
    text = rules(1, 2000)
    small = compressed(text)
    assert small is not None
    assert len(small) <= 1.03 * len(gzip.compress(text, 6))


def written(folder: Path, data: bytes) -> LocalFile:
    path = folder / "source"
    path.write_bytes(data)
    return read_local(str(path))


@pytest.mark.parametrize("size", [0, 1, IN_ONE_CALL - 1, IN_ONE_CALL, IN_ONE_CALL + 1])
def test_a_file_of_any_size_is_compressed_and_the_same_each_time(tmp_path: Path, size: int) -> None:
    data = (rules(1, 3000) * (size // 3000 + 1))[:size]
    file = written(tmp_path, data)
    made = [compressed_file(file, tmp_path) for _ in range(2)]
    if size < 100:
        assert made == [None, None]
        assert [path.name for path in tmp_path.iterdir()] == ["source"]
    else:
        first, second = (Path(one.path).read_bytes() for one in made if one)
        assert first == second
        assert gzip.decompress(first) == data
        assert (first == deflate.gzip_compress(data, 6)) == (size <= IN_ONE_CALL)
        assert made[0] is not None
        assert made[0].size == len(first) < size * 0.95


@pytest.mark.parametrize("size", [1000, IN_ONE_CALL + 1])
def test_a_file_that_has_changed_is_not_compressed(tmp_path: Path, size: int) -> None:
    file = written(tmp_path, b"a" * size)
    for data in (b"a" * (size + 1), b"a" * (size - 1), b"b" * size):
        Path(file.path).write_bytes(data)
        with pytest.raises(FileChanged):
            compressed_file(file, tmp_path)


def test_what_another_library_has_compressed_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with NullService() as service:
        site = null_site(tmp_path, service)
        site.write(small_tree())
        (site.folder / "with_zlib.py").write_text(
            "import gzip\n"
            "import deflate\n"
            "deflate.gzip_compress = lambda data, level: gzip.compress(data, 1, mtime=0)\n"
        )
        site.settings["INSTALLED_APPS"] = ["azureblob", "django.contrib.staticfiles", "with_zlib"]
        first = site.publish().well()
        assert first.counts[0] > 0
        assert "gzip" in {blob.get("Content-Encoding") for blob in service.blobs.values()}
        site.settings["INSTALLED_APPS"] = ["azureblob", "django.contrib.staticfiles"]
        assert site.publish().well().counts[0] == 0
