"""The component's package as other programs install it, and its page's program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# What `pulumi stack export` gave for a stack of version 0.1.0 with every kind of resource, deployed
# to localazure with these settings beside Pulumi.local.yaml's; outputs of the stack, times and
# secrets are left out.
DEPLOYED = Path(__file__).parent / "deployed.json"
_NETWORK = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/network/providers"
SETTINGS = {
    "lock": "true",
    "frontDoor": "premium",
    "staticAccess": "public",
    "customDomain": "static.example.com",
    "corsOrigins": ["https://www.example.com"],
    "corsAllowAnyOrigin": "false",
    "privateEndpointSubnet": f"{_NETWORK}/Microsoft.Network/virtualNetworks/hub/subnets/web",
    "logAnalyticsWorkspace": f"{_NETWORK}/Microsoft.OperationalInsights/workspaces/logs",
    "dataPrincipals": ["ServicePrincipal:11111111-2222-3333-4444-555555555555"],
}


def page_program() -> str:
    """The complete program of docs/component.md."""
    page = (ROOT / "docs" / "component.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return str(program)


def write_project(folder: Path, program: str, *, options: str = "") -> Path:
    """A Pulumi project of somebody else's, with a stack `dev`."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(f"name: shop\nruntime:\n  name: python\n{options}")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    (folder / "__main__.py").write_text(program)
    return folder


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `pip install ./infra` installs into, without the network."""
    folder = tmp_path_factory.mktemp("installed")
    command = ["install", "--no-index", "--no-deps", "--no-build-isolation", "--target"]
    subprocess.run(
        [sys.executable, "-m", "pip", *command, str(folder), str(ROOT / "infra")],
        check=True,
        capture_output=True,
    )
    return folder
