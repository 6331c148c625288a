"""Files are read from where the finders' storages say that they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage
from django.test import override_settings

from azureblob.publish import discovery
from tests.publish.in_process import static_url
from tests.publish.trees import small_tree, write


@pytest.fixture(autouse=True)
def _django() -> Iterator[None]:
    with static_url():
        yield


def found(
    monkeypatch: pytest.MonkeyPatch, finder: FileSystemFinder, scratch: Path
) -> dict[str, str]:
    """The paths of the files that this finder alone lists."""
    monkeypatch.setattr(discovery, "get_finders", lambda: [finder])
    files = discovery.find([], scratch, lambda name: None)
    return {name: file.path for name, file in files.items()}


def finder_of(*folders: object, kind: type[FileSystemFinder] = FileSystemFinder) -> Any:
    with override_settings(STATICFILES_DIRS=[*folders]):
        return kind()


def test_the_paths_are_those_of_djangos_storages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write({**small_tree(), "a..b/..c.css": b"c", "top.css": b"t"}, one)
    write({"a.css": b"a", "sub/b.css": b"b"}, two)
    # As people write them: with a separator at the end, and by way of another folder.
    finder = finder_of(f"{one}/", ("pre/fix", str(one / ".." / "two")))
    expected = {}
    for storage in finder.storages.values():
        prefix = storage.prefix
        for path in Path(storage.location).rglob("*"):
            if path.is_file():
                name = path.relative_to(storage.location).as_posix()
                expected[f"{prefix}/{name}" if prefix else name] = storage.path(name)
    assert found(monkeypatch, finder, tmp_path) == expected
    assert len(expected) == 24 + 2 + 2


class Elsewhere(FileSystemStorage):
    prefix = ""

    def path(self, name: str) -> str:
        return str(Path(self.location).parent / "elsewhere" / f"{name}.of-this-site")


def test_a_storage_with_paths_of_its_own_is_asked_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"a.css": b"a"}, tmp_path / "one")
    write({"a.css.of-this-site": b"other"}, tmp_path / "elsewhere")
    finder = finder_of(str(tmp_path / "one"))
    [root] = finder.storages
    finder.storages[root] = Elsewhere(root)
    paths = found(monkeypatch, finder, tmp_path)
    assert paths == {"a.css": str(tmp_path / "elsewhere" / "a.css.of-this-site")}


class Careless(FileSystemFinder):
    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return [("../secret.css", storage) for storage in self.storages.values()]


def test_a_finder_of_the_sites_own_does_not_lead_out_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"secret.css": b"s"}, tmp_path)
    write({"a.css": b"a"}, tmp_path / "one")
    finder = finder_of(tmp_path / "one", kind=Careless)
    with pytest.raises(SuspiciousFileOperation):
        found(monkeypatch, finder, tmp_path)
