"""What a pipeline does, under the real Pulumi engine: preview as a reader, approve, deploy.

In order: each test continues from the one before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from localazure.provider.provider import Provider
from tests.conftest import ROOT
from tests.e2e.conftest import Pulumi

SOMEBODY = "User:11111111-2222-3333-4444-555555555555"
SCRIPTS = ROOT / ".github" / "scripts"
# Azure's stand-in as it answers an identity with the role Reader. It notes each refusal.
READER = """\
#!{python}
import sys
sys.path.insert(0, {root!r})
from localazure.errors import ArmError
from localazure.provider import server
from localazure.provider.storage_account import StorageAccount

def keys(self, group, name):
    open({refusals!r}, "a").write(name + "\\n")
    raise ArmError(403, "AuthorizationFailed", "The client 'reader' does not have authorization "
        "to perform action 'Microsoft.Storage/storageAccounts/listKeys/action'")

StorageAccount.keys = keys
server.serve()
"""


class Reader:
    """A job with the previewing identity: it lists no keys and has no key of the stack's."""

    def __init__(self, pulumi: Pulumi) -> None:
        folder = pulumi.folder.parent
        (folder / "reader").mkdir()
        self._refusals = folder / "refusals"
        provider = folder / "reader" / "pulumi-resource-azure-native"
        provider.write_text(
            READER.format(python=sys.executable, root=str(ROOT), refusals=str(self._refusals))
        )
        provider.chmod(0o755)
        self._folder = pulumi.folder
        self._environment = {
            **pulumi.environment,
            "PATH": os.pathsep.join([str(provider.parent), pulumi.environment["PATH"]]),
        }
        del self._environment["PULUMI_CONFIG_PASSPHRASE_FILE"]

    def run(self, script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return script_run(self._folder, self._environment, script, *arguments)

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return Pulumi(self._folder, self._environment).run(*arguments, check=False)

    def refusals(self) -> int:
        return len(self._refusals.read_text().splitlines()) if self._refusals.exists() else 0


def script_run(
    folder: Path, environment: dict[str, str], script: str, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPTS / script, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )


def write_settings(file: Path, changed: dict[str, Any]) -> None:
    """Change settings as `pulumi config set` would, with whatever prefix they have."""
    content = yaml.safe_load(file.read_text())
    prefix = next(iter(content["config"])).rpartition(":")[0]
    for key, value in changed.items():
        content["config"][f"{prefix}:{key}" if prefix else key] = value
    file.write_text(yaml.safe_dump(content))


def deploy(pulumi: Pulumi, plan: Path) -> subprocess.CompletedProcess[str]:
    return script_run(pulumi.folder, pulumi.environment, "deploy.py", "prod", plan)


@pytest.fixture(scope="module")
def pipeline(pulumi: Pulumi) -> Pulumi:
    """The stack prod in its backend, and the policy pack where the scripts look for it."""
    (pulumi.folder / "policy").symlink_to(ROOT / "policy")
    pulumi.run("stack", "init", "prod")
    return pulumi


@pytest.fixture(scope="module")
def reader(pipeline: Pulumi) -> Iterator[Reader]:
    yield Reader(pipeline)


@pytest.fixture(scope="module")
def plan(pipeline: Pulumi) -> Path:
    return pipeline.folder.parent / "plan.json"


def secrets_of(pulumi: Pulumi) -> list[str]:
    """The account's key, in plain text and as the state has it encrypted."""
    command = ("stack", "output", "AZURE_ACCOUNT_KEY", "-s", "prod", "--show-secrets")
    key = pulumi.run(*command).stdout.strip()
    stored = json.loads(pulumi.run("stack", "export", "-s", "prod").stdout)["deployment"]
    encrypted = stored["resources"][0]["outputs"]["AZURE_ACCOUNT_KEY"]["ciphertext"]
    return [key, encrypted]


def test_the_first_plan_is_approved_and_applied(
    pipeline: Pulumi, reader: Reader, plan: Path
) -> None:
    planned = reader.run("preview.py", "prod", "--plan", plan)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "## Preview of stack `prod`\n\n**10 to create.**" in planned.stdout
    done = deploy(pipeline, plan)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "+ 10 created" in done.stdout


def test_a_reader_previews_a_deployed_stack_without_its_key(
    pipeline: Pulumi, reader: Reader, plan: Path
) -> None:
    before = (pipeline.folder / "Pulumi.prod.yaml").read_text()
    pipeline.run("config", "set", "-s", "prod", "coolAfterDays", "60")
    planned = reader.run("preview.py", "prod", "--plan", plan)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert reader.refusals() > 0
    assert "## Preview of stack `prod`\n\n**1 to update, 9 unchanged.**" in planned.stdout
    assert (pipeline.folder / "Pulumi.prod.yaml").read_text() != before
    for secret in secrets_of(pipeline):
        assert secret not in planned.stdout
        assert secret not in plan.read_text()
    assert "ciphertext" not in plan.read_text()


def test_that_plan_is_applied_to_the_stack_with_its_secrets(pipeline: Pulumi, plan: Path) -> None:
    key = secrets_of(pipeline)[0]
    done = deploy(pipeline, plan)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "~ 1 updated" in done.stdout
    assert secrets_of(pipeline)[0] == key


def test_the_copy_shows_no_drift(pipeline: Pulumi, reader: Reader) -> None:
    looked = reader.run("drift.py", "look", "prod")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert "Stack `prod` is as main declares it." in looked.stdout


def test_a_broken_mandatory_rule_fails_the_preview_and_is_its_first_risk(
    pipeline: Pulumi, reader: Reader
) -> None:
    settings = pipeline.folder / "Pulumi.prod.yaml"
    before = settings.read_text()
    write_settings(settings, {"keyExpiryDays": "0"})
    planned = reader.run("preview.py", "prod")
    settings.write_text(before)
    assert planned.returncode == 1, planned.stdout + planned.stderr
    (first, *_) = (line for line in planned.stdout.splitlines() if line.startswith("- "))
    assert "(`StorageAccount`) breaks the rule `key-rotation-reminder`: `CIS 10.3.1.1: " in first
    assert "pulumi config set keyExpiryDays 90" in first


@pytest.mark.parametrize(
    ("approved", "since"),
    [
        pytest.param({"coolAfterDays": "50"}, {"blobSoftDeleteDays": "29"}, id="a property"),
        pytest.param({"coolAfterDays": "50"}, {"dataPrincipals": [SOMEBODY]}, id="a resource"),
        pytest.param({"lock": "true"}, {"lock": "false"}, id="a deletion"),
    ],
)
def test_what_changed_after_the_approval_is_not_deployed(
    pipeline: Pulumi, reader: Reader, plan: Path, approved: dict[str, Any], since: dict[str, Any]
) -> None:
    settings = pipeline.folder / "Pulumi.prod.yaml"
    cloud = pipeline.folder.parent / "localazure" / "cloud.json"
    before, deployed = settings.read_text(), json.loads(cloud.read_text())
    write_settings(settings, {"protect": "false", **approved})
    assert reader.run("preview.py", "prod", "--plan", plan).returncode == 0
    write_settings(settings, since)
    done = deploy(pipeline, plan)
    settings.write_text(before)
    assert done.returncode == 1
    assert "Stack prod would change otherwise than was approved, so the run stopped." in done.stdout
    assert json.loads(cloud.read_text()) == deployed


@pytest.fixture
def tampered(pipeline: Pulumi) -> Iterator[None]:
    """What somebody does by hand: open a container, delete another and the lock, weaken the
    service. Afterwards the stack is as declared again."""
    exported = json.loads(pipeline.run("stack", "export", "-s", "prod").stdout)
    there = {r["urn"].rpartition("::")[2]: r for r in exported["deployment"]["resources"]}
    provider = Provider(pipeline.azurite)
    for name in ("site-lock", "site-media"):
        provider.delete(there[name]["type"], there[name]["id"])
    container, service = there["site-quarantine"], there["site-blobs"]
    opened = {**container["inputs"], "publicAccess": "Blob"}
    provider.update(container["type"], container["id"], {}, opened)
    rule = {
        "allowedOrigins": ["*"],
        "allowedMethods": ["GET"],
        "allowedHeaders": ["*"],
        "exposedHeaders": ["*"],
        "maxAgeInSeconds": 60,
    }
    names = ("accountName", "resourceGroupName", "blobServicesName")
    weakened = {
        **{name: service["inputs"][name] for name in names},
        "cors": {"corsRules": [rule]},
        "deleteRetentionPolicy": {"enabled": False},
        "isVersioningEnabled": False,
    }
    provider.update(service["type"], service["id"], {}, weakened)
    yield
    pipeline.run("up", "-s", "prod", "--yes", "--skip-preview", "--refresh")


@pytest.mark.usefixtures("tampered")
def test_drift_names_what_was_opened_deleted_and_unprotected(
    pipeline: Pulumi, reader: Reader
) -> None:
    looked = reader.run("drift.py", "look", "prod")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    lines = looked.stdout.splitlines()
    assert lines[:2] == [
        "<!-- django-azure-blob drift prod found -->",
        "Stack `prod` is not as main declares it.",
    ]
    start = lines.index("### Risks of manual changes") + 2
    found = lines[start : lines.index("", start)]
    assert found[0] == (
        "- `site-media` (`BlobContainer`) was **deleted** in Azure and would be created again "
        "**empty**."
    )
    changed = "(`BlobServiceProperties`) was changed in Azure:"
    for risk in (
        "- `site-lock` (`ManagementLockByScope`) was **deleted** in Azure: what it locked can be "
        "deleted now.",
        "- `site-quarantine` (`BlobContainer`) was changed in Azure: **anyone** may read its blobs "
        "(`publicAccess` is `Blob`).",
        f"- `site-blobs` {changed} **any origin** may read through CORS (`*`).",
        f"- `site-blobs` {changed} soft delete of blobs is switched **off**.",
        f"- `site-blobs` {changed} versioning is switched **off**.",
    ):
        assert risk in found
    for secret in secrets_of(pipeline):
        assert secret not in looked.stdout


def test_a_reader_cannot_deploy(reader: Reader) -> None:
    done = reader.pulumi("up", "-s", "prod", "--yes", "--skip-preview")
    assert done.returncode != 0


def test_an_update_that_may_not_list_keys_fails(pipeline: Pulumi, reader: Reader) -> None:
    passphrase = pipeline.environment["PULUMI_CONFIG_PASSPHRASE_FILE"]
    reader._environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = passphrase
    done = reader.pulumi("up", "-s", "prod", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert "listKeys/action" in done.stdout + done.stderr
