"""Every rule of the pack."""

from __future__ import annotations

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from policy.rules import access, account, data, delivery, hosting, network

Rule = ResourceValidationPolicy | StackValidationPolicy

RULES: tuple[Rule, ...] = (
    *account.RULES,
    *access.RULES,
    *network.RULES,
    *data.RULES,
    *delivery.RULES,
    *hosting.RULES,
)
