"""The pack's policies: the rules, and what their exemptions cover.

A policy reports everything at one level. Therefore a rule with exemptions becomes two policies: one
at its own level, and `RULE-excepted`, an advisory that reports what an exemption covers.
"""

from __future__ import annotations

from typing import Any

from pulumi_policy import Policy, ReportViolation

from policy.declared import declared
from policy.exceptions import EXEMPTIONS, exemption
from policy.rule import ADVISORY
from policy.rules import RULES, Rule

NAME = "django-azure-blob"


def policies() -> list[Policy]:
    excepted = {each.rule for each in EXEMPTIONS}
    found: list[Policy] = []
    for rule in RULES:
        found.append(_policy(rule, excepted=False))
        if rule.name in excepted:
            found.append(_policy(rule, excepted=True))
    return found


def _policy(rule: Rule, *, excepted: bool) -> Policy:
    """Reports either the violations that no exemption covers, or those that one does."""

    def validate(args: Any, report: ReportViolation) -> None:
        resources = {resource.urn: resource for resource in declared(args)}

        def judge(wrong: str, urn: str | None) -> None:
            covered = exemption(rule.name, resources[str(urn)])
            if covered and excepted:
                report(f"{wrong}. Excepted: {covered.reason}. To close it: {covered.close}", urn)
            elif not covered and not excepted:
                report(f"{wrong}. To fix it: {rule.remediation_steps}", urn)

        rule.validate(args, judge)

    return type(rule)(
        name=f"{rule.name}-excepted" if excepted else rule.name,
        description=rule.description,
        enforcement_level=ADVISORY if excepted else rule.enforcement_level,
        framework=rule.framework,
        remediation_steps=rule.remediation_steps,
        validate=validate,
    )
