"""Finds the protections that an update lowers, by comparing a resource's old and new inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from .redundancy import Redundancy
from .settings import as_text

ACCOUNT = "azure-native:storage:StorageAccount"
SERVICE = "azure-native:storage:BlobServiceProperties"
CONTAINER = "azure-native:storage:BlobContainer"
LIFECYCLE = "azure-native:storage:ManagementPolicy"
_LEVELS = ("None", "Blob", "Container")

Inputs = Mapping[str, Any]


class Lowering(NamedTuple):
    """One protection that an update lowers. `setting` is what `pulumi config set` needs to keep it,
    or empty."""

    what: str
    old: str
    new: str
    setting: str = ""

    @property
    def keep(self) -> str:
        if not self.setting:
            return "this stack has no setting for it"
        return f"pulumi config set {self.setting}"

    def __str__(self) -> str:
        return f"{self.what}: from {self.old} to {self.new}. To keep it: {self.keep}"


def lowerings(
    type_: str, old: Inputs, new: Inputs, containers: Mapping[str, str]
) -> list[Lowering]:
    """Everything that changing a resource of `type_` from `old` to `new` lowers.

    `containers` maps a container's name to the setting of its access. Unknown values are ignored.
    """
    rules: dict[str, Callable[[Inputs, Inputs], Iterator[Lowering]]] = {
        ACCOUNT: _account,
        SERVICE: _service,
        CONTAINER: partial(_container, containers=containers),
        LIFECYCLE: _lifecycle,
    }
    return list(rules[type_](old, new)) if type_ in rules else []


def _account(old: Inputs, new: Inputs) -> Iterator[Lowering]:
    before, after = (_value(each, "sku.name", "") for each in (old, new))
    known = all(sku and isinstance(sku, str) for sku in (before, after))
    if known and Redundancy.of(before).is_lowered_to(Redundancy.of(after)):
        yield Lowering("redundancy", before, after, f"sku {before}")
    # Azure's default of a property, its weaker value, and how to keep the stronger one. An account
    # older than a property may have no value for it, and then nothing is known.
    private = "mediaAccess private; pulumi config set staticAccess private"
    for path, default, weak, setting in (
        ("allowBlobPublicAccess", None, True, private),
        ("allowSharedKeyAccess", True, True, "authMode identity"),
        ("publicNetworkAccess", "Enabled", "Enabled", "networkAccess closed"),
        ("networkRuleSet.defaultAction", "Allow", "Allow", "networkAccess firewall"),
        ("enableHttpsTrafficOnly", True, False, ""),
        ("allowCrossTenantReplication", False, True, ""),
        ("encryption.keySource", "Microsoft.Storage", "Microsoft.Storage", ""),
    ):
        was, is_now = _value(old, path, default), _value(new, path, default)
        if was is not None and type(was) is type(is_now) and was != is_now == weak:
            yield Lowering(path, as_text(was), as_text(is_now), setting)
    before, after = (_value(each, "minimumTlsVersion", "TLS1_0") for each in (old, new))
    if isinstance(before, str) and isinstance(after, str) and after < before:
        yield Lowering("minimumTlsVersion", before, after)


def _service(old: Inputs, new: Inputs) -> Iterator[Lowering]:
    for what, path, setting in (
        ("soft delete of blobs", "deleteRetentionPolicy", "blobSoftDeleteDays"),
        ("soft delete of containers", "containerDeleteRetentionPolicy", "containerSoftDeleteDays"),
        ("point-in-time restore", "restorePolicy", "restoreDays"),
    ):
        before, after = _days(old.get(path)), _days(new.get(path))
        if before is not None and after is not None and after < before:
            now = f"{after} days" if after else "off"
            yield Lowering(what, f"{before} days", now, f"{setting} {before}")
    if old.get("isVersioningEnabled") is True and new.get("isVersioningEnabled") in (False, None):
        yield Lowering("versioning", "on", "off", "versioning true")


def _container(old: Inputs, new: Inputs, containers: Mapping[str, str]) -> Iterator[Lowering]:
    before, after = (_value(each, "publicAccess", "None") for each in (old, new))
    if before in _LEVELS and after in _LEVELS and _LEVELS.index(after) > _LEVELS.index(before):
        name = str(new.get("containerName"))
        setting = f"{containers[name]} private" if name in containers else ""
        yield Lowering(f"public access to container {name}", before, after, setting)


def _lifecycle(old: Inputs, new: Inputs) -> Iterator[Lowering]:
    """Compares the days after which the same blobs are deleted, by prefix and by part.

    A rule for blobs that had none is ignored: the inputs do not tell whether there are such blobs.
    """
    before, after = (deletions(each.get("policy")) for each in (old, new))
    for (prefix, part), days in sorted(after.items()):
        earlier = before.get((prefix, part))
        if earlier is not None and days < earlier:
            setting = "quarantineDays" if part == "baseBlob" else "oldVersionDays"
            what = f"days until {part} in {prefix} is deleted"
            yield Lowering(what, str(earlier), str(days), f"{setting} {earlier}")


def deletions(policy: Any) -> dict[tuple[str, str], int]:
    """The days after which a lifecycle policy deletes, by prefix and by part: `baseBlob`,
    `snapshot` or `version`. A rule without a prefix holds for "", which is every blob."""
    found: dict[tuple[str, str], int] = {}
    rules = policy.get("rules") if isinstance(policy, Mapping) else None
    for rule in rules if isinstance(rules, list | tuple) else ():
        if not isinstance(rule, Mapping) or rule.get("enabled") is False:
            continue
        actions = _value(rule, "definition.actions", {})
        prefixes = _value(rule, "definition.filters.prefixMatch", None) or [""]
        for part in ("baseBlob", "snapshot", "version"):
            when = _value(actions, f"{part}.delete", {}) if isinstance(actions, Mapping) else {}
            numbers = [int(days) for days in when.values() if isinstance(days, int | float)]
            for prefix in prefixes if numbers else ():
                days = min(numbers)
                found[prefix, part] = min(days, found.get((prefix, part), days))
    return found


def _days(policy: Any) -> int | None:
    """The days of `{enabled, days}`, 0 if it is disabled, None if unknown."""
    if policy is None:
        return 0
    if not isinstance(policy, Mapping):
        return None
    if policy.get("enabled") is not True:
        return 0
    days = policy.get("days")
    return int(days) if isinstance(days, int | float) else None


def _value(inputs: Inputs, path: str, default: Any) -> Any:
    value: Any = inputs
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
        if value is None:
            return default
    return value
