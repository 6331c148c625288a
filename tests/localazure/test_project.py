"""The project's files are read as the Pulumi CLI reads them."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        # As `pulumi config --json` of 3.274 shows them, dates apart: those it turns into a time.
        ("yes", "yes"),
        ("On", "On"),
        ("True", "true"),
        ("12", "12"),
        ("22:30", "22:30"),
        ("2026-01-01", "2026-01-01"),
        ("", ""),
        ("~", ""),
    ],
)
def test_a_value_is_text_or_what_yaml_1_2_makes_of_it(
    tmp_path: Path, written: str, read_as: str
) -> None:
    assert read(tmp_path, f"config:\n  x: {written}\n")["shop:x"] == read_as


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
