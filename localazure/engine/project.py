"""The project's files: `Pulumi.yaml` and the stack's settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localazure.errors import LocalAzureError
from localazure.pulumi_yaml import read_yaml


@dataclass(frozen=True)
class Project:
    """`config` has full keys (`project:key`) and string values, as the SDK expects.

    In both files a key without a prefix gets the project's name as its prefix.
    """

    name: str
    stack: str
    root: Path
    main: Path
    config: dict[str, str]

    def provider_config(self) -> dict[str, str]:
        prefix = "azure-native:"
        return {k.removeprefix(prefix): v for k, v in self.config.items() if k.startswith(prefix)}


def load_project(root: Path, stack: str) -> Project:
    """Raises LocalAzureError if a file is missing or is not the YAML it should be."""
    described = read_yaml(root / "Pulumi.yaml")
    name = str(described.get("name") or "")
    if not name:
        raise LocalAzureError(f"{root / 'Pulumi.yaml'} has no 'name'")
    settings_file = root / f"Pulumi.{stack}.yaml"
    if not settings_file.exists():
        known = sorted(path.name[7:-5] for path in root.glob("Pulumi.*.yaml"))
        raise LocalAzureError(
            f"There is no stack '{stack}': {settings_file.name} does not exist. "
            f"Stacks here: {', '.join(known) or 'none'}"
        )
    config: dict[str, str] = {}
    for key, description in (described.get("config") or {}).items():
        value = description
        if isinstance(description, dict):
            value = description.get("value", description.get("default"))
        if value is not None:
            config[_full_key(name, key)] = _text(value)
    seen: dict[str, str] = {}
    for key, value in (read_yaml(settings_file).get("config") or {}).items():
        full = _full_key(name, str(key))
        if full in seen:
            # The Pulumi CLI would silently drop one of them.
            raise LocalAzureError(
                f"{settings_file.name} has '{seen[full]}' and '{key}', which are one setting: "
                "remove one of them"
            )
        seen[full] = str(key)
        if isinstance(value, dict) and "secure" in value:
            raise LocalAzureError(
                f"{settings_file.name} encrypts '{key}': only the Pulumi CLI can read that"
            )
        config[full] = _text(value)
    return Project(name, stack, root, root / (described.get("main") or "__main__.py"), config)


def _full_key(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
