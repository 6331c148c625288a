"""The Pulumi schema of the stand-in: its types, their inputs and outputs."""

from __future__ import annotations

import json
from typing import Any

from localazure.provider.provider import Provider, plugin_version
from localazure.provider.resource import ResourceType

_ANY = {"$ref": "pulumi.json#/Any"}


def schema(provider: Provider) -> str:
    """A Pulumi package schema, as JSON text."""
    return json.dumps(
        {
            "name": "azure-native",
            "version": plugin_version(),
            "description": "azure-native's storage types on this machine, backed by Azurite",
            "config": {
                "variables": {"location": {"type": "string"}, "subscriptionId": {"type": "string"}}
            },
            "resources": {
                token: _resource(kind) for token, kind in provider.resource_types.items()
            },
            "functions": {
                token: {"inputs": _inputs(found.required)}
                for token, found in provider.functions.items()
            },
        }
    )


def _resource(kind: ResourceType) -> dict[str, Any]:
    inputs, outputs = kind.properties.inputs, kind.properties.outputs
    return {
        "description": kind.arm_type,
        "inputProperties": dict.fromkeys(sorted(inputs), _ANY),
        "requiredInputs": kind.properties.required,
        "properties": dict.fromkeys(sorted({*inputs, *outputs}), _ANY),
    }


def _inputs(names: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "object", "properties": dict.fromkeys(names, _ANY), "required": list(names)}
