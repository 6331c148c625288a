"""What the components within a DjangoBlobStorage have in common.

Their resources' nested properties are dictionaries, which azure-native types, except where a class
of the SDK adds defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:  # which imports the parts
    from .storage import DjangoBlobStorage


class Part(pulumi.ComponentResource):
    """A component with its owner's configuration, resource group, tags and protection."""

    def __init__(self, type_: str, name: str, owner: DjangoBlobStorage) -> None:
        opts = pulumi.ResourceOptions(parent=owner)
        super().__init__(f"django-azure-blob:{type_}", name, None, opts)
        self._name, self._config, self._tags = name, owner.config, owner.tags
        self._group = owner.resource_group.name
        self._child = pulumi.ResourceOptions(parent=self, protect=owner.config.protect or None)


def merged(*options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return reduce(pulumi.ResourceOptions.merge, options, pulumi.ResourceOptions())


def before_update(
    name: str, check: Callable[[pulumi.ResourceHookArgs], None]
) -> pulumi.ResourceOptions:
    """Options for resources whose update `check` may refuse, in previews as well."""
    hook = pulumi.ResourceHook(name, check, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_update=[hook]))
