"""The stand-in knows the properties of the installed azure-native SDK, and limits only those."""

from __future__ import annotations

from typing import Any

import pytest

from localazure.provider.properties import FILE
from localazure.provider.registry import RESOURCE_TYPES
from localazure.provider.resource import ResourceType
from tests.localazure.sdk_properties import collect, text


def test_the_file_is_what_the_installed_sdk_gives() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "python -m tests.localazure.sdk_properties"


@pytest.mark.parametrize("kind", RESOURCE_TYPES)
def test_every_path_that_a_type_names_by_hand_is_a_property(kind: type[ResourceType]) -> None:
    found = set(paths(kind.token))
    assert {*kind.limits, *kind.needed, *kind.immutable, *kind.names_in_id()} - found <= {
        "subscriptionId"
    }


def test_a_wrong_path_would_be_noticed() -> None:
    found = set(paths("azure-native:cdn:Rule"))
    assert {"actions", "actions[].parameters.headerName", "order"} <= found
    assert "actions[].parameters.headername" not in found


def paths(token: str) -> list[str]:
    content = collect()

    def below(schema: dict[str, Any], path: str) -> list[str]:
        schema = content["types"][schema["$ref"]] if "$ref" in schema else schema
        if schema.get("type") == "array":
            return [path, *below(schema["items"], f"{path}[]")]
        each = [path] if path else []
        for alternative in schema.get("oneOf", []):
            each += below(alternative, path)
        for name, property_ in schema.get("properties", {}).items():
            each += below(property_, f"{path}.{name}" if path else name)
        return each

    return below(content["resources"][token], "")
