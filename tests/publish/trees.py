"""Small trees of static files, the same bytes for the same arguments."""

from __future__ import annotations

import random
from pathlib import Path

Tree = dict[str, bytes]

# Text that compresses well, as style sheets do.
RULE = b".button-%d { color: #336699; padding: 4px 8px; border: 1px solid #ccc; }\n"


def noise(seed: object, size: int) -> bytes:
    """Bytes that cannot be compressed."""
    return random.Random(str(seed)).randbytes(size)  # noqa: S311


def rules(seed: int, lines: int = 30) -> bytes:
    return b"".join(RULE % (seed * 1000 + line) for line in range(lines))


def small_tree(version: int = 0) -> Tree:
    """24 files that refer to each other. Of these 9 differ between two versions, the others never:
    the first four images, and the five style sheets that show one of them or import the others."""
    images = {
        f"img/photo{n}.png": noise(f"{version if n < 4 else 0} {n}", 700 + 40 * n) for n in range(8)
    }
    sheets = {
        f"css/part{n}.css": rules(n) + b".p { background: url(../img/photo%d.png); }\n" % n
        for n in range(7)
    }
    imports = b"".join(b'@import url("part%d.css");\n' % n for n in range(7))
    scripts = {
        f"js/part{n}.js": b"export const part = %d;\n" % n * 20
        + b"//# sourceMappingURL=part%d.js.map\n" % n
        for n in range(3)
    }
    maps = {f"js/part{n}.js.map": b'{"version":3,"sources":["part%d.ts"]}' % n for n in range(3)}
    return {
        **images,
        **sheets,
        "css/site.css": imports + rules(99),
        **scripts,
        **maps,
        "notes/read me.txt": b"a name with a space\n" * 20,
        "notes/\u00fcber.txt": b"a name with an umlaut\n" * 20,
    }


CHANGING = 9


def flat_tree(files: int, size: int = 60, seed: int = 0) -> Tree:
    """Many small files that refer to nothing."""
    return {
        f"many/{n // 500:02}/f{n:05}.txt": b"%d %d\n" % (seed, n) + noise(f"{seed} {n}", size // 2)
        for n in range(files)
    }


def write(tree: Tree, folder: Path) -> None:
    """Write the tree into the folder and delete other files. Unchanged files are not written."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in tree:
            path.unlink()
    for name, content in tree.items():
        path = folder / name
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
