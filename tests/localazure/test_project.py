"""The project's files are read as the Pulumi CLI reads them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from localazure.engine.project import load_project
from localazure.errors import LocalAzureError

PROJECT = """\
name: shop
config:
  sku: {default: Standard_LRS}
  lock: {default: false}
  protect: {value: true}
  pulumi:tags: {value: {pulumi:template: somewhere}}
"""


def read(folder: Path, settings: str) -> dict[str, str]:
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "Pulumi.prod.yaml").write_text(settings)
    return load_project(folder, "prod").config


def test_plain_keys_and_those_with_the_projects_name_are_the_same(tmp_path: Path) -> None:
    config = read(tmp_path, "config:\n  sku: A\n  shop:lock: true\n  azure-native:location: b\n")
    assert config["shop:sku"] == "A"
    assert config["shop:lock"] == "true"
    assert config["shop:protect"] == "true"
    assert config["azure-native:location"] == "b"


def test_a_setting_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalAzureError, match="has 'lock' and 'shop:lock', which are one setting"):
        read(tmp_path, "config:\n  lock: true\n  shop:lock: false\n")
    with pytest.raises(LocalAzureError, match="the key 'lock' is here twice"):
        read(tmp_path, "config:\n  lock: true\n  lock: false\n")


# What `pulumi config --json` of 3.274 shows for a value written so.
AS_THE_CLI_READS = {
    "yes": "yes",
    "On": "On",
    "True": "true",
    "12": "12",
    "+12": "12",
    "22:30": "22:30",
    "22:30.5": "22:30.5",
    "2026-01-01": "2026-01-01 00:00:00 +0000 UTC",
    "2026-01-01T10:20:30.5+02:00": "2026-01-01 10:20:30.5 +0200 +0200",
    "'2026-01-01'": "2026-01-01",
    "0x1f": "31",
    "0123": "83",
    "089": "89",
    "0o17": "15",
    "0b11": "3",
    "1_000": "1000",
    "1e3": "1000",
    "1e400": "1e400",
    "12.0": "12",
    "1.50": "1.5",
    "123456789012345678901234567890": "1.2345678901234568e+29",
    "''": "",
    "~": "",
}


@pytest.mark.parametrize(("written", "read_as"), AS_THE_CLI_READS.items())
def test_a_value_is_read_as_the_pulumi_cli_reads_it(
    tmp_path: Path, written: str, read_as: str
) -> None:
    assert read(tmp_path, f"config:\n  x: {written}\n")["shop:x"] == read_as


def test_the_real_pulumi_cli_reads_the_same_values(tmp_path: Path) -> None:
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH: this test compares with it")
    settings = [f"  shop:x{number}: {text}" for number, text in enumerate(AS_THE_CLI_READS)]
    nested = [f"    y{number}: {text}" for number, text in enumerate(AS_THE_CLI_READS)]
    text = "\n".join(["config:", *settings, "  shop:tags:", *nested, ""])
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }

    def pulumi(*arguments: str) -> str:
        return subprocess.run(
            ["pulumi", *arguments, "--stack", "prod"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    pulumi("stack", "init")
    shown = json.loads(pulumi("config", "--json"))
    ours = load_project(tmp_path, "prod").config
    tags = json.loads(ours.pop("shop:tags"))
    assert tags == shown.pop("shop:tags")["objectValue"]
    assert ours == {key: entry["value"] for key, entry in shown.items()}


def test_values_in_an_object_keep_their_types(tmp_path: Path) -> None:
    text = "config:\n  tags: {a: 4711, b: 00123, c: yes, d: true, e: 1.5, f: 22:30, g: 0x1f}\n"
    assert json.loads(read(tmp_path, text)["shop:tags"]) == {
        "a": 4711,
        "b": 83,
        "c": "yes",
        "d": True,
        "e": 1.5,
        "f": "22:30",
        "g": 31,
    }
