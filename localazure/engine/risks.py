"""What a reviewer must not overlook in a plan: loss, opened access, protection taken off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from localazure.engine.diffs import value_at
from localazure.engine.losses import ACCOUNT, CONTAINER
from localazure.engine.markdown import code
from localazure.engine.steps import Op, Step
from localazure.values import UNKNOWN, masked

SERVICE = "azure-native:storage:BlobServiceProperties"
GROUP = "azure-native:resources:ResourceGroup"
ROLE = "azure-native:authorization:RoleAssignment"
LOCK = re.compile(r"azure-native:authorization:ManagementLock\w*")
# "Azure built-in roles", those for blobs.
ROLES = {
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a": "Storage Blob Delegator",
}
_LOSS, _GONE, _OPENED, _UNGUARDED, _ROLES = range(5)


@dataclass(frozen=True)
class Rule:
    """`worse` gives the sentence's end for a change to the worse, or nothing.

    Values that are not set are taken as `default`, Azure's own. A new resource is held against
    `safe`, unless that is None: then only a change counts.
    """

    type: str
    path: str
    default: Any
    worse: Callable[[Any, Any], str]
    rank: int = _OPENED
    safe: Any = None


def risks(steps: Iterable[Step]) -> list[str]:
    """One sentence a risk, in Markdown, the gravest first."""
    found: list[tuple[int, str]] = []
    for step in steps:
        found += [*_gone(step), *_roles(step), *_worsened(step)]
    found += _unguarded(steps)
    return [sentence for _, sentence in sorted(found, key=lambda risk: risk[0])]


def _gone(step: Step) -> Iterable[tuple[int, str]]:
    name = _named(step)
    lost = f"; what would be lost: {code(step.lost, 400)}" if step.lost else ""
    rank = _LOSS if step.lost else _GONE
    if step.resource.type == GROUP and not (step.old and step.old.retain_on_delete):
        lost = "; Azure deletes everything in it, also what this stack did not make"
        rank = _LOSS
    if step.op is Op.REPLACE:
        why = ", ".join(code(path) for path in step.replaces)
        cause = f"{why} {'changes' if len(step.replaces) == 1 else 'change'}" if why else ""
        yield (
            rank,
            f"{name} is **replaced**, because {cause or 'what it stands on is replaced'}{lost}.",
        )
    elif step.op is Op.DELETE and step.resource.custom and step.resource.type != ROLE:
        is_lock = LOCK.fullmatch(step.resource.type)
        what = "is **deleted**" + (": what it locked can be deleted again" if is_lock else "")
        yield rank, f"{name} {what}{lost}."
    elif step.op is Op.FORGET and step.resource.custom:
        yield _UNGUARDED, f"{name} **leaves the stack** and stays in Azure, with nobody's care."


def _worsened(step: Step) -> Iterable[tuple[int, str]]:
    if step.op not in (Op.CREATE, Op.UPDATE, Op.REPLACE):
        return
    new = masked(step.resource.inputs)
    old = masked(step.old.inputs) if step.old else None
    for rule in RULES:
        if rule.type != step.resource.type or (old is None and rule.safe is None):
            continue
        before = rule.safe if old is None else value_at(old, rule.path)
        after = value_at(new, rule.path)
        before = rule.default if before is None else before
        after = rule.default if after is None else after
        if UNKNOWN in (before, after) or before == after:
            continue
        if not isinstance(before, type(rule.default)) or not isinstance(after, type(rule.default)):
            continue  # no value that Azure would take, and it says so itself
        sentence = rule.worse(before, after)
        if sentence:
            yield rule.rank, f"{_named(step)}: {sentence}."


def _roles(step: Step) -> Iterable[tuple[int, str]]:
    if step.resource.type != ROLE or step.op in (Op.SAME, Op.FORGET, Op.IMPORT):
        return
    for op, resource, verb in (
        (Op.DELETE, step.old, "**takes** from"),
        (Op.CREATE, step.resource, "**gives** to"),
    ):
        if resource is None or step.op not in (op, Op.REPLACE, Op.UPDATE):
            continue
        inputs = masked(resource.inputs)
        role = str(inputs.get("roleDefinitionId", "")).rpartition("/")[2]
        kind, who = inputs.get("principalType") or "principal", inputs.get("principalId")
        yield (
            _ROLES,
            f"{_named(step)} {verb} {code(f'{kind} {who}')} the role "
            f"{code(ROLES.get(role.lower(), role))}.",
        )


def _unguarded(steps: Iterable[Step]) -> Iterable[tuple[int, str]]:
    """One sentence for all whose options guarded them and do no more."""
    for option, meaning in (
        ("protect", "they can be deleted and replaced"),
        ("retainOnDelete", "they are deleted when they leave the stack"),
    ):
        names = [
            code(step.resource.name)
            for step in steps
            if step.resource.custom
            for change in step.options
            if change.path == option and change.old
        ]
        if names:
            text = meaning.replace("they are", "it is").replace("they", "it")
            yield (
                _UNGUARDED,
                f"{code(option)} is **taken off** {', '.join(names)}: "
                f"{meaning if len(names) > 1 else text.replace('they leave', 'it leaves')}.",
            )


def _named(step: Step) -> str:
    return f"{code(step.resource.name)} ({code(step.resource.type.rpartition(':')[2])})"


def _becomes(bad: Any, sentence: str) -> Callable[[Any, Any], str]:
    return lambda old, new: sentence if new == bad else ""


def _public(old: Any, new: Any) -> str:
    order = ["None", "Blob", "Container"]
    if new not in order or old not in order or order.index(new) <= order.index(old):
        return ""
    listing = ", and **list them**" if new == "Container" else ""
    return f"**anyone** may read its blobs{listing} (`publicAccess` is {code(new)})"


def _tls(old: Any, new: Any) -> str:
    return f"answers TLS as **old** as {code(new)} (`minimumTlsVersion`)" if new < old else ""


def _any_origin(old: Any, new: Any) -> str:
    may = " and ".join(sorted(_open_to_all(new) - _open_to_all(old)))
    return f"**any origin** may {may} through CORS (`*`)" if may else ""


def _open_to_all(cors: Any) -> set[str]:
    """What pages of every origin may do: read, write."""
    rules = cors.get("corsRules") if isinstance(cors, dict) else None
    methods = [
        method
        for rule in rules or []
        if isinstance(rule, dict) and "*" in (rule.get("allowedOrigins") or [])
        for method in rule.get("allowedMethods") or ["GET"]
    ]
    return {"read" if method in ("GET", "HEAD", "OPTIONS") else "write" for method in methods}


def _shorter(what: str) -> Callable[[Any, Any], str]:
    """For policies of the form `{enabled, days}`."""

    def worse(old: Any, new: Any) -> str:
        before, after = _days(old), _days(new)
        if not before or after >= before:
            return ""
        return (
            f"{what} goes **down** from {before} to {after} days"
            if after
            else (f"{what} is switched **off**")
        )

    return worse


def _days(policy: Any) -> int:
    if not isinstance(policy, dict) or policy.get("enabled") is not True:
        return 0
    days = policy.get("days")
    return days if isinstance(days, int) else 1


def _fewer_copies(old: Any, new: Any) -> str:
    def reach(sku: str) -> tuple[bool, bool]:
        return "G" in sku.partition("_")[2], "Z" in sku.partition("_")[2]

    worse = any(a and not b for a, b in zip(reach(str(old)), reach(str(new)), strict=True))
    return f"**fewer copies** of the data: {code(old)} → {code(new)}" if worse else ""


def _let_in(field: str, what: str) -> Callable[[Any, Any], str]:
    def worse(old: Any, new: Any) -> str:
        known = {rule.get(field) for rule in old if isinstance(rule, dict)}
        more = [r.get(field) for r in new if isinstance(r, dict) and r.get(field) not in known]
        return f"the firewall **lets in** {what} {', '.join(code(str(m)) for m in more)}" * bool(
            more
        )

    return worse


_TLS_OFF = "answers **without TLS**, too (`enableHttpsTrafficOnly` is off)"
RULES = (
    Rule(
        ACCOUNT,
        "allowBlobPublicAccess",
        False,
        _becomes(True, "its containers **may be opened** to anyone (`allowBlobPublicAccess`)"),
    ),
    Rule(
        ACCOUNT,
        "networkRuleSet.defaultAction",
        "Allow",
        _becomes("Allow", "the firewall is **opened** to every network"),
    ),
    Rule(
        ACCOUNT,
        "publicNetworkAccess",
        "Enabled",
        lambda old, new: (
            "it can be reached from **public networks** again" if old == "Disabled" else ""
        ),
    ),
    Rule(
        ACCOUNT,
        "networkRuleSet.ipRules",
        [],
        _let_in("iPAddressOrRange", "addresses"),
    ),
    Rule(
        ACCOUNT,
        "networkRuleSet.virtualNetworkRules",
        [],
        _let_in("virtualNetworkResourceId", "the subnet"),
    ),
    Rule(ACCOUNT, "enableHttpsTrafficOnly", True, _becomes(False, _TLS_OFF), safe=True),
    Rule(ACCOUNT, "minimumTlsVersion", "TLS1_0", _tls, safe="TLS1_2"),
    Rule(ACCOUNT, "allowSharedKeyAccess", True, _becomes(True, "shared keys are switched **on**")),
    Rule(
        ACCOUNT,
        "allowCrossTenantReplication",
        False,
        _becomes(True, "its blobs may be **replicated** to another tenant"),
        safe=False,
    ),
    Rule(ACCOUNT, "sku.name", "", _fewer_copies, _UNGUARDED),
    Rule(CONTAINER, "publicAccess", "None", _public, safe="None"),
    Rule(SERVICE, "cors", {}, _any_origin, safe={}),
    Rule(SERVICE, "deleteRetentionPolicy", {}, _shorter("soft delete of blobs"), _UNGUARDED),
    Rule(
        SERVICE,
        "containerDeleteRetentionPolicy",
        {},
        _shorter("soft delete of containers"),
        _UNGUARDED,
    ),
    Rule(
        SERVICE,
        "isVersioningEnabled",
        False,
        _becomes(False, "versioning is switched **off**"),
        _UNGUARDED,
    ),
    Rule(SERVICE, "restorePolicy", {}, _shorter("point-in-time restore"), _UNGUARDED),
)
