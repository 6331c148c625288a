"""The origins whose pages may read blobs and send uploads by script."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pulumi_policy import ResourceValidationPolicy

from policy.declared import Resource, at, items, text
from policy.rule import mcsb, of_each
from policy.tokens import SERVICE

LOOPBACK = re.compile(r"http://((\*\.)?localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


def any_origin(resource: Resource) -> Iterable[str]:
    if "*" in _origins(resource):
        yield "a CORS rule allows every origin ('*')"


def plain_http(resource: Resource) -> Iterable[str]:
    for origin in _origins(resource):
        if origin.startswith("http:") and not LOOPBACK.fullmatch(origin):
            yield f"a CORS rule allows {text(origin)}, whose pages anybody on the way can change"


def _origins(resource: Resource) -> list[str]:
    """The origins of all rules, each once."""
    rules = items(resource.at("cors.corsRules"))
    listed = (origin for rule in rules for origin in items(at(rule, "allowedOrigins")))
    return list(dict.fromkeys(origin for origin in listed if isinstance(origin, str)))


RULES = (
    ResourceValidationPolicy(
        name="cors-named-origins",
        **mcsb("PV-2", "CORS names the origins whose pages may read and send"),
        remediation_steps=(
            "pulumi config set corsOrigins https://www.example.com; "
            "pulumi config rm corsAllowAnyOrigin"
        ),
        validate=of_each(SERVICE, any_origin),
    ),
    ResourceValidationPolicy(
        name="cors-https",
        **mcsb("DP-3", "CORS allows plain HTTP only for this machine"),
        remediation_steps="pulumi config set corsOrigins https://www.example.com",
        validate=of_each(SERVICE, plain_http),
    ),
)
