"""The component under the real engine: other programs, other languages, stacks from before."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from infra.storage import FORMER_TYPE, TYPE
from localazure.azurite import Azurite
from tests.component.conftest import DEPLOYED, SETTINGS, page_program, write_project
from tests.component.conftest import installed as installed  # a fixture
from tests.conftest import ROOT, free_port
from tests.e2e.conftest import Pulumi
from tests.e2e.test_stack import changes

PACKAGES = sysconfig.get_path("purelib")
_LOCK = "site-lock[0-9a-f]{8}"


@pytest.fixture
def other(pulumi: Pulumi, tmp_path: Path) -> Iterator[Pulumi]:
    """Another project, with a local Azure of its own; its folder is still to be written."""
    home = tmp_path / "localazure"
    home.mkdir()
    azurite = Azurite(home, free_port())
    environment = {
        **pulumi.environment,
        "LOCALAZURE_HOME": str(home),
        "LOCALAZURE_BLOB_PORT": str(azurite.port),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_HOME": str(tmp_path / "home"),
    }
    yield Pulumi(tmp_path / "shop", environment)
    azurite.stop()


def with_packages(folder: Path, *more: Path) -> None:
    """A virtual environment with this one's packages, and more."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "packages.pth").write_text("\n".join([*map(str, more), PACKAGES]))


def test_a_second_program_deploys_two_components_and_then_has_nothing_to_change(
    other: Pulumi, installed: Path
) -> None:
    options = "  options:\n    virtualenv: venv\n"
    write_project(other.folder, page_program(), options=options)
    with_packages(other.folder / "venv", installed)
    other.run("stack", "init", "dev")
    other.run("up", "-s", "dev", "--yes", "--skip-preview")
    assert set(changes(other, "preview", "-s", "dev")) == {"same"}
    opened = other.run("stack", "output", "-s", "dev", "--json", "--show-secrets").stdout
    outputs = json.loads(opened)
    assert outputs["shop"]["AZURE_ACCOUNT_NAME"].startswith("shop")
    assert outputs["shop_secondary"] in outputs["shop"].values()
    hidden = json.loads(other.run("stack", "output", "-s", "dev", "--json").stdout)
    assert hidden["shop"] == "[secret]"
    other.run("destroy", "-s", "dev", "--yes", "--skip-preview")


def test_a_stack_of_0_1_0_is_found_again_and_nothing_is_made_or_deleted(
    pulumi: Pulumi, tmp_path: Path
) -> None:
    for key, value in SETTINGS.items():
        for path, text in [(key, value)] if isinstance(value, str) else [(f"{key}[0]", value[0])]:
            pulumi.run("config", "set", "-s", "local", "--path", path, text)
    # Puts the same resources into Azure's stand-in, which the recorded state is then about.
    pulumi.run("up", "-s", "local", "--yes", "--skip-preview")
    # A lock's name ends at random, and its notes are updated: that takes the one that is there.
    [lock] = set(re.findall(_LOCK, pulumi.run("stack", "export", "-s", "local").stdout))
    recorded = tmp_path / "deployed.json"
    recorded.write_text(re.sub(_LOCK, lock, DEPLOYED.read_text()))
    pulumi.run("stack", "import", "-s", "local", "--file", str(recorded))
    assert FORMER_TYPE in pulumi.run("stack", "export", "-s", "local").stdout
    assert set(changes(pulumi, "preview", "-s", "local")) <= {"same", "update"}
    pulumi.run("up", "-s", "local", "--yes", "--skip-preview")
    state = pulumi.run("stack", "export", "-s", "local").stdout
    named = [r["urn"] for r in json.loads(state)["deployment"]["resources"]]
    assert not any(FORMER_TYPE in urn for urn in named)
    assert any(f"::{TYPE}::" in urn for urn in named)


CONSUMER = """\
import pulumi
from pulumi_azure_native import resources

group = resources.ResourceGroup("names", location="northeurope")
shop = pulumi.ComponentResource.__new__(pulumi.ComponentResource)
pulumi.ComponentResource.__init__(
    shop,
    "django-azure-blob:index:DjangoBlobStorage",
    "shop",
    {
        "location": group.location,
        "keyExpiryDays": 30,
        "corsOrigins": [group.name.apply(lambda name: "https://www.example.com")],
        "sku": SKU,
        "accountName": None,
        "accountKey": None,
        "blobEndpoint": None,
        "environment": None,
    },
    remote=True,
)
pulumi.export("endpoint", shop.blobEndpoint)
pulumi.export("environment", shop.environment)
"""


@pytest.fixture
def plugin(other: Pulumi) -> Path:
    """The plugin's folder as a checkout has it, called otherwise."""
    folder = other.folder.parent / "component"
    ignored = shutil.ignore_patterns("__pycache__", ".venv")
    shutil.copytree(ROOT / "infra", folder, ignore=ignored)
    return folder


def consume(other: Pulumi, plugin: Path, sku: str) -> None:
    with_packages(plugin / ".venv")
    options = (
        "  options:\n    virtualenv: venv\n"
        f"plugins:\n  providers:\n    - name: django-azure-blob\n      path: {plugin}\n"
    )
    write_project(other.folder, CONSUMER.replace("SKU", repr(sku)), options=options)
    with_packages(other.folder / "venv")
    other.run("stack", "init", "dev")


def test_the_plugin_serves_a_program_that_knows_the_component_by_its_type_only(
    other: Pulumi, plugin: Path
) -> None:
    consume(other, plugin, "Standard_LRS")
    assert set(changes(other, "preview", "-s", "dev")) == {"create"}
    other.run("up", "-s", "dev", "--yes", "--skip-preview")
    outputs = json.loads(other.run("stack", "output", "-s", "dev", "--json").stdout)
    assert outputs["environment"] == "[secret]"
    assert "/shop" in outputs["endpoint"]
    cloud = json.loads((other.folder.parent / "localazure" / "cloud.json").read_text())
    (account,) = cloud["accounts"].values()
    assert account["properties"]["location"] == "northeurope"
    assert account["properties"]["keyPolicy"] == {"keyExpirationPeriodInDays": 30}
    assert set(changes(other, "preview", "-s", "dev")) == {"same"}


def test_the_plugin_names_a_wrong_argument_and_none_of_its_own_lines(
    other: Pulumi, plugin: Path
) -> None:
    consume(other, plugin, "gold")
    refused = other.run("preview", "-s", "dev", check=False)
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert "sku" in said
    assert "is 'gold': one of Standard_LRS" in said
    # The Python SDK prints the lines of the program that called; none of ours.
    assert "arguments.py" not in said


def test_the_cli_reads_the_schema_out_of_the_folder(other: Pulumi, plugin: Path) -> None:
    """The CLI makes a virtual environment for the plugin and installs it, here from what is there
    already; pip is given empty packages for those that it would download to be up to date."""
    links = other.folder.parent / "links"
    links.mkdir()
    for name in ("setuptools", "wheel"):
        empty_wheel(links, name)
    azure_native = f"resource-azure-native-v{version('pulumi-azure-native')}"
    provider = Path(other.environment["PULUMI_HOME"]) / "plugins" / azure_native
    provider.mkdir(parents=True)
    stand_in = ROOT / "localazure" / "bin" / "pulumi-resource-azure-native"
    (provider / stand_in.name).symlink_to(stand_in)
    offline = {
        "PYTHONPATH": PACKAGES,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(links),
        "PIP_NO_BUILD_ISOLATION": "false",  # pip's word for: without isolation
        "PIP_CONFIG_FILE": os.devnull,
    }
    other.folder.mkdir()
    printed = Pulumi(other.folder, {**other.environment, **offline}).run(
        "package", "get-schema", str(plugin)
    )
    schema = json.loads(printed.stdout)
    assert schema["name"] == "django-azure-blob"
    component = schema["resources"][TYPE]
    assert component["inputProperties"]["sku"]["description"]
    assert component["properties"]["accountKey"]["secret"] is True


def empty_wheel(folder: Path, name: str) -> None:
    info = f"{name}-0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
