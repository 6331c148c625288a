"""The rules as Pulumi's policies.

A policy has one level for all that it reports, so a rule with exceptions becomes two: one at its
own level, and `RULE-excepted`, an advisory that reports what an exception covers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policy.declared import UNKNOWN, Resource
from policy.exceptions import EXEMPTIONS, exemption
from policy.rule import Level, Rule
from policy.rules import RULES

NAME = "django-azure-blob"
LEVELS = {
    Level.MANDATORY: EnforcementLevel.MANDATORY,
    Level.ADVISORY: EnforcementLevel.ADVISORY,
}
# A type of a fixed API version is the same type: azure-native:storage/v20240101:StorageAccount, or
# azure-native_storage_v20240101:storage:StorageAccount of a package made for it.
VERSIONED = re.compile(r"azure-native(?:_\w+)?:(\w+)(?:/\w+)?:(\w+)")


def policies() -> list[Policy]:
    excepted = {each.rule for each in EXEMPTIONS}
    found = []
    for rule in RULES:
        found.append(_policy(rule, excepted=False))
        if rule.name in excepted:
            found.append(_policy(rule, excepted=True))
    return found


def messages(
    rule: Rule, resources: Sequence[Resource], *, excepted: bool
) -> list[tuple[Resource, str]]:
    """What a rule reports of these resources: what no exception covers, or what one does."""
    found = []
    for resource, wrong in rule.violations(resources):
        covered = exemption(rule.name, resource)
        if covered and excepted:
            said = f"{wrong}. Excepted: {covered.reason}. To close it: {covered.close}"
            found.append((resource, said))
        elif not covered and not excepted:
            found.append((resource, f"{wrong}. To mend it: {rule.remedy}"))
    return found


def token(type_: str) -> str:
    """A resource's type without the API version that it may name."""
    return VERSIONED.sub(r"azure-native:\1:\2", type_, count=1)


def _policy(rule: Rule, *, excepted: bool) -> Policy:
    _, framework, version = rule.control.benchmark.value
    about: dict[str, Any] = {
        "name": f"{rule.name}-excepted" if excepted else rule.name,
        "description": f"{rule.control}: {rule.description}",
        "enforcement_level": EnforcementLevel.ADVISORY if excepted else LEVELS[rule.level],
        "framework": PolicyComplianceFramework(framework, version, rule.control.number),
        "remediation_steps": rule.remedy,
    }
    if rule.check is None:
        return StackValidationPolicy(validate=_of_all(rule, excepted), **about)
    return ResourceValidationPolicy(validate=_of_one(rule, excepted), **about)


def _of_one(
    rule: Rule, excepted: bool
) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = Resource(
            token(args.resource_type),
            args.name,
            args.urn,
            plain(args.props),
            protect=bool(args.opts.protect),
        )
        for _, said in messages(rule, [resource], excepted=excepted):
            report(said, None)

    return validate


def _of_all(rule: Rule, excepted: bool) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [_declared(each) for each in args.resources]
        for resource, said in messages(rule, resources, excepted=excepted):
            report(said, resource.urn)

    return validate


def _declared(given: PolicyResource) -> Resource:
    return Resource(
        token(given.resource_type),
        given.name,
        given.urn,
        plain(given.props),
        protect=bool(given.opts.protect),
        depends={
            path: frozenset(each.urn for each in made_from)
            for path, made_from in given.property_dependencies.items()
        },
    )


def plain(value: Any) -> Any:
    """Pulumi's values without the guards that raise where something is not known yet."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(value: Any, key: Any) -> Any:
    try:
        return plain(value[key])
    except UnknownValueError:
        return UNKNOWN
