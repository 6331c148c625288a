"""Whose pages may read blobs, and send uploads, by script."""

from __future__ import annotations

import re
from collections.abc import Iterable

from policy.declared import Resource, at, items, text
from policy.rule import Level, Rule, mcsb
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
    """Of all rules, for reading and for sending; each once."""
    rules = items(resource.at("cors.corsRules"))
    listed = (origin for rule in rules for origin in items(at(rule, "allowedOrigins")))
    return list(dict.fromkeys(origin for origin in listed if isinstance(origin, str)))


RULES = (
    Rule(
        "cors-named-origins",
        mcsb("PV-2"),
        Level.MANDATORY,
        "CORS names the origins whose pages may read and send",
        "pulumi config set corsOrigins https://www.example.com; "
        "pulumi config rm corsAllowAnyOrigin",
        types=(SERVICE,),
        check=any_origin,
    ),
    Rule(
        "cors-https",
        mcsb("DP-3"),
        Level.MANDATORY,
        "CORS allows no origin over plain HTTP, but this machine's own",
        "pulumi config set corsOrigins https://www.example.com",
        types=(SERVICE,),
        check=plain_http,
    ),
)
