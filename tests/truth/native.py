"""The names of a resource's properties in azure-native, from its Python SDK.

The SDK has the property names and the classes of nested objects. It lacks the shape of the request:
which properties go below `properties`, and what a property is called there (`ipRules[].value` for
`iPAddressOrRange`). azure-native generates both from annotations in Microsoft's specifications
(`x-ms-client-flatten` and `x-ms-client-name`: genProperties in pulumi-azure-native), and so does
azure-mgmt. The suite takes that half from its models.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import pulumi


class InputType(Protocol):
    """A resource's arguments, or a nested object in them."""


Arguments = type[InputType]


def folded(name: str) -> str:
    """`iPAddressOrRange` and `ip_address_or_range` as one: azure-native and azure-mgmt derive both
    from the name in the specification."""
    return name.replace("_", "").lower()


@functools.cache
def resource_class(token: str) -> type[pulumi.CustomResource]:
    """The SDK's class of `azure-native:storage:StorageAccount`."""
    _, module, name = token.split(":")
    found: type[pulumi.CustomResource] = getattr(
        importlib.import_module(f"pulumi_azure_native.{module}"), name
    )
    return found


def arguments_class(token: str) -> Arguments:
    resource = resource_class(token)
    found: Arguments = getattr(sys.modules[resource.__module__], f"{resource.__name__}Args")
    return found


def api_version(token: str) -> str:
    """The version of Azure's API that azure-native sends this resource to."""
    text = "".join(each.__doc__ or "" for each in _constructors(token))
    found = re.search(r"Uses Azure REST API version (\d{4}-\d\d-\d\d(-preview)?)\.", text)
    if not found:
        raise LookupError(f"the SDK does not say which API version {token} uses")
    return found[1]


def _constructors(token: str) -> Sequence[Callable[..., Any]]:
    return typing.get_overloads(resource_class(token).__init__)


@functools.cache
def properties(arguments: Arguments) -> dict[str, tuple[Arguments, ...]]:
    """The names of an argument class's properties, each with the classes of the nested objects."""
    # pulumi.Input refers to Output by a text, which needs the names of its own module.
    modules = (pulumi.Output.__module__, arguments.__module__)
    scope = {name: value for module in modules for name, value in vars(sys.modules[module]).items()}
    found: dict[str, tuple[Arguments, ...]] = {}
    for attribute in vars(arguments).values():
        if isinstance(attribute, property) and attribute.fget:
            hint = typing.get_type_hints(attribute.fget, scope)["return"]
            found[attribute.fget.__dict__["_pulumi_name"]] = tuple(_classes(hint))
    return found


def _classes(hint: Any) -> Iterator[Arguments]:
    if isinstance(hint, type) and hint.__name__.endswith("Args"):
        yield hint
    for inner in typing.get_args(hint):
        yield from _classes(inner)
