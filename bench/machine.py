"""The machine that the figures were measured on, and the versions of what was measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from bench.competitors import AZCOPY, CLI, DJANGO
from localazure.azurite import NODE_DIR, find_node

_PACKAGES = ("django", "django-storages", "azure-storage-blob", "pycurl")


def describe() -> dict[str, str]:
    node = subprocess.run([find_node(), "--version"], capture_output=True, text=True, check=False)
    found = {
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Node": node.stdout.strip().lstrip("v"),
        "Azurite": json.loads((NODE_DIR / "node_modules" / "azurite" / "package.json").read_text())[
            "version"
        ],
        **{package: version(package) for package in _PACKAGES},
    }
    for python, package in ((DJANGO, "collectfasta"), (CLI, "azure-cli")):
        if installed := _installed(python, package):
            found[package] = installed
    if AZCOPY.exists():
        said = subprocess.run([AZCOPY, "--version"], capture_output=True, text=True, check=False)
        # "azcopy version 10.27.1", then perhaps a notice of a newer one.
        found["azcopy"] = said.stdout.partition("\n")[0].rpartition(" ")[2]
    return found


def _installed(python: Path, package: str) -> str:
    pattern = f"lib/python3*/site-packages/{package.replace('-', '_')}-*.dist-info"
    for folder in python.parent.parent.glob(pattern):
        return folder.name.removesuffix(".dist-info").rpartition("-")[2]
    return ""
