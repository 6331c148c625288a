"""Hashed names, made within this process by Django and by the publisher."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.storage import FileSystemStorage
from django.utils.functional import empty

from azureblob.publish.discovery import content, read_local
from azureblob.publish.hashing import HashedTree, hash_names
from tests.publish.site import Expected
from tests.publish.trees import Tree, write

STATIC_URL = "http://127.0.0.1:10000/account/static/"
Rules = type[ManifestStaticFilesStorage]


@contextmanager
def static_url(url: str = STATIC_URL) -> Iterator[None]:
    """Django with these settings, temporarily: other tests may configure it differently."""
    lazy: Any = settings
    before = lazy._wrapped
    lazy._wrapped = empty
    settings.configure(STATIC_URL=url)
    try:
        yield
    finally:
        lazy._wrapped = before


class Folder:
    """A tree in a temporary folder. A context manager."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._temporary = tempfile.TemporaryDirectory(prefix="tree-")

    def __enter__(self) -> Folder:
        self._folder = Path(self._temporary.name)
        (self._folder / "source").mkdir()
        write(self._tree, self._folder / "source")
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    def by_django(self, rules: Rules = ManifestStaticFilesStorage) -> Expected:
        """As collectstatic does it: copy all, then post-process. Raises what Django raises."""
        source = FileSystemStorage(self._folder / "source")
        made = self._folder / "by-django"
        made.mkdir()
        write(self._tree, made)
        storage = rules(location=made, base_url=settings.STATIC_URL)
        paths: dict[str, Any] = {name: (source, name) for name in self._tree}
        for _, _, processed in storage.post_process(paths):
            if isinstance(processed, Exception):
                raise processed
        manifest = (made / "staticfiles.json").read_bytes()
        hashed = json.loads(manifest)["paths"].values()
        return Expected(manifest, {name: (made / name).read_bytes() for name in hashed})

    def by_us(self, rules: Rules = ManifestStaticFilesStorage) -> HashedTree:
        """Raises HashingError. The files of the tree may be read until the folder is gone."""
        scratch = self._folder / "by-us"
        scratch.mkdir()
        sources = {name: read_local(str(self._folder / "source" / name)) for name in self._tree}
        return hash_names(sources, rules, scratch, find_needed=True)


def read(tree: HashedTree) -> Expected:
    """What the publisher made, in the form of what Django made."""
    files = {name: content(tree.files[name]) for name in tree.paths.values()}
    return Expected(tree.manifest, files)
