"""Trees of files. Those that are generated have the same bytes each time."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import CommandFailed

_PLAIN_STORAGE = "django.contrib.staticfiles.storage.StaticFilesStorage"
SMALLEST, LARGEST = 2_000, 40_000
# (number of files, bytes of each)
_MEDIA = ((1000, 100_000), (20, 50_000_000))
_ONE_LARGE_BYTES = 1_000_000_000
_PIECE_BYTES = 10_000_000
# Older than any blob, so that the files of a first run are not newer than their blobs.
_PAST = 1_700_000_000
_WORDS = (
    ("color", "background", "border", "margin", "padding", "display", "flex", "grid", "absolute")
    + ("relative", "width", "height", "font-size", "line-height", "inherit", "none", "auto")
    + ("solid", "transparent", "hover", "focus", "button", "input", "label", "table", "header")
    + ("footer", "section", "article", "link", "visited", "active", "disabled", "checked")
)


def write(folder: Path, tree: int | str) -> None:
    """Write a tree of so many files, or the one of this name. Raises CommandFailed if it cannot be
    had on this machine."""
    if isinstance(tree, int):
        write_tree(folder, tree)
    else:
        _NAMED[tree](folder)


def write_tree(folder: Path, files: int) -> None:
    """Of 100 files, 20 are incompressible (images), 40 are style sheets, every second of which
    refers to two of the images, and 40 are scripts. Each has 2 to 40 KB; 1,000 have 13 to 14 MB."""
    rng = random.Random(files)  # noqa: S311
    images = [f"img/{n // 200:03}/photo{n:05}.png" for n in range(0, files, 5)]
    for number in range(files):
        # Most files are small: the square puts the mean at a third of the range.
        size = SMALLEST + int((LARGEST - SMALLEST) * rng.random() ** 2)
        if number % 5 == 0:
            _write(folder / f"img/{number // 200:03}/photo{number:05}.png", rng.randbytes(size))
        elif number % 5 < 3:
            shown = rng.sample(images, min(2, len(images))) if number % 5 == 1 else []
            _write(folder / f"css/{number // 200:03}/sheet{number:05}.css", _css(rng, size, shown))
        else:
            _write(folder / f"js/{number // 200:03}/part{number:05}.js", _js(rng, size))


def write_admin(folder: Path) -> None:
    """The static files of Django's admin."""
    import django.contrib.admin

    source = Path(django.contrib.admin.__file__).parent / "static"
    shutil.copytree(source, folder, dirs_exist_ok=True)
    age(folder)


def write_media(folder: Path) -> None:
    """Uploads: small files and large ones, incompressible, none like another."""
    rng = random.Random(0)  # noqa: S311
    for files, size in _MEDIA:
        for number in range(files):
            _write(folder / f"{size}/{number // 100:02}/upload{number:04}.bin", rng.randbytes(size))


def write_one_large(folder: Path) -> None:
    """A single file of 1 GB."""
    rng = random.Random(0)  # noqa: S311
    path = folder / "large.bin"
    with path.open("wb") as file:
        for _ in range(_ONE_LARGE_BYTES // _PIECE_BYTES):
            file.write(rng.randbytes(_PIECE_BYTES))
    os.utime(path, (_PAST, _PAST))


def write_packages(folder: Path) -> None:
    """The static files of the site of `make sites` that has all packages at once. Its environment
    is installed if necessary, which takes minutes. Raises CommandFailed."""
    from sites.catalogue import djangos, packages
    from sites.environments import Unsupported, find_python, prepared
    from sites.results import Results
    from sites.site import Failed, Site, settings
    from sites.together import together

    django, version = next(iter(djangos().items()))
    package = together(packages(), Results(folder / "results.json"), django)
    given = settings(package, folder.parent, None, "/static/")
    given["STATIC_ROOT"] = str(folder)
    given["STORAGES"]["staticfiles"]["BACKEND"] = _PLAIN_STORAGE
    try:
        python = find_python(django)
        pins = package.requirements(django)
        interpreter = prepared(django, version, package.name, pins, python)
        with Site(interpreter, given, folder.parent / "packages.log") as site:
            site.ask("setup")
            said = site.ask("collect")
    except (Unsupported, Failed) as problem:
        raise CommandFailed(f"the tree of packages cannot be made: {problem}") from None
    if said["error"]:
        raise CommandFailed(f"the tree of packages cannot be made: {said['error']}")
    age(folder)


def warm(folder: Path) -> None:
    """Read all files, so that they are in the page cache."""
    for path in paths(folder):
        with path.open("rb", buffering=0) as file:
            while file.read(_PIECE_BYTES):
                pass


def copy(source: Path, folder: Path) -> None:
    """A copy that a competitor may change; all of it is in the page cache."""
    shutil.copytree(source, folder)


def age(folder: Path) -> None:
    for path in paths(folder):
        os.utime(path, (_PAST, _PAST))


def change(folder: Path, share: float = 0.01) -> list[str]:
    """Change this share of the files, at least one, spread over the tree. Returns their names."""
    found = sorted(paths(folder))
    step = max(round(1 / share), 1)
    # At another position in each hundred, so that all kinds of files are among them.
    chosen = [
        found[start + (start // step * 37) % min(step, len(found) - start)]
        for start in range(0, len(found), step)
    ][: max(round(len(found) * share), 1)]
    for path in chosen:
        text = path.suffix in {".css", ".js"}
        with path.open("ab") as file:
            file.write(b"\n/* changed */\n" if text else b"changed")
    return [path.relative_to(folder).as_posix() for path in chosen]


def touch(folder: Path) -> None:
    """Set the times of all files to now, as a fresh checkout does."""
    now = time.time()
    for path in paths(folder):
        os.utime(path, (now, now))


def paths(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (_PAST, _PAST))


def _css(rng: random.Random, size: int, shown: list[str]) -> bytes:
    head = "".join(f'.shown{n} {{ background: url("../../{x}"); }}\n' for n, x in enumerate(shown))
    return (head + _text(rng, size - len(head), ".{} {{ {}: {}; {}: {}px }}\n")).encode()


def _js(rng: random.Random, size: int) -> bytes:
    return _text(rng, size, "function {}_{}({}) {{ return {} * {}; }}\n").encode()


def _text(rng: random.Random, size: int, line: str) -> str:
    """Lines of words and numbers; gzip compresses them to a quarter."""
    lines: list[str] = []
    left = size
    while left > 0:
        a, b, c, d = rng.choices(_WORDS, k=4)
        lines.append(
            line.format(a.replace("-", "_"), b.replace("-", "_"), c, d, rng.randrange(999))
        )
        left -= len(lines[-1])
    return "".join(lines)


_NAMED = {
    "admin": write_admin,
    "media": write_media,
    "none": lambda folder: None,
    "one-large": write_one_large,
    "packages": write_packages,
}
