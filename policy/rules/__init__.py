"""Every rule of the pack."""

from __future__ import annotations

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from policy.rules import (
    access,
    account,
    cors,
    data,
    delivery,
    hosting,
    identity,
    network,
    operation,
)

Rule = ResourceValidationPolicy | StackValidationPolicy

RULES: tuple[Rule, ...] = (
    *account.RULES,
    *access.RULES,
    *identity.RULES,
    *network.RULES,
    *data.RULES,
    *cors.RULES,
    *delivery.RULES,
    *hosting.RULES,
    *operation.RULES,
)
