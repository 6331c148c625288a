"""The pack as Pulumi runs it: over its protocol, with the registrations of the real program."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.proto import analyzer_pb2

from policy.exceptions import EXEMPTIONS
from policy.rules import RULES
from tests.policy.analyzer import ADVISORY, MANDATORY, Analyzer, Program, Report

SUBNET = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/net/providers"
    "/Microsoft.Network/virtualNetworks/vnet/subnets/blobs"
)
WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/logs/providers"
    "/Microsoft.OperationalInsights/workspaces/logs"
)
PRINCIPAL = "ServicePrincipal:11111111-2222-3333-4444-555555555555"
# Pulumi's mark for a string that is not known yet.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
ACCOUNT_URN = (
    "urn:pulumi:prod::django-azure-blob::django-azure-blob:index:DjangoBlobStorage"
    "$azure-native:storage:StorageAccount::django"
)


def mandatory(reports: list[Report]) -> list[str]:
    return [each.rule for each in reports if each.level == MANDATORY]


def advisory(reports: list[Report]) -> list[str]:
    return sorted(each.rule for each in reports if each.level == ADVISORY)


def one(type_: str, **properties: Any) -> list[dict[str, Any]]:
    return [
        {
            "urn": ACCOUNT_URN.replace("azure-native:storage:StorageAccount", type_),
            "type": type_,
            "name": "django",
            "properties": properties,
            "protect": True,
            "parent": "",
            "made_from": {},
        }
    ]


def test_every_rule_is_a_policy_with_its_level_control_and_remedy(analyzer: Analyzer) -> None:
    listed = {each.name: each for each in analyzer.info().policies}
    excepted = {f"{each.rule}-excepted" for each in EXEMPTIONS}
    assert set(listed) == {rule.name for rule in RULES} | excepted
    for rule in RULES:
        policy = listed[rule.name]
        assert rule.framework
        wanted = analyzer_pb2.ADVISORY if rule.enforcement_level else analyzer_pb2.MANDATORY
        assert policy.enforcementLevel == wanted
        assert policy.description == rule.description
        assert policy.framework.reference == rule.framework.reference
        assert policy.remediation_steps == rule.remediation_steps
    assert {listed[name].enforcementLevel for name in excepted} == {analyzer_pb2.ADVISORY}


@pytest.mark.parametrize("stack", ["dev", "local", "prod"])
@pytest.mark.parametrize("known", [False, True], ids=["preview", "update"])
def test_no_profile_breaks_a_mandatory_rule_and_its_exceptions_are_in_sight(
    analyzer: Analyzer, program: Program, stack: str, known: bool
) -> None:
    reports = analyzer.analyze(program.registrations(stack, known=known))
    assert mandatory(reports) == []
    assert {"no-shared-keys-excepted", "no-public-network-excepted"} <= set(advisory(reports))
    # No policy failed to run.
    assert [each for each in reports if "can't run policy" in each.message] == []


def test_prod_has_few_advisories_and_dev_says_what_a_trial_leaves_out(
    analyzer: Analyzer, program: Program
) -> None:
    assert advisory(analyzer.analyze(program.registrations("prod"))) == [
        "deny-by-default-excepted",
        "no-anonymous-access-excepted",
        "no-anonymous-container-excepted",
        "no-public-network-excepted",
        "no-shared-keys-excepted",
        "private-endpoint-excepted",
        "request-log",
    ]
    dev = advisory(analyzer.analyze(program.registrations("dev")))
    assert {"delete-lock-excepted", "geo-redundancy-excepted", "versioning"} <= set(dev)
    # The container of static files, and in a trial that of uploads.
    assert dev.count("no-anonymous-container-excepted") == 2


@pytest.mark.parametrize("known", [False, True], ids=["preview", "update"])
def test_with_everything_on_nothing_is_left_but_what_front_door_cannot_hide(
    analyzer: Analyzer, program: Program, known: bool
) -> None:
    everything = {
        "authMode": "identity",
        "dataPrincipals": [PRINCIPAL],
        "networkAccess": "closed",
        "privateEndpointSubnet": SUBNET,
        "logAnalyticsWorkspace": WORKSPACE,
        "frontDoor": "premium",
        "customDomain": "static.example.com",
    }
    reports = analyzer.analyze(program.registrations("prod", known=known, **everything))
    assert mandatory(reports) == []
    # Over its private link Front Door cannot sign in, so the blobs stay readable behind it.
    left = ["no-anonymous-access-excepted", "no-anonymous-container-excepted"]
    assert advisory(reports) == left


def test_private_static_files_close_the_exceptions_of_anonymous_access(
    analyzer: Analyzer, program: Program
) -> None:
    reports = analyzer.analyze(
        program.registrations("prod", known=True, frontDoor="standard", staticAccess="private")
    )
    assert mandatory(reports) == []
    assert not [rule for rule in advisory(reports) if rule.startswith("no-anonymous")]


@pytest.mark.parametrize(
    ("settings", "rules"),
    [
        ({"mediaAccess": "public"}, ["no-anonymous-container"]),
        ({"lock": False}, ["delete-lock"]),
        ({"keyExpiryDays": 0}, ["key-rotation-reminder"]),
        ({"keyExpiryDays": 365}, ["key-rotation-reminder"]),
        (
            {"blobSoftDeleteDays": 0, "containerSoftDeleteDays": 1},
            ["blob-soft-delete", "container-soft-delete"],
        ),
        ({"corsOrigins": ["*"], "corsAllowAnyOrigin": True}, ["cors-named-origins"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_setting_that_the_program_takes_and_the_benchmark_does_not_is_stopped_in_prod(
    analyzer: Analyzer, program: Program, settings: dict[str, Any], rules: list[str]
) -> None:
    reports = analyzer.analyze(program.registrations("prod", **settings))
    assert mandatory(reports) == rules
    for each in reports:
        if each.level == MANDATORY:
            described = next(rule.description for rule in RULES if rule.name == each.rule)
            assert each.message.startswith(f"{described.partition(': ')[0]}: ")
            assert ". To fix it: pulumi config set" in each.message
            assert each.urn.startswith("urn:pulumi:prod::")


def test_what_is_not_known_before_the_update_is_judged_in_it(analyzer: Analyzer) -> None:
    role = "azure-native:authorization:RoleAssignment"
    rest = {"roleDefinitionId": UNKNOWN, "principalType": "User"}
    assert analyzer.analyze(one(role, scope=UNKNOWN, **rest)) == []
    wide = analyzer.analyze(one(role, scope="/subscriptions/1", **rest))
    assert mandatory(wide) == ["role-within-account"]


@pytest.mark.parametrize(
    "type_",
    [
        "azure-native:storage/v20240101:StorageAccount",
        "azure-native_storage_v20240101:storage:StorageAccount",
    ],
)
def test_a_type_of_a_fixed_api_version_does_not_slip_through(
    analyzer: Analyzer, type_: str
) -> None:
    assert "minimum-tls" in mandatory(analyzer.analyze(one(type_)))
