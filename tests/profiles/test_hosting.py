"""The profile `prod` with a host for its site: its whole life, and where its secrets are."""

from __future__ import annotations

import re

import pytest

from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.engine.steps import Op
from tests.profiles.conftest import Stack

SECRETS = {
    "databaseUrl": "postgres://user:hunter2@db.example.com:5432/site",
    "secretKey": "hunter2-" * 8,
}
HOSTED = {"host": "appService", **SECRETS}
SETTINGS = "Microsoft.Web/sites/config"


@pytest.fixture
def stack(empty: Azurite) -> Stack:
    return Stack(empty, "prod", {**HOSTED, "protect": False})


def test_up_then_nothing_to_do_then_no_drift_then_destroy(stack: Stack) -> None:
    previewed = stack.run("preview")
    assert "kvdjangoprod" in previewed
    assert not stack.state.resources
    stack.run("up")
    again = stack.run("up")
    assert not re.search(r"created|updated|replaced|deleted", again)
    assert stack.plan() == []
    refreshed = stack.run("refresh")
    assert not re.search(r"updated|deleted", refreshed)
    stack.run("destroy")
    assert stack.cloud == {"groups": {}, "accounts": {}}
    assert not stack.state.resources


def recorded(stack: Stack, arm_type: str, name: str = "appsettings") -> dict[str, object]:
    (found,) = (
        one
        for one in stack.cloud["recorded"].values()
        if one["type"] == arm_type and one["id"].endswith(f"/{name}")
    )
    inputs: dict[str, object] = found["inputs"]
    return inputs


def test_the_host_is_an_origin_of_the_account_and_the_sites_own_name(stack: Stack) -> None:
    stack.run("up")
    host = stack.outputs["SITE_URL"].removeprefix("https://")
    assert re.fullmatch(r"djangoprod-app[0-9a-f]{8}\.azurewebsites\.net", host)
    rules = ControlPlane(stack.azurite).blobs(stack.outputs["AZURE_ACCOUNT_NAME"]).cors()
    assert len(rules) == 2
    assert all(f"https://{host}" in rule["allowedOrigins"] for rule in rules)
    settings = recorded(stack, SETTINGS)["properties"]
    assert isinstance(settings, dict)
    assert settings["DJANGO_ALLOWED_HOSTS"] == host
    assert settings["AZURE_ACCOUNT_NAME"] == stack.outputs["AZURE_ACCOUNT_NAME"]


def test_no_secret_is_in_a_file_or_a_printed_line(stack: Stack) -> None:
    printed = [stack.run(command) for command in ("preview", "up", "preview", "refresh")]
    (account,) = stack.cloud["accounts"].values()
    secrets = ["hunter2", *account["keys"].values()]
    # What Azure itself remembers is not the stack's.
    own = [file for file in stack.files() if file.name not in ("cloud.json", "accounts")]
    assert any(file.suffix == ".json" for file in own)
    for secret in secrets:
        assert not [text for text in printed if secret in text]
        assert not [file for file in own if secret in file.read_text(errors="replace")]


def test_the_other_key_restarts_the_site_with_it(stack: Stack) -> None:
    stack.run("up")
    before = recorded(stack, SETTINGS)["properties"]
    steps = {step.resource.name: step.op for step in stack.plan(activeKey="key2")}
    assert steps["site-host-azure-account-key"] is Op.UPDATE
    stack.run("up", activeKey="key2")
    after = recorded(stack, SETTINGS)["properties"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"AZURE_ACCOUNT_KEY"}


def test_without_keys_the_site_signs_in_as_its_identity(stack: Stack) -> None:
    stack.settings["protect"] = True
    stack.run("up")
    stack.run("up", authMode="identity")
    key = recorded(stack, "Microsoft.KeyVault/vaults/secrets", "AZURE-ACCOUNT-KEY")["properties"]
    assert isinstance(key, dict)
    assert key["value"] == "none: authMode is identity"
    settings = recorded(stack, SETTINGS)["properties"]
    assert isinstance(settings, dict)
    assert "AZURE_ACCOUNT_KEY" not in settings
    assert re.fullmatch(r"[0-9a-f-]{36}", settings["AZURE_CLIENT_ID"])
    assert "AZURE_ACCOUNT_KEY" not in stack.outputs
    (account,) = stack.cloud["accounts"].values()
    assert account["properties"]["allowSharedKeyAccess"] is False
    stack.run("up", allowLowerProtection=True)
    assert "AZURE_ACCOUNT_KEY" in stack.outputs


def test_the_host_can_be_taken_away_again(stack: Stack) -> None:
    # While the account is locked, its roles cannot be deleted.
    stack.settings["lock"] = False
    stack.run("up")
    stack.run("up", host="none")
    assert "SITE_URL" not in stack.outputs
    left = {one["type"] for one in stack.cloud["recorded"].values()}
    assert not [kind for kind in left if re.search("Web|KeyVault|ManagedIdentity", kind)]
