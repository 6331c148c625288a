"""Generates the reference of the settings, in `docs/configuration.md` and `Pulumi.yaml`.

`python -m infra.reference` prints the page, `python -m infra.reference --write` writes both files.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

from .config import SECTIONS
from .outputs import OUTPUTS
from .settings import SETTINGS, Setting, as_text

ROOT = Path(__file__).resolve().parent.parent
PAGE, PROJECT = ROOT / "docs" / "configuration.md", ROOT / "Pulumi.yaml"
# The settings to decide first in a new project.
ASKED = ("location", "resourceGroupName", "accountNamePrefix", "corsOrigins")

_TABLE = "| setting | meaning | default | cost |\n|---|---|---|---|"
_GENERATED = (
    "<!-- Below this line: made by `python -m infra.reference --write` out of infra/config.py. -->"
)


def page() -> str:
    """docs/configuration.md with its tables regenerated."""
    parts = [PAGE.read_text("utf-8").partition(_GENERATED)[0] + _GENERATED]
    for about in SETTINGS.values():
        if section := SECTIONS.get(about.field):
            parts.append(f"\n## {section}\n\n{_TABLE}")
        parts.append(_row(about))
    parts.append("\n## Outputs\n\nThe environment of the site, name for name.\n")
    parts.append("| output | meaning |\n|---|---|")
    parts += [f"| `{name}` | {meaning} |" for name, meaning in OUTPUTS.items()]
    return "\n".join(parts) + "\n"


def described() -> dict[str, dict[str, Any]]:
    """The block `config` of Pulumi.yaml: default and description of every setting.

    Each has a default, because the CLI calls a setting without one missing. None has a type: the
    CLI would stop at the first wrong value, before the program can report them all.
    """
    return {
        about.key: {
            "default": list(about.default) if about.type == "array" else about.default,
            "description": about.description,
        }
        for about in SETTINGS.values()
    }


def template() -> dict[str, Any]:
    """The block `template` of Pulumi.yaml: what `pulumi new` asks for.

    None has a default: `pulumi new` would overwrite the value of the stack's own profile with it.
    """
    return {
        "description": "Azure Blob Storage for a Django site, with the site's own code",
        "config": {
            key: {"description": f"{SETTINGS[key].description}; empty keeps the profile's"}
            for key in ASKED
        },
        "quickstart": "Try it on this machine: make up. Then see README.md, Deploy to Azure.",
    }


def project() -> str:
    """Pulumi.yaml with its blocks regenerated; everything above them stays as it is."""
    head = re.split(r"(?m)^(?:template|config):\n", PROJECT.read_text("utf-8"), maxsplit=1)[0]
    blocks = {"template": template(), "config": described()}
    return head + yaml.safe_dump(blocks, sort_keys=False, width=1000)


def _row(about: Setting) -> str:
    default = as_text(about.default)
    shown = "none" if default in ("", "[]", "{}") else f"`{default}`"
    return f"| `{about.key}` | {about.description} | {shown} | {about.cost} |"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
        PROJECT.write_text(project(), encoding="utf-8")
    else:
        print(page(), end="")
