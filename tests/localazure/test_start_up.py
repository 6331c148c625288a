"""What `python -m localazure` imports: a command for an unchanged stack spends most of its time on
that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, free_port

# Runs a command, and prints which modules it has imported: not those that only would be on use.
COMMAND = """
import json, sys
from localazure.__main__ import main
status = main(sys.argv[1:])
sys.stderr.write(json.dumps([n for n, m in sys.modules.items() if type(m) is type(sys)]))
sys.exit(status)
"""
USES_ALL_OF_THE_SDK = """
import pulumi
from pulumi.automation import Stack
import pulumi.dynamic.dynamic

assert pulumi.automation.Stack is Stack
assert pulumi.dynamic.ResourceProvider is pulumi.dynamic.dynamic.ResourceProvider
pulumi.export("done", True)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    home = str(tmp_path / "home")
    port = str(free_port())
    extra = {"LOCALAZURE_HOME": home, "LOCALAZURE_BLOB_PORT": port, "PYTHONPATH": str(ROOT)}
    return {**os.environ, **extra}


def imported(environment: dict[str, str], *command: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    names: list[str] = json.loads(done.stderr)
    return names


def test_a_preview_imports_only_what_it_needs(environment: dict[str, str]) -> None:
    names = imported(environment, "preview")
    assert "pulumi_azure_native.resources.resource_group" in names
    slow = {
        "azure.storage.blob",
        "dill",
        "http.client",
        "pulumi.automation",
        "pulumi_azure_native.cdn.profile",
    }
    assert slow.isdisjoint(names)


def test_outputs_are_read_without_the_sdk_of_azure(environment: dict[str, str]) -> None:
    names = imported(environment, "output")
    assert not [name for name in names if name.startswith(("azure.", "pulumi_azure_native"))]


def test_a_program_may_use_the_parts_of_the_sdk_that_are_imported_late(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: sample\nruntime: python\n")
    (tmp_path / "Pulumi.local.yaml").write_text("config: {}\n")
    (tmp_path / "__main__.py").write_text(USES_ALL_OF_THE_SDK)
    names = imported(environment, "preview", "--cwd", str(tmp_path))
    assert {"dill", "pulumi.automation"} <= {*names}
