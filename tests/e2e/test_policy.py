"""The policy pack under the real Pulumi engine, on every profile of the project."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import Pulumi


@pytest.fixture(scope="module")
def reviewed(pulumi: Pulumi) -> Pulumi:
    """The project with its policy pack beside it, which runs in the same virtual environment."""
    pack = pulumi.folder / "policy"
    shutil.copytree(ROOT / "policy", pack, ignore=shutil.ignore_patterns("__pycache__"))
    environment = pulumi.folder / ".venv"
    environment.unlink()
    environment.symlink_to(Path(sys.prefix))
    for stack in ("dev", "prod"):
        pulumi.run("stack", "init", stack)
    return pulumi


def preview(pulumi: Pulumi, stack: str) -> subprocess.CompletedProcess[str]:
    return pulumi.run("preview", "-s", stack, "--policy-pack", "policy", check=False)


@contextmanager
def setting(pulumi: Pulumi, stack: str, key: str, value: str) -> Iterator[None]:
    file = pulumi.folder / f"Pulumi.{stack}.yaml"
    before = file.read_text(encoding="utf-8")
    pulumi.run("config", "set", "-s", stack, key, value)
    yield
    file.write_text(before, encoding="utf-8")


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_every_profile_passes_and_shows_what_is_excepted(reviewed: Pulumi, stack: str) -> None:
    done = preview(reviewed, stack)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[mandatory]" not in done.stdout
    for rule in ("no-anonymous-access", "no-anonymous-container", "no-shared-keys"):
        assert f"[advisory]  {rule}-excepted" in done.stdout
    assert "CIS 10.3.1.3: The account accepts no keys" in done.stdout
    assert "Excepted: browsers fetch files straight from the account. To close it: " in done.stdout
    assert "can't run policy" not in done.stdout


@pytest.mark.parametrize(
    ("stack", "key", "value", "rule", "said"),
    [
        (
            "prod",
            "mediaAccess",
            "public",
            "no-anonymous-container",
            "publicAccess is 'Blob': anyone who knows a blob's URL can read it",
        ),
        ("prod", "lock", "false", "delete-lock", "To fix it: pulumi config set lock true"),
        (
            "local",
            "keyExpiryDays",
            "0",
            "key-rotation-reminder",
            "keyPolicy.keyExpirationPeriodInDays is not set, not 1 to 90. To fix it: "
            "pulumi config set keyExpiryDays 90",
        ),
    ],
)
def test_a_setting_against_the_benchmark_stops_the_preview_and_says_what_to_type(
    reviewed: Pulumi, stack: str, key: str, value: str, rule: str, said: str
) -> None:
    with setting(reviewed, stack, key, value):
        done = preview(reviewed, stack)
    assert done.returncode != 0
    assert f"[mandatory]  {rule}" in done.stdout
    assert said in " ".join(done.stdout.split())


def test_a_mandatory_rule_stops_the_update_before_the_account_is_made(reviewed: Pulumi) -> None:
    with setting(reviewed, "local", "keyExpiryDays", "0"):
        arguments = ("-s", "local", "--yes", "--skip-preview", "--policy-pack", "policy")
        done = reviewed.run("up", *arguments, check=False)
    assert done.returncode != 0
    assert "[mandatory]  key-rotation-reminder" in done.stdout
    exported = reviewed.run("stack", "export", "-s", "local").stdout
    assert "azure-native:storage:StorageAccount" not in exported
    reviewed.run("destroy", "-s", "local", "--yes", "--skip-preview")


def test_an_update_that_keeps_to_the_rules_goes_through_with_the_values_known(
    reviewed: Pulumi,
) -> None:
    arguments = ("-s", "local", "--yes", "--skip-preview", "--policy-pack", "policy")
    done = reviewed.run("up", *arguments)
    assert "[mandatory]" not in done.stdout
    assert "[advisory]  private-endpoint-excepted" in done.stdout
    assert "can't run policy" not in done.stdout
    again = reviewed.run("preview", "-s", "local", "--policy-pack", "policy")
    assert "[mandatory]" not in again.stdout
    reviewed.run("destroy", "-s", "local", "--yes", "--skip-preview")
