"""Other people's files are searched in time that is linear in their size."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import random
import re
import string
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from types import ModuleType

from azureblob.publish import patterns
from scripts import install_errors
from tests.publish.in_process import static_url

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    *("src/azureblob", "app/backend", "app/gallery", "infra", "localazure", "policy"),
    *("scripts", "bench", "review", ".github/scripts"),
)

_RANDOM = random.Random(1)  # noqa: S311
_LETTERS = "".join(_RANDOM.choices(string.ascii_letters, k=1000))
_BASE64 = b64encode(_RANDOM.randbytes(750)).decode()
_SCRIPT = (
    'function a(b,c){return b?c("d-e"):{f:[1,2.5,b/c],g:!0}}var h=a(1,`i`);h.j=/k\\/l/.test(m);'
)
_REPEATED = {
    "letters": _LETTERS,
    "base64": _BASE64,
    "digits": "0123456789",
    "minified script": _SCRIPT,
    "brackets": "([{<",
    "closing brackets": ")]}>",
    "double quotes": '"',
    "single quotes": "'",
    "backticks": "`",
    "all quotes": "'\"`",
    "escaped quotes": "\\\"\\'\\`",
    "spaces": " ",
    "tabs and line ends": "\t\r\n",
    "url(": "url(",
    "url( and quotes": "url(\"url('",
    "url( that closes without its quote": 'url("a) ',
    "url( and spaces": "url( ",
    "comments": "/*",
    "ends of comments": "*/",
    "source maps": "/*# sourceMappingURL= ",
    "imports": '@import "',
    "modules": "import {a} ",
    "attributes": "src=href =",
    "words of a srcset": "a 1. ",
    "dots": ".",
    "slashes": "/",
    "dashes": "-",
    "zeros": "0",
    "backslashes": "\\",
    "angles": "<BaseURL>",
}
# Beginnings after which a pattern may search a long text that has no proper end.
_AFTER = ("url(", 'url("', '@import "', "@import", "/*# sourceMappingURL=", "src=", "import ", "a ")


def texts(size: int) -> Iterator[tuple[str, str]]:
    for name, unit in _REPEATED.items():
        yield name, (unit * (size // len(unit) + 1))[:size]
    for head in _AFTER:
        for unit in (" ", "a", "\\"):
            yield f"{head} and then {unit!r}", head + unit * size
            yield f"{head}, then {unit!r}, then an end", f"{head}{unit * size})\n"


# --- All patterns of the project ------------------------------------------------------------------


def sources() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def written_patterns() -> dict[str, tuple[str, int, str]]:
    """The patterns that are written as text in calls such as re.search("…"), by their place."""
    found: dict[str, tuple[str, int, str]] = {}
    for path in sources():
        tree = ast.parse(path.read_text("utf-8"))
        names = {
            node.value: node.targets[0].id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and node.func.attr not in {"escape", "purge"}
                and node.args
            ):
                pattern = text_of(node.args[0])
                flags = 0
                for other in [*node.args[1:], *(word.value for word in node.keywords)]:
                    for part in ast.walk(other):
                        if isinstance(part, ast.Attribute):
                            flags |= int(getattr(re, part.attr, 0))
                compiled = node.func.attr == "compile"
                way = names.get(node, "") if compiled else node.func.attr
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                if pattern is not None:
                    found[where] = (pattern, flags, way)
    return found


def text_of(node: ast.expr) -> str | None:
    """A literal, or an f-string with a word in each gap; None for other expressions."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = [text_of(part) if isinstance(part, ast.Constant) else "a" for part in node.values]
        return "".join(part or "" for part in parts)
    return None


def modules() -> Iterator[ModuleType]:
    for name in (
        "azureblob.publish",
        "azureblob.rest",
        "azureblob.uploads",
        "azureblob.migrate",
        "localazure",
        "infra",
        "policy",
        "scripts",
    ):
        package = importlib.import_module(name)
        yield package
        for info in pkgutil.walk_packages(package.__path__, f"{name}."):
            # Programs, and modules that need the site's settings or Pulumi's engine on import.
            if info.name.rpartition(".")[2] not in {"__main__", "run", "database"}:
                try:
                    yield importlib.import_module(info.name)
                except Exception as error:  # its patterns are among the written ones
                    print(f"{info.name} is left out: {error}")


def held(value: object) -> Iterator[re.Pattern[str]]:
    """The patterns in a module's constant, also within tuples and dictionaries."""
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif isinstance(value, (tuple, list, set, frozenset)):
        for part in value:
            yield from held(part)
    elif isinstance(value, dict):
        yield from held(list(value.values()))


@cache
def searches() -> dict[str, Callable[[str], object]]:
    """The searches of a whole text, as the project does them, by name."""
    found: dict[str, Callable[[str], object]] = {}
    seen: set[re.Pattern[str]] = set()
    # Only matched within the bounds of a match; _LINEAR has the whole search.
    bounded = {"_LOOSE", "_QUOTED", "_UNQUOTED"}
    used: dict[str, set[str]] = {}
    for path in sources():
        for name, way in re.findall(r"\b(\w++)\.(\w++)\(", path.read_text("utf-8")):
            used.setdefault(name, set()).update({way} & WAYS)
    with static_url():
        for module in modules():
            for name, value in vars(module).items():
                for number, pattern in enumerate(held(value)):
                    if pattern not in seen and name not in bounded:
                        where = f"{module.__name__}.{name} {number}"
                        found[where] = partial(exhaust, pattern, used.get(name) or {"finditer"})
                    seen.add(pattern)
    for where, (text, flags, way) in written_patterns().items():
        # Compiled patterns are constants of a module, or attributes of policies or probes.
        if re.compile(text, flags) not in seen and "publish/patterns.py" not in where:
            found[where] = partial(
                exhaust, re.compile(text, flags), {way} & WAYS or used.get(way) or {"finditer"}
            )
    for text, _ in install_errors._RULES:
        compiled = re.compile(text, re.IGNORECASE)
        found[f"scripts.install_errors {text}"] = partial(exhaust, compiled, {"search"})
    for text, find in patterns._LINEAR.items():
        found[f"Django's {text}"] = partial(_all, find)
    for ignored in IGNORED:
        found[f"Django's {ignored.pattern}"] = partial(_all, partial(ignored_of, ignored))
    return found


def ignored_of(ignored: re.Pattern[str], text: str) -> Iterable[object]:
    return patterns._ignored(text, ignored)


def _all(find: Callable[[str], Iterable[object]], text: str) -> None:
    for _ in find(text):
        pass


def exhaust(pattern: re.Pattern[str], ways: Iterable[str], text: str) -> None:
    for way in ways:
        if way in {"match", "fullmatch"}:
            getattr(pattern, way)(text)
        else:
            _all(pattern.finditer, text)


WAYS = {"match", "fullmatch", "search", "finditer", "findall", "sub", "split"}
# As Django 6.1 has them.
IGNORED = (
    re.compile(
        r"/\*.*?\*/|\\.|'(?:[^'\\\n]|\\.)*'|" + r'"(?:[^"\\\n]|\\.)*"',
        re.DOTALL,
    ),
    re.compile(
        r"/\*.*?\*/|//[^\n]*|\\.|'(?:[^'\\\n]|\\.)*'|" + r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`',
        re.DOTALL,
    ),
)


def seconds(search: Callable[[str], object], text: str) -> float:
    """CPU time; if it is not tiny, the minimum of three runs."""
    least = 1.0
    for _ in range(3):
        begin = time.process_time()
        search(text)
        least = min(least, time.process_time() - begin)
        if not _NOTHING < least < 0.5:
            break
    return least


_SMALL = 500
_MORE = 16
_NOTHING = 0.01


def test_the_patterns_are_found() -> None:
    found = searches()
    assert len(found) > 100
    for part in (
        "azureblob.publish.references._URLS",
        "src/azureblob/uploads/images.py",
        "review/markdown.py",
        ".github/scripts/",
        "infra/rules.py",
        "policy.",
    ):
        assert [name for name in found if part in name], part


def test_each_takes_time_that_is_linear_in_the_size_of_a_text() -> None:
    slow: list[str] = []
    small, large = dict(texts(_SMALL)), dict(texts(_SMALL * _MORE))
    for name, search in searches().items():
        for kind, text in large.items():
            # Cubic is caught on the small text, before the large one would take minutes.
            before = seconds(search, small[kind])
            taken = seconds(search, text) if before < _NOTHING else before
            # Linear takes 16 times as long on the large text, and quadratic 256 times.
            if taken > _NOTHING and (before > _NOTHING or taken > 5 * _MORE * before):
                slow.append(f"{name} on {kind}: {before:.5f} s, {taken:.3f} s")
    assert slow == []
