"""The suite knows every type that the program can declare, and the API version it is sent to."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator

import pulumi
import pytest

from tests.conftest import ROOT
from tests.truth import native
from tests.truth.operations import OPERATIONS
from tests.truth.program import Declared, NoModel, declare

# Where the models are of another version than azure-native's: no release of azure-mgmt that carries
# validation has that one. What the program declares of newer ones is in tests/truth/newer.py.
OTHER_VERSIONS = {
    "azure-native:resources:ResourceGroup": ("2024-03-01", "2024-07-01"),
    "azure-native:authorization:ManagementLockByScope": ("2020-05-01", "2016-09-01"),
    **{
        f"azure-native:web:{name}": ("2025-05-01", "2024-11-01")
        for name in (
            "AppServicePlan",
            "WebApp",
            "WebAppApplicationSettings",
            "WebAppFtpAllowed",
            "WebAppScmAllowed",
        )
    },
    **{
        f"azure-native:cdn:{name}": ("2025-06-01", "2024-02-01")
        for name in (
            "AFDCustomDomain",
            "AFDEndpoint",
            "AFDOrigin",
            "AFDOriginGroup",
            "Profile",
            "Route",
            "Rule",
            "RuleSet",
        )
    },
}


def constructed() -> Iterator[str]:
    """The types of azure-native whose constructor the program's source calls."""
    for file in sorted((ROOT / "infra").glob("**/*.py")):
        tree = ast.parse(file.read_text())
        modules, classes = {}, {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "pulumi_azure_native"
            ):
                for name in node.names:
                    if node.module == "pulumi_azure_native":
                        modules[name.asname or name.name] = name.name
                    else:
                        module = str(node.module).rpartition(".")[2]
                        classes[name.asname or name.name] = (module, name.name)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            found = ("", "")
            if isinstance(called, ast.Name):
                found = classes.get(called.id, found)
            elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
                found = (modules.get(called.value.id, ""), called.attr)
            if found[0]:
                kind = getattr(importlib.import_module(f"pulumi_azure_native.{found[0]}"), found[1])
                if isinstance(kind, type) and issubclass(kind, pulumi.CustomResource):
                    yield f"azure-native:{found[0]}:{found[1]}"


def test_every_type_in_the_programs_source_has_a_model_and_no_other_has() -> None:
    assert set(constructed()) == set(OPERATIONS)


def test_every_type_is_declared_by_the_settings_that_the_faults_are_planted_in(
    everything: list[Declared],
) -> None:
    assert {one.token for one in everything} == set(OPERATIONS)


def test_a_type_without_a_model_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(OPERATIONS, "azure-native:storage:ManagementPolicy")
    with pytest.raises(NoModel, match="azure-native:storage:ManagementPolicy: add the operation"):
        declare({})


def test_the_models_have_the_api_versions_of_azure_native_or_the_listed_ones(
    everything: list[Declared],
) -> None:
    versions = {
        one.token: (native.api_version(one.token), one.request.api_version) for one in everything
    }
    assert {token: both for token, both in versions.items() if both[0] != both[1]} == OTHER_VERSIONS
