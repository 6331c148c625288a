"""What the rules share: the benchmarks' controls, and checks as validations of policies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    ReportViolation,
    ResourceValidation,
    ResourceValidationArgs,
    StackValidation,
    StackValidationArgs,
)

from policy.declared import UNKNOWN, Resource, declared, text
from policy.tokens import ACCOUNT

# A rule that sets no level is mandatory: a violation stops the preview and the update.
MANDATORY, ADVISORY = EnforcementLevel.MANDATORY, EnforcementLevel.ADVISORY

# What is wrong with a resource: for each violation the beginning of a sentence, as "x is false".
Check = Callable[[Resource], Iterable[str]]
# The same for all resources of a stack, each violation with the resource that it is about.
StackCheck = Callable[[Sequence[Resource]], Iterable[tuple[Resource, str]]]


def cis(number: str, description: str) -> dict[str, Any]:
    """The arguments of a policy for a control of the CIS benchmark, such as 10.3.7."""
    name = "CIS Microsoft Azure Foundations Benchmark"
    framework = PolicyComplianceFramework(name, "4.0.0", number)
    return {"description": f"CIS {number}: {description}", "framework": framework}


def mcsb(number: str, description: str) -> dict[str, Any]:
    """The arguments of a policy for a control of Microsoft's benchmark, such as IM-8."""
    framework = PolicyComplianceFramework("Microsoft cloud security benchmark", "1.0", number)
    return {"description": f"MCSB {number}: {description}", "framework": framework}


def of_each(types: str | tuple[str, ...], check: Check) -> ResourceValidation:
    """A validation of every resource of the type or types."""
    judged = (types,) if isinstance(types, str) else types

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for resource in declared(args):
            if resource.type in judged:
                for wrong in check(resource):
                    report(wrong, resource.urn)

    return validate


def of_stack(check: StackCheck) -> StackValidation:
    """A validation of a stack as a whole."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for resource, wrong in check(declared(args)):
            report(wrong, resource.urn)

    return validate


def every_account_has(
    type_: str, belongs: Callable[[Resource, Resource], bool], wrong: str
) -> StackValidation:
    """A validation that for every account there is a resource of the type that belongs to it."""

    def check(resources: Sequence[Resource]) -> Iterable[tuple[Resource, str]]:
        candidates = [each for each in resources if each.type == type_]
        for account in (each for each in resources if each.type == ACCOUNT):
            if not any(belongs(candidate, account) for candidate in candidates):
                yield account, wrong

    return of_stack(check)


def expects(path: str, *good: object) -> Check:
    """A check that the value at `path` is one of `good`. It must be set, because Azure's defaults
    depend on the age of an account."""

    def check(resource: Resource) -> Iterable[str]:
        value = resource.at(path)
        if value is not UNKNOWN and value not in good:
            yield f"{path} is {text(value)}, not {' or '.join(text(each) for each in good)}"

    return check
