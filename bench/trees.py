"""Trees of static files: the same bytes for the same number of files."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

SMALLEST, LARGEST = 2_000, 40_000
# Before any blob was written, so that a first run's files are not newer than their blobs.
_PAST = 1_700_000_000
_WORDS = (
    ("color", "background", "border", "margin", "padding", "display", "flex", "grid", "absolute")
    + ("relative", "width", "height", "font-size", "line-height", "inherit", "none", "auto")
    + ("solid", "transparent", "hover", "focus", "button", "input", "label", "table", "header")
    + ("footer", "section", "article", "link", "visited", "active", "disabled", "checked")
)


def write_tree(folder: Path, files: int) -> None:
    """Of 100 files 20 are noise that no packing makes smaller (images), 40 style sheets, of which
    each second one shows two of the images, and 40 scripts. 2 to 40 KB, 13 to 14 MB a thousand."""
    rng = random.Random(files)  # noqa: S311
    images = [f"img/{n // 200:03}/photo{n:05}.png" for n in range(0, files, 5)]
    for number in range(files):
        # Small files are the many: the square keeps the mean at a third of the way up.
        size = SMALLEST + int((LARGEST - SMALLEST) * rng.random() ** 2)
        if number % 5 == 0:
            _write(folder / f"img/{number // 200:03}/photo{number:05}.png", rng.randbytes(size))
        elif number % 5 < 3:
            shown = rng.sample(images, min(2, len(images))) if number % 5 == 1 else []
            _write(folder / f"css/{number // 200:03}/sheet{number:05}.css", _css(rng, size, shown))
        else:
            _write(folder / f"js/{number // 200:03}/part{number:05}.js", _js(rng, size))


def write_admin(folder: Path) -> None:
    """Django admin's own files."""
    import django.contrib.admin

    source = Path(django.contrib.admin.__file__).parent / "static"
    shutil.copytree(source, folder, dirs_exist_ok=True)
    age(folder)


def copy(source: Path, folder: Path) -> None:
    """A tree of a competitor's own, which its cases change. Read, so that it is in memory."""
    shutil.copytree(source, folder)


def age(folder: Path) -> None:
    for path in paths(folder):
        os.utime(path, (_PAST, _PAST))


def change(folder: Path, share: float = 0.01) -> list[str]:
    """Change this share of the files, spread over the tree; their names. At least one."""
    found = sorted(paths(folder))
    step = max(round(1 / share), 1)
    # Of each hundred another place, so that all kinds of files are among them.
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
    """New times for all files, as a fresh checkout has them."""
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
    """Words and numbers in lines of one form: gzip takes it to a quarter."""
    lines: list[str] = []
    left = size
    while left > 0:
        a, b, c, d = rng.choices(_WORDS, k=4)
        lines.append(
            line.format(a.replace("-", "_"), b.replace("-", "_"), c, d, rng.randrange(999))
        )
        left -= len(lines[-1])
    return "".join(lines)
