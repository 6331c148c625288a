"""The project's own files: `Pulumi.yaml` and the stack's settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from localazure.errors import LocalAzureError


@dataclass(frozen=True)
class Project:
    """`config` has full keys (`project:key`) and text values, as the SDK takes them."""

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
    described = _yaml(root / "Pulumi.yaml")
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
        value = description.get("default") if isinstance(description, dict) else description
        if value is not None:
            config[_full_key(name, key)] = _text(value)
    for key, value in (_yaml(settings_file).get("config") or {}).items():
        if isinstance(value, dict) and "secure" in value:
            raise LocalAzureError(
                f"{settings_file.name} encrypts '{key}': only the Pulumi CLI can read that"
            )
        config[_full_key(name, key)] = _text(value)
    return Project(name, stack, root, root / (described.get("main") or "__main__.py"), config)


def _full_key(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _yaml(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise LocalAzureError(f"{path} does not exist: run this in the project's folder") from None
    except yaml.YAMLError as error:
        raise LocalAzureError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(loaded, dict):
        raise LocalAzureError(f"{path} must hold a mapping, such as 'config:'")
    return loaded
