"""Reads YAML as the Pulumi CLI does, so that both engines see the same configuration.

The CLI uses Go's yaml.v3, which reads YAML 1.2 with some of 1.1: `yes` and `22:30` are strings,
`0123` is octal, and a date becomes the text that Go prints for a time.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from localazure.errors import LocalAzureError

_NUMBER = re.compile(
    r"^[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*"
    r"|(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+)([eE][-+]?[0-9]+)?)$"
)
# libyaml, which Go's package is a port of, is quicker; some builds of PyYAML lack it.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Above this Go prints an integer as a number with an exponent.
_LARGEST_PLAIN = 1e21


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises LocalAzureError if there is none."""
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


class _Loader(_SafeLoader):  # type: ignore[misc]  # either of the two
    # PyYAML keeps resolvers by the first character of a scalar.
    yaml_implicit_resolvers = {  # noqa: RUF012
        letter: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag.rpartition(":")[2] not in ("bool", "float", "int")
        ]
        for letter, resolvers in _SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            twice = next(value for tag, value in keys if keys.count((tag, value)) > 1)
            problem = f"the key '{twice}' is here twice"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        constructed: dict[Any, Any] = super().construct_mapping(node, deep)
        return constructed


def _number(_: _Loader, node: yaml.ScalarNode) -> int | float | str:
    plain = node.value.replace("_", "")
    if re.fullmatch("[-+]?0[0-7]+", plain):
        return int(plain, 8)
    try:
        value = int(plain, 0)
        if -(2**63) <= value < 2**64:
            return value
    except ValueError:
        pass
    number = float(plain)
    if math.isinf(number):
        return str(node.value)
    return int(number) if number.is_integer() and abs(number) < _LARGEST_PLAIN else number


def _timestamp(loader: _Loader, node: yaml.ScalarNode) -> str:
    value = loader.construct_yaml_timestamp(node)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    fraction = f"{value:.%f}".rstrip("0").rstrip(".")
    zone = f"{value:%z}" or "+0000"
    name = "UTC" if zone == "+0000" else zone
    return f"{value:%Y-%m-%d %H:%M:%S}{fraction} {zone} {name}"


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _NUMBER, list("-+.0123456789"))
_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)
