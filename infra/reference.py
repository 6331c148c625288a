"""The settings' reference, made from the code: `docs/configuration.md` and `Pulumi.yaml`.

`python -m infra.reference` prints the page, `python -m infra.reference --write` writes both files.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from .config import SECTIONS
from .outputs import OUTPUTS
from .settings import SETTINGS, Setting

ROOT = Path(__file__).resolve().parent.parent
PAGE, PROJECT = ROOT / "docs" / "configuration.md", ROOT / "Pulumi.yaml"
# The settings that somebody who starts from this repository decides first.
ASKED = ("location", "resourceGroupName", "accountNamePrefix", "corsOrigins")

_TABLE = "| setting | meaning | default | cost |\n|---|---|---|---|"
_HEAD = """\
<!-- Made by `python -m infra.reference --write`, out of infra/config.py: change it there. -->
# Configuration

Set with `pulumi config set KEY VALUE`, stored in `Pulumi.<stack>.yaml`. A value that is wrong, or
that contradicts another, is refused before anything is created: all of them at once, each with the
reason and the command that fixes it. So is a key that nothing reads, with the name that it may have
been meant for. A list is set whole, its entries separated by commas, and a tag by its path:

```sh
pulumi config set corsOrigins http://127.0.0.1:8000,https://www.example.com
pulumi config set --path tags.team web
```

Keys are plain: `protect: true`. The CLI writes them with the project's name in front
(`shop:protect`), and both are read; a file that has the same key in both forms is ambiguous. To
give the project another name after its first deployment, rename its stacks with it, or Pulumi
creates everything a second time:

```sh
pulumi stack rename organization/NEW/prod --stack prod   # Pulumi Cloud: your organization's name
sed -i.bak 's/^name: .*/name: NEW/' Pulumi.yaml
sed -i.bak 's/^\\( *\\)OLD:/\\1NEW:/' Pulumi.prod.yaml   # a preview prints it if it is needed
pulumi preview --stack prod                           # only the tag `project` changes
```

An origin such as `https://*.preview.example.com` lets in every subdomain. A preview warns where
that is wide: directly below a domain, or below a host that gives subdomains to everybody.

A tag's value is a text. Whole numbers and `true` are taken as written, but YAML has read an
unquoted `00123` as octal before anybody else sees it: quote it, as `pulumi config set` does.

Prices are those of West Europe in 2026, rounded, and no promise: Azure's calculator has today's.
"""


def page() -> str:
    """The whole page, Markdown."""
    parts = [_HEAD]
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

    Every one has a default: without it the CLI would call the setting missing. None has a type: the
    CLI would report the first wrong one, and stop before the program can report them all.
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

    None has a default: `pulumi new` would write it over the value of the stack's own profile.
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
    """Pulumi.yaml with its generated blocks made anew; all above them stays as it is."""
    head = re.split(r"(?m)^(?:template|config):\n", PROJECT.read_text("utf-8"), maxsplit=1)[0]
    blocks = {"template": template(), "config": described()}
    return head + yaml.safe_dump(blocks, sort_keys=False, width=1000)


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
