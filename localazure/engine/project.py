"""The project's files: `Pulumi.yaml` and the stack's settings."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from localazure.errors import LocalAzureError


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
    """Raises LocalAzureError if a file is missing or invalid."""
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
        value = description
        if isinstance(description, dict):
            value = description.get("value", description.get("default"))
        if value is not None:
            config[_full_key(name, key)] = _text(value)
    seen: dict[str, str] = {}
    for key, value in (_yaml(settings_file).get("config") or {}).items():
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


class _Loader(yaml.SafeLoader):
    """Reads scalars as the Pulumi CLI does, by YAML 1.2: `yes`, `22:30` and dates are strings."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            twice = next(value for tag, value in keys if keys.count((tag, value)) > 1)
            problem = f"the key '{twice}' is here twice"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rpartition(":")[2] not in ("bool", "int", "timestamp")
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile("([-+]?(0[0-7_]*|[1-9][0-9_]*)|0x[0-9a-fA-F]+)$"),
    list("-+0123456789"),
)


def _yaml(path: Path) -> dict[str, Any]:
    try:
        # _Loader is a SafeLoader.
        loaded = yaml.load(path.read_text(encoding="utf-8"), _Loader) or {}  # noqa: S506
    except FileNotFoundError:
        raise LocalAzureError(f"{path} does not exist: run this in the project's folder") from None
    except yaml.YAMLError as error:
        raise LocalAzureError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(loaded, dict):
        raise LocalAzureError(f"{path} must hold a mapping, such as 'config:'")
    return loaded
