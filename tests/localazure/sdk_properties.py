"""The properties of azure-native's resource types, read from the installed Python SDK.

After an upgrade of pulumi-azure-native, write the file that the stand-in reads:

    python -m tests.localazure.sdk_properties

The stand-in does not import the SDK itself: that would make its start several times as long.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Union, get_args, get_origin

from pulumi._types import input_type_py_to_pulumi_names, input_type_types

from localazure.provider.properties import FILE
from localazure.provider.registry import RESOURCE_TYPES

# What azure-native and Pulumi add to a service's answer.
_NOT_OF_THE_SERVICE = {"azureApiVersion", "id", "systemData", "urn"}
# Of the many kinds of actions and conditions in a rule only those that `infra` declares.
_DECLARED = {
    "DeliveryRuleRequestHeaderActionArgs",
    "DeliveryRuleRequestHeaderConditionArgs",
    "DeliveryRuleResponseHeaderActionArgs",
}
# A private endpoint names its subnet by an id; what a subnet consists of fills thousands of lines.
_ONLY_SCALARS = {"SubnetArgs", "ApplicationSecurityGroupArgs"}
# Most nested objects of App Service are for other kinds of apps: only those that `infra` declares.
_DECLARED_IN = {"web": {"ManagedServiceIdentityArgs", "SiteConfigArgs", "SkuDescriptionArgs"}}
_SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def collect() -> dict[str, Any]:
    """`{resources, types}`: JSON Schemas, as in the file."""
    types: dict[str, Any] = {}
    resources = {kind.token: _resource(kind.token, types) for kind in RESOURCE_TYPES}
    return {"resources": resources, "types": types}


def text() -> str:
    return json.dumps(collect(), indent=1, sort_keys=True) + "\n"


def _resource(token: str, types: dict[str, Any]) -> dict[str, Any]:
    _, module, name = token.split(":")
    resource = getattr(importlib.import_module(f"pulumi_azure_native.{module}"), name)
    arguments = getattr(importlib.import_module(resource.__module__), f"{name}Args")
    getters = [getter.fget for _, getter in inspect.getmembers(resource, _is_property)]
    outputs = {getter._pulumi_name for getter in getters if hasattr(getter, "_pulumi_name")}
    return {
        **_object(arguments, module, types),
        "outputs": sorted(outputs - _NOT_OF_THE_SERVICE),
    }


def _is_property(value: object) -> bool:
    return isinstance(value, property)


def _object(arguments: Any, module: str, types: dict[str, Any]) -> dict[str, Any]:
    names = input_type_py_to_pulumi_names(arguments)
    signature = inspect.signature(arguments.__init__).parameters.values()
    required = [names[p.name] for p in signature if p.name in names and p.default is p.empty]
    properties = {
        name: _schema(found, module, types, below=arguments.__name__)
        for name, found in input_type_types(arguments).items()
    }
    for name, description in re.findall(
        r":param .*? (\w+): (.*?)(?=\n *:param|\Z)", arguments.__init__.__doc__ or "", re.DOTALL
    ):
        expected = re.search(r"Expected value is '(\w+)'", description)
        if expected:
            properties[names[name]]["enum"] = [expected[1]]
    return {"properties": properties, "required": required, "type": "object"}


def _schema(found: Any, module: str, types: dict[str, Any], *, below: str) -> dict[str, Any]:
    members = list(_members(found))
    for member in members:
        if isinstance(member, type) and issubclass(member, Enum):
            return {"enum": [value.value for value in member], "type": "string"}
    if len(members) > 1 and all(hasattr(member, "__name__") for member in members):
        declared = [member for member in members if member.__name__ in _DECLARED]
        if declared:
            return {"oneOf": [_reference(member, module, types) for member in declared]}
    (member,) = members
    if member in _SCALARS:
        return {"type": _SCALARS[member]}
    if get_origin(member) is Sequence:
        items = _schema(get_args(member)[0], module, types, below=below)
        return {"items": items, "type": "array"}
    if get_origin(member) is Mapping:
        values = _schema(get_args(member)[1], module, types, below=below)
        return {"additionalProperties": values, "type": "object"}
    if member is Any or below in _ONLY_SCALARS:
        return {}
    if member.__name__ not in _DECLARED_IN.get(module, {member.__name__}):
        return {}
    return _reference(member, module, types)


def _reference(arguments: type, module: str, types: dict[str, Any]) -> dict[str, Any]:
    name = f"{module}:{arguments.__name__.removesuffix('Args')}"
    if name not in types:
        types[name] = {}  # a type may contain itself
        types[name].update(_object(arguments, module, types))
    return {"$ref": name}


def _members(found: Any) -> Iterator[Any]:
    """The types that a value may have, without those of Pulumi's outputs."""
    if get_origin(found) is Union:
        unwrapped = [member for member in get_args(found) if member is not type(None)]
        for member in unwrapped:
            nested = get_origin(member) in (Sequence, Mapping)
            if nested or ("Awaitable" not in str(member) and "Output" not in str(member)):
                yield from _members(member)
    else:
        yield found


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
