"""docs/settings.md: every setting and option of the library, and nothing else."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings

from tests.conftest import ROOT

LIBRARY = ROOT / "src" / "azureblob"
PAGE = (ROOT / "docs" / "settings.md").read_text()
# Settings of Django and django.contrib that the library reads, or that Django no longer reads.
DJANGOS = {*dir(global_settings), "DEFAULT_FILE_STORAGE", "STATICFILES_STORAGE"}
# Deprecated names without a prefix.
UNPREFIXED = {"QUARANTINE_LOCATION"}


def table(heading: str) -> list[dict[str, str]]:
    """The rows of the table below a heading, by column."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    header, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return [dict(zip(header, row, strict=True)) for row in rows]


def names(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def name(cell: str) -> str:
    [only] = names(cell)
    return only


def default(cell: str) -> Any:
    return None if cell == "–" else ast.literal_eval(name(cell))


# --- The code -------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Read:
    """A place that reads a setting; `default` is None if it has none or it is not a literal."""

    setting: str
    module: str
    default: Any


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def constants_of(path: Path) -> dict[str, ast.expr]:
    """Names that a module assigns, or imports from another module of the library."""
    found: dict[str, ast.expr] = {}
    for node in parsed(path).body:
        if isinstance(node, ast.Assign):
            found |= {
                target.id: node.value for target in node.targets if isinstance(target, ast.Name)
            }
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("azureblob."):
            source = LIBRARY.parent / f"{str(node.module).replace('.', '/')}.py"
            if source.is_file():
                theirs = constants_of(source)
                imported = {alias.name for alias in node.names}
                found |= {name: value for name, value in theirs.items() if name in imported}
    return found


def reads_of(path: Path, module: str) -> Iterator[Read]:
    """The settings that a module reads: `setting(…)`, `getattr(settings, …)`, `settings.…`."""
    constants = constants_of(path)

    def literal(node: ast.expr | None) -> Any:
        if isinstance(node, ast.Name):
            node = constants.get(node.id)
        try:
            return None if node is None else ast.literal_eval(node)
        except ValueError:
            return None

    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute) and _is_settings(node.value):
            yield Read(node.attr, module, None)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        arguments = node.args
        if node.func.id in {"getattr", "hasattr"} and _is_settings(arguments[0]):
            arguments = arguments[1:]
        elif node.func.id not in {"setting", "_setting"}:
            continue
        read = literal(arguments[0])
        if isinstance(read, str):
            yield Read(read, module, literal(arguments[1]) if len(arguments) > 1 else None)


def _is_settings(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "settings"


@cache
def reads() -> list[Read]:
    return [
        read
        for path in sorted(LIBRARY.rglob("*.py"))
        for read in reads_of(
            path, path.relative_to(LIBRARY).with_suffix("").as_posix().replace("/", ".")
        )
        if read.setting not in DJANGOS and read.setting.isupper()
    ]


def inherited() -> list[Read]:
    """The settings of django-storages' AzureStorage that it reads for BlobStorage."""
    from azureblob.checks.account_settings import IGNORED_SETTINGS

    spec = importlib.util.find_spec("storages.backends.azure_storage")
    assert spec is not None and spec.origin is not None
    found = reads_of(Path(spec.origin), "django-storages")
    return [read for read in found if read.setting not in {*IGNORED_SETTINGS, *DJANGOS}]


def options_of(path: Path) -> dict[str, set[str]]:
    """The options in get_default_settings, and the settings that each is read from."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef) and node.name == "get_default_settings":
            for literal in ast.walk(node):
                if isinstance(literal, ast.Dict):
                    for key, value in zip(literal.keys, literal.values, strict=True):
                        if isinstance(key, ast.Constant):
                            found[str(key.value)] = set(
                                re.findall(r"""setting\(['"](\w+)""", ast.unparse(value))
                            )
    return found


# --- The tests ------------------------------------------------------------------------------------


def test_every_setting_is_in_the_table_with_the_modules_that_read_it(django_site: None) -> None:
    expected: dict[str, set[str]] = {}
    for read in (*reads(), *inherited()):
        expected.setdefault(read.setting, set()).add(read.module)
    documented = {
        name(row["setting"]): names(row["read in"])
        | ({"django-storages"} if "django-storages" in row["read in"] else set())
        for row in table("Settings")
    }
    assert documented == expected


def test_every_setting_has_a_prefix() -> None:
    unprefixed = {
        read.setting for read in reads() if not read.setting.startswith(("AZURE_", "AZUREBLOB_"))
    }
    assert unprefixed <= UNPREFIXED


def test_each_default_is_that_of_the_code(django_site: None) -> None:
    documented = {name(row["setting"]): row["default"] for row in table("Settings")}
    for read in (*reads(), *inherited()):
        if read.default not in (None, ""):
            assert default(documented[read.setting]) == read.default, read


@pytest.mark.parametrize("kind", ["BlobStorage", "StaticBlobStorage"])
def test_every_option_of_a_storage_is_in_its_table_with_setting_and_default(
    django_site: None, kind: str
) -> None:
    from django.conf import settings
    from django.test import override_settings

    from azureblob import staticfiles, storage
    from azureblob.options import REPLACED

    classes: dict[str, Any] = {
        "BlobStorage": storage.BlobStorage,
        "StaticBlobStorage": staticfiles.StaticBlobStorage,
    }
    rows = {name(row["option"]): row for row in table(f"Options of {kind}")}
    made = classes[kind](account_name="shop", account_key="bm8ga2V5", azure_container="own")
    set_here = [one for one in dir(settings) if one.startswith("AZURE")]
    with override_settings():
        for one in set_here:
            delattr(settings, one)
        defaults = made.get_default_settings()
    assert set(rows) == set(defaults)
    for option, value in defaults.items():
        documented = default(rows[option]["default"])
        assert documented == (value if value != "" else None), option
    mapping: dict[str, set[str]] = {}
    if kind == "BlobStorage":
        spec = importlib.util.find_spec("storages.backends.azure_storage")
        assert spec is not None and spec.origin is not None
        mapping = options_of(Path(spec.origin))
        mapping |= options_of(LIBRARY / "container.py")
    else:
        mapping = options_of(LIBRARY / "staticfiles.py")
    expected = {option: found for option, found in mapping.items() if option not in REPLACED}
    assert {option: names(row["setting"]) for option, row in rows.items()} == expected


@pytest.mark.parametrize("kind", ["UploadEndpoint", "UploadRules"])
def test_every_argument_is_in_its_table_with_its_default(django_site: None, kind: str) -> None:
    from azureblob.direct.endpoint import UploadEndpoint
    from azureblob.uploads.rules import UploadRules

    documented = {name(row["argument"]): row["default"] for row in table(f"Arguments of {kind}")}
    classes: dict[str, Any] = {"UploadEndpoint": UploadEndpoint, "UploadRules": UploadRules}
    fields = {field.name: field.default for field in dataclasses.fields(classes[kind])}
    assert set(documented) == set(fields)
    for argument, value in fields.items():
        if value is dataclasses.MISSING:
            assert documented[argument] == "–"
        elif isinstance(value, UploadRules):
            assert documented[argument] == "`UploadRules()`"
        else:
            assert default(documented[argument]) == value, argument


def test_every_setting_of_django_storages_that_is_ignored_is_documented_as_such(
    django_site: None,
) -> None:
    from azureblob.checks.account_settings import IGNORED_SETTINGS
    from azureblob.options import REPLACED

    rows = table("Settings of django-storages")
    ignored = {name(row["setting"]) for row in rows if row["here"].startswith("ignored")}
    assert ignored == {*IGNORED_SETTINGS, "AZURE_LOCATION"}
    # One for each refused option, except an option that has no setting.
    assert set(IGNORED_SETTINGS.values()) == REPLACED.keys() - {"default_content_type"}
