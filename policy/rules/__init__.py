"""Every rule of the pack."""

from __future__ import annotations

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from policy.rules import access, account, data, delivery, hosting, network

Rule = ResourceValidationPolicy | StackValidationPolicy

_MODULES = (account, access, network, data, delivery, hosting)
RULES: tuple[Rule, ...] = tuple(rule for module in _MODULES for rule in module.RULES)
