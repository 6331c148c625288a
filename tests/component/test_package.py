"""The component installed by pip, and another program that uses it, on the project's own engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localazure.azurite import Azurite
from tests.component.conftest import page_program, write_project
from tests.conftest import ROOT, free_port


class Shop:
    """Another project, run by `python -m localazure` with the package installed."""

    def __init__(self, folder: Path, installed: Path, program: str) -> None:
        self.folder = write_project(folder / "shop", program)
        home = folder / "localazure"
        home.mkdir()
        self.azurite = Azurite(home, free_port())
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)]),
            "LOCALAZURE_HOME": str(home),
            "LOCALAZURE_BLOB_PORT": str(self.azurite.port),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "localazure", *arguments, "-s", "dev"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )


def test_the_package_holds_the_component_and_nothing_that_a_site_imports(installed: Path) -> None:
    package = installed / "pulumi_django_azure_blob"
    names = {path.name for path in package.iterdir()} - {"__pycache__"}
    assert {"__init__.py", "storage.py", "py.typed", "PulumiPlugin.yaml"} <= names
    assert "reference.py" not in names
    # Without this Pulumi would look for a provider binary of the distribution's name.
    assert json.loads((package / "pulumi-plugin.json").read_text()) == {"resource": False}
    assert [path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")] == [
        package.name
    ]


def test_the_pages_program_deploys_two_sites_side_by_side(tmp_path: Path, installed: Path) -> None:
    shop = Shop(tmp_path, installed, page_program())
    try:
        up = shop.run("up", "--yes")
        assert up.returncode == 0, up.stdout + up.stderr
        again = shop.run("preview")
        assert "to create" not in again.stdout, again.stdout
        opened = shop.run("output", "--json", "--show-secrets")
        outputs: dict[str, Any] = json.loads(opened.stdout)
        hidden = json.loads(shop.run("output", "--json").stdout)
    finally:
        shop.azurite.stop()
    environment = outputs["shop"]
    assert environment["AZURE_ACCOUNT_NAME"].startswith("shop")
    assert environment["AZURE_BLOB_SECONDARY_ENDPOINT"] == outputs["shop_secondary"]
    assert environment["AZURE_DIRECT_UPLOAD"] == "true"
    assert hidden["shop"] == "[secret]"
    assert "/blog" in outputs["blog_endpoint"]
    cloud = json.loads((tmp_path / "localazure" / "cloud.json").read_text())
    assert len(cloud["accounts"]) == 2
    locations = {a["properties"]["location"] for a in cloud["accounts"].values()}
    assert locations == {"northeurope", "westeurope"}
    tags = [a["properties"]["tags"] for a in cloud["accounts"].values()]
    assert {"project": "shop", "stack": "dev", "team": "web", "group": "shared-names"} in tags


WRONG = """\
from pulumi_django_azure_blob import DjangoBlobStorage, DjangoBlobStorageArgs
DjangoBlobStorage("shop", DjangoBlobStorageArgs(sku="gold", key_expiry_days=-1))
"""


def test_wrong_arguments_are_reported_together_in_the_programs_terms(
    tmp_path: Path, installed: Path
) -> None:
    refused = Shop(tmp_path, installed, WRONG).run("preview")
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1
    assert "2 arguments of shop are wrong" in said
    assert "sku is 'gold'" in said
    assert 'sku="Standard_LRS"' in said
    assert "key_expiry_days is '-1'" in said
    assert "key_expiry_days=90" in said
    assert "pulumi config" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("name", ["accountKey", "environment"])
def test_the_plugins_schema_says_what_is_secret(name: str) -> None:
    from infra.plugin import Plugin

    schema = json.loads(Plugin().schema or "")
    (component,) = schema["resources"].values()
    assert component["properties"][name]["secret"] is True


@pytest.mark.parametrize("name", ["databaseUrl", "secretKey"])
def test_the_plugins_schema_says_which_arguments_are_secret(name: str) -> None:
    from infra.plugin import Plugin

    schema = json.loads(Plugin().schema or "")
    (component,) = schema["resources"].values()
    assert component["inputProperties"][name]["secret"] is True
