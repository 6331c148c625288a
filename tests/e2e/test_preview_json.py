"""`localazure preview --json` and `pulumi preview --json`: the same program, the same plan.

Both engines run the stack `local` side by side, each in a cloud of its own. What only one of them
has is left out: where in the program a resource is declared, ids and outputs, the plugin that
provides a resource, and the stack's new outputs, which the Pulumi CLI leaves out.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from localazure.azurite import Azurite
from review.preview import Preview
from review.report import report
from tests.conftest import ROOT, free_port
from tests.e2e.conftest import Pulumi

COMPARED = ("urn", "type", "custom", "inputs", "parent", "protect", "deletedWith", "retainOnDelete")
# Each engine has a random seed of its own for generated names.
GENERATED = re.compile(r"(site-lock)[0-9a-f]{8}")
STEP = ("op", "urn", "diffReasons", "replaceReasons")
Steps = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def own(pulumi: Pulumi) -> Iterator[Pulumi]:
    """The same project folder for the project's own engine, with a cloud of its own."""
    home = pulumi.folder.parent / "own"
    environment = {
        **pulumi.environment,
        "PYTHONPATH": str(ROOT),
        "LOCALAZURE_HOME": str(home),
        "LOCALAZURE_BLOB_PORT": str(free_port()),
    }
    yield Pulumi(pulumi.folder, environment)
    Azurite(home, int(environment["LOCALAZURE_BLOB_PORT"])).stop()


def localazure(own: Pulumi, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "localazure", *arguments, "-s", "local"],
        cwd=own.folder,
        env=own.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def previews(pulumi: Pulumi, own: Pulumi) -> tuple[dict[str, Any], dict[str, Any]]:
    theirs = pulumi.run("preview", "-s", "local", "--json", "--show-sames").stdout
    ours = localazure(own, "preview", "--json", "--show-sames")
    first, second = (json.loads(GENERATED.sub(r"\1…", text)) for text in (theirs, ours))
    return first, second


def compared(preview: dict[str, Any]) -> Steps:
    return {step["urn"]: _step(step) for step in preview["steps"]}


def _step(step: dict[str, Any]) -> dict[str, Any]:
    found = {key: step[key] for key in STEP if key in step}
    for side in ("oldState", "newState"):
        if side in step:
            state = step[side]
            found[side] = {key: state[key] for key in COMPARED if key in state}
            found[side]["dependencies"] = sorted(state.get("dependencies", ()))
    if "pulumi:pulumi:Stack" not in step["urn"]:
        found["detailedDiff"] = step["detailedDiff"]
    return found


def both_plan(pulumi: Pulumi, own: Pulumi) -> dict[str, str]:
    """The operation on each resource that changes, on which the engines must agree."""
    theirs, ours = previews(pulumi, own)
    assert compared(ours) == compared(theirs)
    assert ours["changeSummary"] == theirs["changeSummary"]
    assert set(theirs) <= set(ours)
    assert reported(ours) == reported(theirs)
    return {
        urn.rpartition("::")[2]: step["op"]
        for urn, step in compared(ours).items()
        if step["op"] != "same"
    }


def reported(preview: dict[str, Any]) -> str:
    """The report without the CLI's warning about the plugin on PATH, and without outputs."""
    steps = [
        {**step, "detailedDiff": None} if "pulumi:pulumi:Stack" in step["urn"] else step
        for step in preview["steps"]
    ]
    return report(Preview.from_json({**preview, "steps": steps, "diagnostics": []}))


def test_a_stack_from_nothing(pulumi: Pulumi, own: Pulumi) -> None:
    planned = both_plan(pulumi, own)
    assert len(planned) == 9
    assert set(planned.values()) == {"create"}


def test_a_deployed_stack_that_does_not_change(pulumi: Pulumi, own: Pulumi) -> None:
    pulumi.run("up", "-s", "local", "--yes", "--skip-preview")
    localazure(own, "up", "--yes")
    assert both_plan(pulumi, own) == {}


@pytest.mark.parametrize(
    ("settings", "planned"),
    [
        pytest.param({"corsMaxAgeSeconds": "600"}, {"site-blobs": "update"}, id="an update"),
        pytest.param({"protect": "true"}, {}, id="an option"),
        pytest.param({"retainMedia": "true"}, {}, id="an option that only shows in its state"),
        pytest.param(
            {"mediaAccess": "private", "blobSoftDeleteDays": "8"},
            {"site-media": "update", "site-blobs": "update"},
            id="updates",
        ),
        pytest.param({"lock": "true"}, {"site-lock": "create"}, id="a creation"),
        pytest.param({"quarantineDays": "0"}, {"site-lifecycle": "delete"}, id="a deletion"),
        pytest.param(
            {"accountName": "anotherstorage"},
            dict.fromkeys(
                (
                    "django",
                    "site-static",
                    "site-media",
                    "site-quarantine",
                    "site-blobs",
                    "site-lifecycle",
                ),
                "replace",
            ),
            id="a replacement",
        ),
    ],
)
def test_a_change(
    pulumi: Pulumi, own: Pulumi, settings: dict[str, str], planned: dict[str, str]
) -> None:
    file = pulumi.folder / "Pulumi.local.yaml"
    before = file.read_text(encoding="utf-8")
    try:
        for key, value in settings.items():
            pulumi.run("config", "set", "-s", "local", key, value)
        assert both_plan(pulumi, own) == planned
    finally:
        file.write_text(before, encoding="utf-8")


def test_a_program_that_fails(pulumi: Pulumi, own: Pulumi) -> None:
    file = pulumi.folder / "Pulumi.local.yaml"
    before = file.read_text(encoding="utf-8")
    try:
        pulumi.run("config", "set", "-s", "local", "sku", "Standard_XRS")
        theirs = pulumi.run("preview", "-s", "local", "--json", check=False)
        ours = subprocess.run(
            [sys.executable, "-m", "localazure", "preview", "--json", "-s", "local"],
            cwd=own.folder,
            env=own.environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        file.write_text(before, encoding="utf-8")
    assert (theirs.returncode != 0, ours.returncode) == (True, 1)
    failures = [Preview.from_json(json.loads(done.stdout)).failure for done in (theirs, ours)]
    assert failures[0] == failures[1]
    assert "Standard_XRS" in failures[0]
