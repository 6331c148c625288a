"""The component's arguments: the settings' types, defaults and rules, or outputs."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime.settings import SETTINGS as SETTINGS_OF_THE_SDK
from pydantic import TypeAdapter

from infra.arguments import account_prefix, configuration
from infra.config import DjangoBlobStorageArgs
from infra.errors import ConfigError
from infra.plugin import Plugin
from infra.rules import SUBNET_EXAMPLE, AccountNamePrefix
from infra.settings import SETTINGS


def test_each_setting_is_an_argument_and_each_argument_a_setting() -> None:
    arguments = [field.name for field in dataclasses.fields(DjangoBlobStorageArgs)]
    assert arguments == [about.field for about in SETTINGS.values()]


def test_the_schema_has_each_argument_with_its_settings_type_and_meaning() -> None:
    schema = json.loads(Plugin().schema or "")
    (component,) = schema["resources"].values()
    inputs = component["inputProperties"]
    assert {key: (given["type"], given["description"]) for key, given in inputs.items()} == {
        key: (about.type, about.description) for key, about in SETTINGS.items()
    }
    assert not component.get("requiredInputs")


def test_the_arguments_defaults_generate_the_names() -> None:
    assert configuration("shop", DjangoBlobStorageArgs()) == dataclasses.replace(
        DjangoBlobStorageArgs(), account_name_prefix="shop"
    )


@pytest.mark.parametrize(
    "names", [("site", "Site"), ("my-site", "mysite"), ("a" * 40, "a" * 41), ("ß", "ä")]
)
def test_different_components_generate_different_account_names(names: tuple[str, str]) -> None:
    prefixes = [account_prefix(name) for name in names]
    assert len(set(prefixes)) == 2
    for prefix in prefixes:
        TypeAdapter(AccountNamePrefix).validate_python(prefix)


def test_whole_numbers_that_arrive_from_the_plugin_as_floats_are_accepted() -> None:
    given: dict[str, Any] = {"key_expiry_days": 30.0}
    config = configuration("shop", DjangoBlobStorageArgs(**given))
    assert config.key_expiry_days == 30
    given["key_expiry_days"] = 30.5
    with pytest.raises(ConfigError, match=r"key_expiry_days is '30\.5'"):
        configuration("shop", DjangoBlobStorageArgs(**given))


@pytest.fixture(autouse=True)
def event_loop() -> Iterator[None]:
    """Creating an output needs one, and an earlier program in this process may have closed it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    # Pulumi remembers every output until a program has waited for it.
    loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop), return_exceptions=True))
    SETTINGS_OF_THE_SDK.outputs.clear()
    loop.close()
    asyncio.set_event_loop(None)


def test_an_output_is_accepted_for_an_input() -> None:
    origin, subnet = pulumi.Output.from_input("https://a.example"), pulumi.Output.from_input("id")
    config = configuration(
        "shop",
        DjangoBlobStorageArgs(
            cors_origins=["https://www.example.com", origin],
            network_access="closed",
            private_endpoint_subnet=subnet,
        ),
    )
    assert config.cors_origins[0] == "https://www.example.com"
    assert isinstance(config.cors_origins[1], pulumi.Output)
    assert isinstance(config.private_endpoint_subnet, pulumi.Output)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("location", "mars", "location is 'mars': no region"),
        ("cors_origins", "ftp://a.example", "cors_origins is 'ftp://a.example': an origin is"),
        ("cors_origins", "*", "cors_allow_any_origin=True"),
        ("allowed_ip_ranges", "10.0.0.1", "private addresses never reach"),
    ],
)
def test_an_output_meets_its_settings_rule_when_it_is_known(
    field: str, value: str, rule: str
) -> None:
    output = pulumi.Output.from_input(value)
    given: dict[str, Any] = {
        field: output if field == "location" else [output],
        "network_access": "firewall",
    }
    given |= {"private_endpoint_subnet": SUBNET_EXAMPLE}
    config = configuration("shop", DjangoBlobStorageArgs(**given))
    checked = getattr(config, field)
    with pytest.raises(ConfigError) as caught:
        known(checked if field == "location" else checked[0])
    assert rule in str(caught.value)


def test_any_origin_may_be_an_output_where_the_switch_allows_it() -> None:
    origin = pulumi.Output.from_input("*")
    args = DjangoBlobStorageArgs(cors_origins=[origin], cors_allow_any_origin=True)
    assert known(configuration("shop", args).cors_origins[0]) == "*"


def known(output: Any) -> Any:
    return asyncio.get_event_loop().run_until_complete(output.future())


@pytest.mark.parametrize(
    "given",
    [
        {"sku": pulumi.Output.from_input("Standard_LRS")},
        {"cors_origins": pulumi.Output.from_input(["https://a.example"])},
        {"adopt": True, "account_name": pulumi.Output.from_input("djangoaccount")},
    ],
    ids=["a decision", "a whole list", "an account to adopt"],
)
def test_an_output_is_refused_if_its_value_decides_which_resources_exist(
    given: dict[str, Any],
) -> None:
    with pytest.raises(ConfigError, match="needed when the program runs"):
        configuration("shop", DjangoBlobStorageArgs(**given))


def test_a_contradiction_is_reported_with_the_argument_that_resolves_it() -> None:
    with pytest.raises(ConfigError) as caught:
        configuration("shop", DjangoBlobStorageArgs(network_access="firewall", restore_days=3))
    said = str(caught.value)
    assert 'allowed_ip_ranges=["203.0.113.0/24"]' in said
    assert "versioning=True" in said
    assert "pulumi config" not in said
