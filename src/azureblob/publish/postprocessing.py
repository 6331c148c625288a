"""Hashed names by Django's own post-processing, for a storage or a version of Django that
azureblob.publish.hashing does not know. It is slower, as every file is copied and read several
times, but right whatever Django does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage

from azureblob.publish.discovery import LocalFile, read_local
from azureblob.publish.hashing import (
    HashedTree,
    HashingError,
    hash_names,
    saved_manifest,
)
from azureblob.publish.rewriting import manifest_storage

# What Django rewrites and what it does not, where its versions differ.
_SAMPLE = {
    "css/a.css": b"""@import "b.css"; @import url("sub/c.css");
/* url(../img/a.png) */ .a::before { content: "url(../img/a.png)" }
.b { background: url('../img/a.png?v=1#x'), URL("  ../img/b c.png"), url(../img/b%20c.png) }
.c { background: url(data:x/y;base64,AA==), url(//host/x), url("../img/a.png?#iefix"), url('#x') }
.d { background: url("it's.png"), url(a.svg#'b') }
/*# sourceMappingURL=a.css.map */
""",
    "css/it's.png": b"d",
    "css/a.svg": b"<svg/>",
    "css/a.css.map": b"{}",
    "css/b.css": b".b { background: url(../img/a.png) }\r\n",
    "css/sub/c.css": b"@import '../b.css';\n",
    "img/a.png": b"a",
    "img/b c.png": b"b",
    "js/a.js": b"""import { b } from "./b.js"; import * as c from './b.js';
export { b } from "./b.js"; import "./b.js"; const late = import("./b.js"); // import "./b.js";
/*
//# sourceMappingURL=a.js.map
*/
//# sourceMappingURL=a.js.map
""",
    "js/a.js.map": b"{}",
    "js/b.js": b"export const b = 1;\n",
}


def has_own_post_process(kind: type[ManifestFilesMixin]) -> bool:
    """Whether a storage class overrides the post-processing that azureblob.publish.hashing
    replaces."""
    return any(
        getattr(kind, method, None) is not getattr(ManifestFilesMixin, method, None)
        for method in ("post_process", "_post_process")
    )


def difference(kind: type[ManifestFilesMixin], scratch: Path) -> str:
    """How the results of azureblob.publish.hashing and of Django differ, or empty.

    The former depends on parts of Django that may change, so both name the files of a small tree in
    the folder `scratch`.
    """
    source, by_us, by_django = (scratch / name for name in ("source", "us", "django"))
    for folder in (by_us, by_django):
        folder.mkdir(parents=True)
    sources = {}
    for name, content in _SAMPLE.items():
        file = source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        sources[name] = read_local(str(file))
    try:
        ours = hash_names(sources, kind, by_us)
        theirs = post_process(sources, kind, by_django)
    except Exception as error:  # anything that a changed Django or the site's own rules raise
        return f"{type(error).__name__}: {error}"
    if ours.manifest != theirs.manifest:
        return "the names of a small tree's files differ"
    differs = [name for name, file in theirs.files.items() if file.md5 != ours.files[name].md5]
    return f"the content of {differs[0]} differs" if differs else ""


def post_process(
    sources: Mapping[str, LocalFile], kind: type[ManifestFilesMixin], scratch: Path
) -> HashedTree:
    """Like hash_names(), but by the storage's post_process(). All files are `needed`, as references
    without a hash are not looked for. There are no `aliases`, as Django makes none. Raises
    HashingError."""
    for name, file in sources.items():
        copy = scratch / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, copy)
    storage = manifest_storage(kind, scratch)
    originals = _Originals(sources)
    names: dict[str, str] = {}
    missing: dict[str, None] = {}
    try:
        for name, hashed, processed in storage.post_process(
            {name: (originals, name) for name in sources}
        ):
            error: object = processed
            if isinstance(error, ValueError) and not isinstance(error, UnicodeError):
                missing.setdefault(_text(error))
            elif isinstance(error, Exception):
                raise HashingError(f"{name}: {_text(error)}")
            elif hashed:
                names[name] = hashed
    except SuspiciousFileOperation as error:
        raise HashingError(f"A reference leads out of the static files: {error}") from None
    manifest = saved_manifest(storage)
    paths = json.loads(manifest)["paths"]
    return HashedTree(
        files={hashed: read_local(str(scratch / hashed)) for hashed in paths.values()},
        names=names,
        paths=paths,
        aliases={},
        manifest=manifest,
        missing=[*missing],
        needed=frozenset(sources),
    )


class _Originals(FileSystemStorage):
    """The files where the finders found them, by the names that they are published under."""

    def __init__(self, sources: Mapping[str, LocalFile]) -> None:
        super().__init__()
        self._sources = sources

    def path(self, name: str) -> str:
        return self._sources[name].path


def _text(error: Exception) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", [])])
