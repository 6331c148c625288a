"""One stack's life under the real Pulumi engine, in order: each test stands on the one before."""

from __future__ import annotations

import json
import shlex
from typing import Any

from infra.outputs import OUTPUTS
from tests.e2e.conftest import Pulumi

# Outputs that other settings give.
OTHERS = {"AZURE_AUTH_MODE", "AZURE_BLOB_SECONDARY_ENDPOINT", "SITE_URL"}


def changes(pulumi: Pulumi, *arguments: str) -> dict[str, int]:
    """How many resources a command changes, by operation, as the engine itself counts them."""
    printed = pulumi.run(*arguments, "--json").stdout
    summary: dict[str, int] = json.loads(printed)["changeSummary"]
    return summary


def last_update(pulumi: Pulumi) -> dict[str, Any]:
    history = json.loads(pulumi.run("stack", "history", "--json").stdout)
    newest: dict[str, Any] = history[0]
    return newest


def test_a_preview_plans_every_resource_and_shows_no_key(pulumi: Pulumi) -> None:
    planned = changes(pulumi, "preview", "-s", "local")
    assert planned == {"create": 9}


def test_up_creates_them(pulumi: Pulumi) -> None:
    pulumi.run("up", "-s", "local", "--yes", "--skip-preview")
    assert last_update(pulumi)["resourceChanges"] == {"create": 9}


def test_a_second_up_changes_nothing(pulumi: Pulumi) -> None:
    pulumi.run("up", "-s", "local", "--yes", "--skip-preview", "--expect-no-changes")
    assert changes(pulumi, "preview", "-s", "local") == {"same": 9}


def test_the_outputs_are_the_contract_and_hide_the_key(pulumi: Pulumi) -> None:
    hidden = json.loads(pulumi.run("stack", "output", "-s", "local", "--json").stdout)
    assert sorted(hidden) == sorted(set(OUTPUTS) - OTHERS)
    assert [name for name, value in hidden.items() if value == "[secret]"] == ["AZURE_ACCOUNT_KEY"]
    opened = json.loads(
        pulumi.run("stack", "output", "-s", "local", "--json", "--show-secrets").stdout
    )
    assert opened["AZURE_ACCOUNT_NAME"] == "djangoaccountstorage"
    assert opened["AZURE_BLOB_ENDPOINT"].endswith("/djangoaccountstorage/")
    for state in pulumi.folder.parent.joinpath("backend").rglob("*.json"):
        assert opened["AZURE_ACCOUNT_KEY"] not in state.read_text()


def test_shell_output_gives_each_value_back_to_a_shell(pulumi: Pulumi) -> None:
    opened = json.loads(
        pulumi.run("stack", "output", "-s", "local", "--json", "--show-secrets").stdout
    )
    printed = pulumi.run("stack", "output", "-s", "local", "--shell", "--show-secrets").stdout
    lines = dict(line.split("=", 1) for line in printed.splitlines())
    assert list(lines) == sorted(set(OUTPUTS) - OTHERS)
    assert {name: shlex.split(value)[0] for name, value in lines.items()} == opened


def test_a_changed_cors_rule_is_one_update(pulumi: Pulumi) -> None:
    pulumi.run("config", "set", "-s", "local", "corsMaxAgeSeconds", "600")
    assert changes(pulumi, "preview", "-s", "local") == {"same": 8, "update": 1}
    pulumi.run("up", "-s", "local", "--yes", "--skip-preview")
    assert last_update(pulumi)["resourceChanges"] == {"same": 8, "update": 1}


def test_refresh_finds_nothing_that_changed(pulumi: Pulumi) -> None:
    pulumi.run("refresh", "-s", "local", "--yes", "--skip-preview", "--expect-no-changes")


def test_a_wrong_setting_is_refused_before_anything_is_declared(pulumi: Pulumi) -> None:
    pulumi.run("config", "set", "-s", "local", "sku", "Standard_XRS")
    refused = pulumi.run("preview", "-s", "local", check=False)
    pulumi.run("config", "rm", "-s", "local", "sku")
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "Standard_XRS" in said
    assert "pulumi config set sku" in said
    assert "Traceback" not in said


def test_destroy_leaves_nothing(pulumi: Pulumi) -> None:
    pulumi.run("destroy", "-s", "local", "--yes", "--skip-preview")
    assert last_update(pulumi)["resourceChanges"] == {"delete": 9}
    cloud = json.loads((pulumi.folder.parent / "localazure" / "cloud.json").read_text())
    assert cloud == {"accounts": {}, "groups": {}}
    exported = json.loads(pulumi.run("stack", "export", "-s", "local").stdout)
    assert exported["deployment"].get("resources", []) == []


def test_the_stack_for_azure_previews_with_a_generated_account_name(pulumi: Pulumi) -> None:
    pulumi.run("stack", "init", "dev")
    assert changes(pulumi, "preview", "-s", "dev") == {"create": 9}
