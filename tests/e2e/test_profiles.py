"""The profile `prod` under the real Pulumi engine, in order: each test stands on the one before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from localazure.control_plane import ControlPlane
from tests.e2e.conftest import Pulumi
from tests.profiles.test_changes import ALLOWED, CHANGES, LOWERING

STACK = ("-s", "prod")
UNASKED = ("--yes", "--skip-preview")
PREFIX = "django-azure-blob:"


def changed_settings(pulumi: Pulumi, **settings: Any) -> Path:
    """The stack's settings file with some changed, beside the stack's own."""
    content = yaml.safe_load((pulumi.folder / "Pulumi.prod.yaml").read_text())
    content["config"].update({f"{PREFIX}{key}": value for key, value in settings.items()})
    file = pulumi.folder.parent / "changed.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def steps(pulumi: Pulumi, settings: Path) -> list[dict[str, Any]]:
    printed = pulumi.run("preview", *STACK, "--json", "--config-file", str(settings)).stdout
    planned: list[dict[str, Any]] = json.loads(printed)["steps"]
    return [step for step in planned if step["op"] != "same"]


def test_prod_goes_up_and_a_second_time_changes_nothing(pulumi: Pulumi) -> None:
    pulumi.run("stack", "init", "prod")
    pulumi.run("up", *STACK, *UNASKED)
    pulumi.run("up", *STACK, *UNASKED, "--expect-no-changes")
    pulumi.run("refresh", *STACK, *UNASKED, "--expect-no-changes")


def test_destroy_is_refused_and_nothing_is_gone(pulumi: Pulumi) -> None:
    cloud = pulumi.folder.parent / "localazure" / "cloud.json"
    before = json.loads(cloud.read_text())
    refused = pulumi.run("destroy", *STACK, *UNASKED, check=False)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "protect" in said
    assert json.loads(cloud.read_text()) == before


def test_a_rename_is_refused_while_the_account_is_protected(pulumi: Pulumi) -> None:
    settings = changed_settings(pulumi, location="northeurope")
    refused = pulumi.run("preview", *STACK, "--config-file", str(settings), check=False)
    assert refused.returncode != 0
    assert "protect" in refused.stdout + refused.stderr


def test_protection_and_lock_come_off_by_their_settings(pulumi: Pulumi) -> None:
    pulumi.run("config", "set", *STACK, "protect", "false")
    pulumi.run("up", *STACK, *UNASKED)
    pulumi.run("config", "set", *STACK, "lock", "false")
    pulumi.run("up", *STACK, *UNASKED)


@pytest.mark.parametrize(("key", "settings", "planned"), CHANGES, ids=[c[0] for c in CHANGES])
def test_each_setting_changes_what_it_says(
    pulumi: Pulumi, key: str, settings: dict[str, Any], planned: dict[str, Any]
) -> None:
    refusal = planned.get("REFUSED") or LOWERING.get(key)
    if refusal:
        file = changed_settings(pulumi, **settings)
        refused = pulumi.run("preview", *STACK, "--config-file", str(file), check=False)
        assert refused.returncode != 0
        assert refusal in refused.stdout + refused.stderr
        if "REFUSED" in planned:
            return
        settings = {**settings, **ALLOWED}
    found = {
        step["urn"].rpartition("::")[2]: step["op"]
        for step in steps(pulumi, changed_settings(pulumi, **settings))
    }
    if "REPLACED" in planned:
        assert "replace" in found["djangoprod"] or "replacement" in found["djangoprod"]
        assert {"site-static", "site-media", "site-quarantine", "site-blobs"} <= set(found)
    elif "RENAMED" in planned:
        assert (found["web"], found["djangoprod"]) == ("create", "delete")
    else:
        operations = {
            name: "update" if isinstance(what, list) else what for name, what in planned.items()
        }
        normal = {
            name: "replace" if "replace" in op else op
            for name, op in found.items()
            if name in planned or op != "create"
        }
        assert normal == operations


def test_media_that_are_retained_outlive_the_stack(pulumi: Pulumi) -> None:
    pulumi.run("config", "set", *STACK, "retainMedia", "true")
    pulumi.run("up", *STACK, *UNASKED)
    pulumi.run("destroy", *STACK, *UNASKED)
    (account,) = ControlPlane(pulumi.azurite).load()["accounts"].values()
    assert list(account["containers"]) == ["media"]


def test_what_was_retained_can_be_adopted_again(pulumi: Pulumi) -> None:
    (name,) = ControlPlane(pulumi.azurite).load()["accounts"]
    pulumi.run("config", "set", *STACK, "accountName", name)
    pulumi.run("config", "set", *STACK, "adopt", "true")
    planned = steps(pulumi, pulumi.folder / "Pulumi.prod.yaml")
    # Created are the stack, its component, and the containers that went with the stack before.
    assert sorted(step["op"] for step in planned) == [*["create"] * 4, *["import"] * 5]
    pulumi.run("up", *STACK, *UNASKED)
    pulumi.run("up", *STACK, *UNASKED, "--expect-no-changes")


def test_with_adopt_off_nothing_is_left_to_do(pulumi: Pulumi) -> None:
    pulumi.run("config", "set", *STACK, "adopt", "false")
    assert steps(pulumi, pulumi.folder / "Pulumi.prod.yaml") == []
