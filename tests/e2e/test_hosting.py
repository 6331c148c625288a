"""The profile `prod` with a host for its site under the real Pulumi engine, in order: each test
depends on the one before."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from localazure.control_plane import ControlPlane
from tests.conftest import ROOT
from tests.e2e.conftest import Pulumi
from tests.profiles.test_hosting import SECRETS

STACK = ("-s", "prod")
UNASKED = ("--yes", "--skip-preview")


@pytest.fixture(scope="module")
def hosted(pulumi: Pulumi) -> Pulumi:
    shutil.copytree(
        ROOT / "policy", pulumi.folder / "policy", ignore=shutil.ignore_patterns("__pycache__")
    )
    environment = pulumi.folder / ".venv"
    environment.unlink()
    environment.symlink_to(Path(sys.prefix))
    pulumi.run("stack", "init", "prod")
    pulumi.run("config", "set", *STACK, "host", "appService")
    pulumi.run("config", "set", *STACK, "protect", "false")
    return pulumi


def shown(done: subprocess.CompletedProcess[str]) -> str:
    said = done.stdout + done.stderr
    assert "hunter2" not in said
    return said


def test_a_host_without_its_secrets_is_refused_with_the_commands(hosted: Pulumi) -> None:
    done = hosted.run("preview", *STACK, check=False)
    assert done.returncode != 0
    for key in SECRETS:
        assert f"pulumi config set --secret {key}" in shown(done)


def test_the_secrets_are_encrypted_in_the_stacks_file(hosted: Pulumi) -> None:
    for key, value in SECRETS.items():
        hosted.run("config", "set", *STACK, "--secret", key, value)
    assert "hunter2" not in (hosted.folder / "Pulumi.prod.yaml").read_text()


def test_the_preview_passes_the_policies_and_shows_no_secret(hosted: Pulumi) -> None:
    done = hosted.run("preview", *STACK, "--policy-pack", "policy", "--diff")
    said = shown(done)
    assert "[mandatory]" not in said
    assert "is not encrypted" not in said
    planned = hosted.run("preview", *STACK, "--json")
    shown(planned)
    types = {
        step["urn"].split("::")[2].rpartition("$")[2]
        for step in json.loads(planned.stdout)["steps"]
    }
    assert {"azure-native:web:WebApp", "azure-native:keyvault:Vault"} <= types


def test_it_goes_up_and_a_second_time_changes_nothing(hosted: Pulumi) -> None:
    shown(hosted.run("up", *STACK, *UNASKED))
    shown(hosted.run("up", *STACK, *UNASKED, "--expect-no-changes"))
    shown(hosted.run("refresh", *STACK, *UNASKED, "--expect-no-changes"))
    url = hosted.run("stack", "output", *STACK, "SITE_URL").stdout.strip()
    assert url.startswith("https://djangoprod-app")
    account = hosted.run("stack", "output", *STACK, "AZURE_ACCOUNT_NAME").stdout.strip()
    rules = ControlPlane(hosted.azurite).blobs(account).cors()
    assert all(url in rule["allowedOrigins"] for rule in rules)


def test_the_state_has_no_secret_in_plain_text(hosted: Pulumi) -> None:
    assert "hunter2" not in hosted.run("stack", "export", *STACK).stdout


def test_destroy_leaves_nothing(hosted: Pulumi) -> None:
    shown(hosted.run("destroy", *STACK, *UNASKED))
    cloud = ControlPlane(hosted.azurite).load()
    assert (cloud["groups"], cloud["accounts"], cloud.get("recorded", {})) == ({}, {}, {})
