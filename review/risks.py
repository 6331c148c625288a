"""What a reviewer must not overlook: lost data, opened access, removed protection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from review.changes import UNKNOWN, value_at
from review.data_loss import ACCOUNT, CONTAINER, HOLDERS, data_loss, type_of
from review.markdown import code
from review.preview import Message, Op, Preview, State, Step

SERVICE = "azure-native:storage:BlobServiceProperties"
GROUP = "azure-native:resources:ResourceGroup"
ROLE = "azure-native:authorization:RoleAssignment"
LOCK = re.compile(r"azure-native:authorization:ManagementLock\w*")
# "Azure built-in roles", those for blobs and secrets.
ROLES = {
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a": "Storage Blob Delegator",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
}


class Rank(IntEnum):
    """The order of risks in a report, the gravest first."""

    VIOLATION = 0
    DATA_LOSS = 1
    DELETION = 2
    ACCESS = 3
    PROTECTION = 4
    WIDE_ACCESS = 5
    ROLE = 6


Risk = tuple[Rank, str]


@dataclass(frozen=True)
class Rule:
    """`worse` returns the end of a sentence for a change to the worse, else nothing.

    A value that is not set counts as `default`, which is Azure's. A new resource is compared with
    `safe`; if that is None, only changes count.
    """

    type: str
    path: str
    default: Any
    worse: Callable[[Any, Any], str]
    rank: Rank = Rank.ACCESS
    safe: Any = None


def risks(preview: Preview) -> list[str]:
    """One sentence for each risk of an update, in Markdown, the gravest first."""
    found = [*map(_violation, preview.violations), *_missing(preview)]
    before = [step.old for step in preview.steps if step.old]
    going = [step for step in preview.steps if step.op in (Op.DELETE, Op.REPLACE)]
    deleted = {step.old.urn for step in going if step.old and not step.old.retain_on_delete}
    for step in preview.steps:
        lost = data_loss(step.old, before, deleted) if step.old else ""
        found += [*_removed(step, lost), *_roles(step)]
        if step.new and step.op in (Op.CREATE, Op.UPDATE, Op.REPLACE):
            found += _worsened(step.old, step.new, "")
    found += _unprotected(preview.steps)
    return _in_order(found)


def manual_changes(preview: Preview) -> list[str]:
    """One sentence for each risk in what was changed by hand since the last update.

    What is in Azure and in the state is compared with what the program declares. A resource that is
    missing in Azure was in the state before the refresh.
    """
    found = list(_missing(preview))
    for step in preview.steps:
        if step.old and step.new and step.op in (Op.UPDATE, Op.REPLACE):
            found += _worsened(step.new, step.old, " was changed in Azure")
    found += _unprotected(preview.steps, declared=True)
    return _in_order(found)


def _in_order(found: Iterable[Risk]) -> list[str]:
    return [sentence for _, sentence in sorted(found, key=lambda risk: risk[0])]


def _violation(message: Message) -> Risk:
    urn, text = message.about, " ".join(message.text.split())
    about = f"{code(urn.rpartition('::')[2])} ({code(type_of(urn).rpartition(':')[2])})"
    return Rank.VIOLATION, f"{about} breaks the rule {code(message.rule)}: {code(text, 400)}."


def _missing(preview: Preview) -> Iterator[Risk]:
    """Resources that the state had before the refresh, and that would be created again."""
    for step in preview.steps:
        state = preview.refreshed.get(step.resource.urn)
        if state is None or step.op is not Op.CREATE:
            continue
        deleted = f"{_named(state)} was **deleted** in Azure"
        if state.type in HOLDERS or state.type == GROUP:
            yield Rank.DATA_LOSS, f"{deleted} and would be created again **empty**."
        elif LOCK.fullmatch(state.type):
            yield Rank.DELETION, f"{deleted}: what it locked can be deleted now."
        else:
            yield Rank.DELETION, f"{deleted} and would be created again."


def _removed(step: Step, lost: str) -> Iterator[Risk]:
    state = step.old
    if state is None or not state.custom:
        return
    rank = Rank.DATA_LOSS if lost else Rank.DELETION
    loss = f"; what would be lost: {code(lost, 400)}" if lost else ""
    if state.type == GROUP and not state.retain_on_delete:
        loss = "; Azure deletes everything in it, including what this stack did not create"
        rank = Rank.DATA_LOSS
    if step.op is Op.REPLACE:
        why = ", ".join(code(path) for path in step.replaces)
        cause = f"{why} {'changes' if len(step.replaces) == 1 else 'change'}"
        cause = cause if why else "a resource that it depends on is replaced"
        yield rank, f"{_named(state)} is **replaced**, because {cause}{loss}."
    elif step.op is Op.DELETE and state.type != ROLE:
        locked = ": what it locked can be deleted again" if LOCK.fullmatch(state.type) else ""
        yield rank, f"{_named(state)} is **deleted**{locked}{loss}."
    elif step.op is Op.RETAIN:
        leaves = f"{_named(state)} **leaves the stack**"
        yield Rank.PROTECTION, f"{leaves} and stays in Azure, unmanaged."


def _worsened(before: State | None, after: State, cause: str) -> Iterator[Risk]:
    """The rules that a change breaks; without `before` the resource is new."""
    for rule in RULES:
        if rule.type != after.type or (before is None and rule.safe is None):
            continue
        old = rule.safe if before is None else value_at(before.inputs, rule.path)
        new = value_at(after.inputs, rule.path)
        old, new = (rule.default if value is None else value for value in (old, new))
        if UNKNOWN in (old, new) or old == new:
            continue
        if not all(isinstance(value, type(rule.default)) for value in (old, new)):
            continue  # Azure accepts no such value
        sentence = rule.worse(old, new)
        if sentence:
            yield rule.rank, f"{_named(after)}{cause}: {sentence}."


def _roles(step: Step) -> Iterator[Risk]:
    if step.op not in (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE):
        return
    for state, verb in ((step.old, "**takes** from"), (step.new, "**gives** to")):
        if state is not None and state.type == ROLE:
            role = str(state.inputs.get("roleDefinitionId", "")).rpartition("/")[2]
            kind = state.inputs.get("principalType") or "principal"
            who = code(f"{kind} {state.inputs.get('principalId')}")
            name = code(ROLES.get(role.lower(), role))
            yield Rank.ROLE, f"{_named(state)} {verb} {who} the role {name}."


def _unprotected(steps: Iterable[Step], *, declared: bool = False) -> Iterator[Risk]:
    """One sentence for all resources that lose the same option in an update. With `declared`, for
    those that have lost it since: the program declares it, and the state does not have it."""
    meanings = {
        "protect": ("it can be deleted and replaced", "they can be deleted and replaced"),
        "retainOnDelete": (
            "it is deleted when it leaves the stack",
            "they are deleted when they leave the stack",
        ),
    }
    resources = [step for step in steps if step.resource.custom]
    for option, (one, several) in meanings.items():
        names = [
            code(step.resource.name)
            for step in resources
            for change in step.options
            if change.path == option and (change.new if declared else change.old)
        ]
        if names:
            meaning = one if len(names) == 1 else several
            lost = f"{code(option)} is **taken off** {', '.join(names)}"
            yield Rank.PROTECTION, f"{lost}: {meaning}."


def _named(state: State) -> str:
    return f"{code(state.name)} ({code(state.type.rpartition(':')[2])})"


def _becomes(bad: Any, sentence: str) -> Callable[[Any, Any], str]:
    return lambda old, new: sentence if new == bad else ""


def _public(old: Any, new: Any) -> str:
    order = ["None", "Blob", "Container"]
    if new not in order or old not in order or order.index(new) <= order.index(old):
        return ""
    listing = ", and **list them**" if new == "Container" else ""
    return f"**anyone** may read its blobs{listing} (`publicAccess` is {code(new)})"


def _tls(old: Any, new: Any) -> str:
    return f"accepts TLS as **old** as {code(new)} (`minimumTlsVersion`)" if new < old else ""


def _any_origin(old: Any, new: Any) -> str:
    may = " and ".join(sorted(_origins(new).get("*", set()) - _origins(old).get("*", set())))
    return f"**any origin** may {may} through CORS (`*`)" if may else ""


def _wide_origins(old: Any, new: Any) -> str:
    """A wildcard for subdomains: one that a stranger controls is enough."""
    before = _origins(old)
    wide = [
        f"{' and '.join(sorted(may))} through CORS ({code(origin)})"
        for origin, may in _origins(new).items()
        if "*" in origin and origin != "*" and not may <= before.get(origin, set())
    ]
    return f"**every subdomain** may {', and '.join(wide)}" if wide else ""


def _origins(cors: Any) -> dict[str, set[str]]:
    """What the pages of each origin may do: read, write."""
    found: dict[str, set[str]] = {}
    rules = cors.get("corsRules") if isinstance(cors, dict) else None
    for rule in rules or []:
        if isinstance(rule, dict):
            methods = rule.get("allowedMethods") or ["GET"]
            may = {"read" if m in ("GET", "HEAD", "OPTIONS") else "write" for m in methods}
            for origin in rule.get("allowedOrigins") or []:
                found.setdefault(str(origin), set()).update(may)
    return found


def _shorter(what: str) -> Callable[[Any, Any], str]:
    """For policies of the form `{enabled, days}`."""

    def worse(old: Any, new: Any) -> str:
        before, after = _days(old), _days(new)
        if not before or after >= before:
            return ""
        if not after:
            return f"{what} is switched **off**"
        return f"{what} goes **down** from {before} to {after} days"

    return worse


def _days(policy: Any) -> int:
    if not isinstance(policy, dict) or policy.get("enabled") is not True:
        return 0
    days = policy.get("days")
    return int(days) if isinstance(days, int | float) else 1


def _fewer_copies(old: Any, new: Any) -> str:
    def reach(sku: str) -> tuple[bool, bool]:
        return "G" in sku.partition("_")[2], "Z" in sku.partition("_")[2]

    worse = any(a and not b for a, b in zip(reach(old), reach(new), strict=True))
    return f"**fewer copies** of the data: {code(old)} → {code(new)}" if worse else ""


def _let_in(field: str, what: str) -> Callable[[Any, Any], str]:
    def worse(old: Any, new: Any) -> str:
        known = [rule.get(field) for rule in old if isinstance(rule, dict)]
        asked = [rule.get(field) for rule in new if isinstance(rule, dict)]
        more = ", ".join(code(str(each)) for each in asked if each not in known)
        return f"the firewall **lets in** {what} {more}" if more else ""

    return worse


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
        lambda old, _: (
            "it can be reached from **public networks** again" if old == "Disabled" else ""
        ),
    ),
    Rule(ACCOUNT, "networkRuleSet.ipRules", [], _let_in("iPAddressOrRange", "addresses")),
    Rule(
        ACCOUNT,
        "networkRuleSet.virtualNetworkRules",
        [],
        _let_in("virtualNetworkResourceId", "the subnet"),
    ),
    Rule(
        ACCOUNT,
        "enableHttpsTrafficOnly",
        True,
        _becomes(False, "accepts connections **without TLS** (`enableHttpsTrafficOnly` is off)"),
        safe=True,
    ),
    Rule(ACCOUNT, "minimumTlsVersion", "TLS1_0", _tls, safe="TLS1_2"),
    Rule(ACCOUNT, "allowSharedKeyAccess", True, _becomes(True, "shared keys are switched **on**")),
    Rule(
        ACCOUNT,
        "allowCrossTenantReplication",
        False,
        _becomes(True, "its blobs may be **replicated** to another tenant"),
        safe=False,
    ),
    Rule(ACCOUNT, "sku.name", "", _fewer_copies, Rank.PROTECTION),
    Rule(CONTAINER, "publicAccess", "None", _public, safe="None"),
    Rule(SERVICE, "cors", {}, _any_origin, safe={}),
    Rule(SERVICE, "cors", {}, _wide_origins, Rank.WIDE_ACCESS, safe={}),
    Rule(SERVICE, "deleteRetentionPolicy", {}, _shorter("soft delete of blobs"), Rank.PROTECTION),
    Rule(
        SERVICE,
        "containerDeleteRetentionPolicy",
        {},
        _shorter("soft delete of containers"),
        Rank.PROTECTION,
    ),
    Rule(
        SERVICE,
        "isVersioningEnabled",
        False,
        _becomes(False, "versioning is switched **off**"),
        Rank.PROTECTION,
    ),
    Rule(SERVICE, "restorePolicy", {}, _shorter("point-in-time restore"), Rank.PROTECTION),
)
