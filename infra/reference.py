"""The settings' reference, made from the code: `docs/configuration.md` and `Pulumi.yaml`.

`python -m infra.reference` prints the page, `python -m infra.reference --write` writes both files.
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from infra.config import SETTINGS
from infra.outputs import OUTPUTS
from infra.settings import Setting

ROOT = Path(__file__).resolve().parent.parent
PAGE, PROJECT = ROOT / "docs" / "configuration.md", ROOT / "Pulumi.yaml"

_HEAD = """\
<!-- Made by `python -m infra.reference --write`, out of infra/config.py: change it there. -->
# Configuration

Set with `pulumi config set KEY VALUE`, kept in `Pulumi.<stack>.yaml`. What is wrong, or contradicts
something else, is refused before anything is made, all of it at once, each with the reason and the
command that mends it. Lists and objects go by path:
`pulumi config set --path 'corsOrigins[0]' VALUE`,
`pulumi config set --path tags.team web`.

Prices are those of West Europe in 2026, rounded, and no promise: Azure's calculator has today's.
"""


def page() -> str:
    """The whole page, Markdown."""
    parts = [_HEAD]
    for section, found in groupby(SETTINGS.values(), key=lambda about: about.section):
        parts.append(f"\n## {section}\n\n| setting | meaning | default | cost |\n|---|---|---|---|")
        parts += [_row(about) for about in found]
    parts.append("\n## Outputs\n\nThe environment of the site, name for name.\n")
    parts.append("| output | meaning |\n|---|---|")
    parts += [f"| `{name}` | {meaning} |" for name, meaning in OUTPUTS.items()]
    return "\n".join(parts) + "\n"


def described() -> dict[str, dict[str, Any]]:
    """The block `config` of Pulumi.yaml: type, default and description of every setting.

    Every one has a default: without it the CLI would call the setting missing.
    """
    return {
        about.key: {
            "type": about.type,
            **({"items": {"type": "string"}} if about.type == "array" else {}),
            "default": list(about.default) if about.type == "array" else about.default,
            "description": about.description,
        }
        for about in SETTINGS.values()
    }


def project() -> str:
    """Pulumi.yaml with the block `config` made anew; all above it stays as it is."""
    head, _, _ = PROJECT.read_text(encoding="utf-8").partition("config:\n")
    block = yaml.safe_dump({"config": described()}, sort_keys=False, width=1000)
    return head + block


def _row(about: Setting) -> str:
    default = about.default if isinstance(about.default, str) else json.dumps(about.default)
    shown = "none" if default in ("", "[]", "{}") else f"`{default}`"
    return f"| `{about.key}` | {about.description} | {shown} | {about.cost} |"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
        PROJECT.write_text(project(), encoding="utf-8")
    else:
        print(page(), end="")
