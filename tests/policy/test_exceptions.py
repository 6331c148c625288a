"""Exemptions are narrow, and never silent."""

from __future__ import annotations

import pytest

from policy import tokens
from policy.declared import Resource
from policy.exceptions import EXEMPTIONS, Exemption, exemption
from policy.pack import policies
from tests.policy.resources import account, container, service, violations

BY_NAME = {policy.name: policy for policy in policies()}
PUBLIC = {"publicAccess": "Blob"}
ANY_ORIGIN = {"cors": {"corsRules": [{"allowedOrigins": ["*"]}]}}

COVERED = [
    ("no-anonymous-container", container(PUBLIC, name="site-static")),
    ("no-anonymous-container", container(PUBLIC, name="site-media", stack="dev")),
    ("no-anonymous-access", account({"allowBlobPublicAccess": True})),
    ("no-shared-keys", account({"allowSharedKeyAccess": True})),
    ("no-public-network", account({"publicNetworkAccess": "Enabled"})),
    (
        "deny-by-default",
        account({"publicNetworkAccess": "Enabled", "networkRuleSet": {"defaultAction": "Allow"}}),
    ),
    ("private-endpoint", account()),
    ("geo-redundancy", account({"sku": {"name": "Standard_LRS"}}, stack="local")),
    ("delete-lock", account(stack="dev")),
    ("protected-account", account(stack="dev")),
    ("cors-named-origins", service(ANY_ORIGIN, stack="local")),
]
VIOLATIONS = [
    # No exemption covers the level that lists a container.
    ("no-anonymous-container", container({"publicAccess": "Container"}, name="site-static")),
    ("no-container-listing", container({"publicAccess": "Container"}, name="site-static")),
    # Nor another container, nor the uploads of a stack with data of value.
    ("no-anonymous-container", container(PUBLIC, name="site-backups")),
    ("no-anonymous-container", container(PUBLIC, name="site-media", stack="prod")),
    ("no-anonymous-container", container(PUBLIC, name="site-media", stack="device")),
    # Nor resources of another program or component.
    ("no-anonymous-container", container(PUBLIC, name="site-static", component="")),
    ("no-shared-keys", account({"allowSharedKeyAccess": True}, component="other:index:Thing")),
    # Nor Azure's defaults.
    ("no-shared-keys", account()),
    ("no-anonymous-access", account()),
    ("no-public-network", account()),
    ("geo-redundancy", account({"sku": {"name": "Standard_LRS"}}, stack="prod")),
    ("delete-lock", account(stack="prod")),
    ("cors-named-origins", service(ANY_ORIGIN, stack="dev")),
    ("minimum-tls", account({"minimumTlsVersion": "TLS1_0"}, stack="local")),
]


@pytest.mark.parametrize(("rule", "resource"), COVERED)
def test_an_exempt_violation_is_reported_with_the_reason_and_what_closes_it(
    rule: str, resource: Resource
) -> None:
    assert violations(BY_NAME[rule], [resource]) == []
    ((reported, said),) = violations(BY_NAME[f"{rule}-excepted"], [resource])
    assert reported is resource
    covered = exemption(rule, resource)
    assert covered is not None
    assert f". Excepted: {covered.reason}. To close it: {covered.close}" in said


def test_an_exemption_holds_whatever_a_program_calls_its_component() -> None:
    for name in ("site-static", "pictures-static", "my-own-site-static"):
        assert exemption("no-anonymous-container", container(PUBLIC, name=name))
    for name in ("static-site", "site-statics", "site"):
        assert exemption("no-anonymous-container", container(PUBLIC, name=name)) is None


@pytest.mark.parametrize(("rule", "resource"), VIOLATIONS)
def test_anything_wider_than_an_exemption_is_a_violation(rule: str, resource: Resource) -> None:
    excepted = BY_NAME.get(f"{rule}-excepted")
    assert excepted is None or violations(excepted, [resource]) == []
    ((_, said),) = violations(BY_NAME[rule], [resource])
    assert said.endswith(f". To fix it: {BY_NAME[rule].remediation_steps}")


def test_every_exemption_is_tested() -> None:
    used = [exemption(rule, resource) for rule, resource in COVERED]
    assert [each for each in EXEMPTIONS if each not in used] == []


@pytest.mark.parametrize("each", EXEMPTIONS, ids=lambda each: f"{each.rule}-{each.part}")
def test_an_exemption_names_an_existing_rule_and_type(each: Exemption) -> None:
    assert each.rule in BY_NAME
    assert each.type in (tokens.ACCOUNT, tokens.CONTAINER, tokens.SERVICE)
    assert each.reason and not each.reason.endswith(".")
    assert each.close and not each.close.endswith(".")


def test_a_container_is_exempt_by_its_part_of_the_component_only() -> None:
    by_type = [each for each in EXEMPTIONS if each.type == tokens.CONTAINER]
    assert by_type
    assert all(each.part and each.only_with == PUBLIC for each in by_type)
