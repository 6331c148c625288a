"""The structure of the library: which module may import which, and what modules are called."""

from __future__ import annotations

import ast
import functools
import graphlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

LIBRARY = ROOT / "src" / "azureblob"
# The rooms that each room may import from; `checks` and `doctor` may import from all.
ALLOWED: dict[str, set[str]] = {
    "rest": set(),
    "publish": {"rest"},
    "migrate": {"rest"},
    "uploads": {"rest"},
    "direct": {"rest", "uploads"},
}
# Names that Django's conventions give to several modules.
SHARED_STEMS = {"__init__", "apps", "checks", "fields", "forms"}

# --- The code -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """`target` is a module of the library, or the first name of another package. `function` is the
    name of the function that contains the import, and `typing` is true if only type checkers see
    it."""

    module: str
    target: str
    line: int
    function: str | None
    typing: bool


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports_of(module: str) -> Iterator[Import]:
    def visit(node: ast.AST, function: str | None, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            inner, only_typing = function, typing
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = child.name
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                only_typing = True
            for target in targets(child):
                line = getattr(child, "lineno", 0)
                yield Import(module, target, line, inner, only_typing)
            yield from visit(child, inner, only_typing)

    yield from visit(ast.parse(MODULES[module].read_text()), None, False)


def targets(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (_target(alias.name) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "the library uses absolute imports"
        for alias in node.names:
            name = f"{node.module}.{alias.name}"
            yield name if name in MODULES else _target(str(node.module))


def _target(name: str) -> str:
    return name if name in MODULES else name.partition(".")[0]


@functools.cache
def imports() -> list[Import]:
    """Those of all modules. Not found on import, as every worker imports this file."""
    return [found for module in MODULES for found in imports_of(module)]


def room(module: str) -> str | None:
    """The package that a module is in; None for those directly in azureblob."""
    parts = module.split(".")
    is_package = MODULES[module].name == "__init__.py"
    return parts[1] if len(parts) > 2 or (is_package and len(parts) == 2) else None


# --- The rules ------------------------------------------------------------------------------------


def cycles() -> list[list[str]]:
    """Circles of imports, those inside functions included. Each is cut before the next is looked
    for."""
    graph: dict[str, set[str]] = defaultdict(set)
    for found in imports():
        inside = found.target in MODULES and found.target != found.module
        if inside and not found.typing:
            graph[found.module].add(found.target)
    circles = []
    while True:
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            circle = list(reversed(error.args[1]))
            circles.append(circle)
            graph[circle[0]].discard(circle[1])
        else:
            return circles


def test_no_module_imports_itself_through_others() -> None:
    found = [" -> ".join(circle) for circle in cycles()]
    assert found == []


def test_imports_inside_functions_have_start_up_time_as_their_reason() -> None:
    """A comment with the word start-up is on the line of the import, or above it and the imports
    that it follows."""
    unexplained = {
        f"{found.module}:{found.line}"
        for found in imports()
        # An AppConfig imports its checks in ready(), by Django's convention.
        if found.function not in {None, "ready"}
        and "start-up" not in _comment(MODULES[found.module].read_text().splitlines(), found.line)
    }
    assert unexplained == set()


def _comment(lines: list[str], number: int) -> str:
    """The comments on a line (from 1) and directly above it, in lower case."""
    comments = [lines[number - 1].partition("#")[2]]
    for line in reversed(lines[: number - 1]):
        if not line.strip().startswith(("#", "from ", "import ")):
            break
        comments.append(line.partition("#")[2])
    return " ".join(comments).lower()


@pytest.mark.parametrize("name", ALLOWED)
def test_a_room_imports_only_from_those_below_it(name: str) -> None:
    inside = [
        found for found in imports() if room(found.module) == name and found.target in MODULES
    ]
    foreign = {
        f"{found.module} -> {found.target}"
        for found in inside
        if room(found.target) not in {None, name, *ALLOWED[name]}
    }
    assert foreign == set()


def test_rest_knows_nothing_of_django() -> None:
    """Nor does any module outside it that it imports."""
    pending = [module for module in MODULES if room(module) == "rest"]
    assert pending
    seen: set[str] = set()
    found = set()
    while pending:
        module = pending.pop()
        if module in seen:
            continue
        seen.add(module)
        for imported in imports():
            if imported.module == module and not imported.typing:
                if imported.target in {"django", "storages"}:
                    found.add(f"{module} -> {imported.target}")
                elif imported.target in MODULES:
                    pending.append(imported.target)
    assert found == set()


@pytest.mark.parametrize("name", ["rest", "migrate"])
def test_rooms_that_do_not_publish_do_not_speak_of_publishing(name: str) -> None:
    said = {
        f"{path.relative_to(LIBRARY)}: {line.strip()}"
        for path in (LIBRARY / name).rglob("*.py")
        for line in path.read_text().splitlines()
        if ("publish" in line.lower() or "collectstatic" in line.lower())
    }
    assert said == set()


def test_no_two_modules_share_a_name() -> None:
    """Management commands have the names that users type, so they are not counted."""
    by_stem: dict[str, list[str]] = defaultdict(list)
    for module, path in MODULES.items():
        if "commands" not in path.parts:
            by_stem[path.stem].append(module)
    shared = {
        stem: found
        for stem, found in by_stem.items()
        if len(found) > 1 and stem not in SHARED_STEMS
    }
    assert shared == {}
