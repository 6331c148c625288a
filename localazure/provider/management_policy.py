"""azure-native:storage:ManagementPolicy: lifecycle rules for blobs."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import now
from localazure.errors import ArmError
from localazure.provider.control_plane_resource import ControlPlaneResource, Write
from localazure.provider.properties import Limit, Limits
from localazure.provider.storage_account import ACCOUNT
from localazure.values import Props

# "Configure a lifecycle management policy": the most rules, and prefixes and tags in each.
MOST_RULES, MOST_PREFIXES, MOST_TAG_FILTERS = 100, 10, 10
_RULE = "policy.rules[]"
_FILTERS, _ACTIONS = f"{_RULE}.definition.filters", f"{_RULE}.definition.actions"
_STEPS = ("delete", "tierToArchive", "tierToCold", "tierToCool", "tierToHot")
_AGES = ("Creation", "LastTierChange")
_DAYS = {
    f"{_ACTIONS}.{part}.{step}.daysAfter{age}GreaterThan": Limit(low=0)
    for part, ages in (
        ("baseBlob", (*_AGES, "LastAccessTime", "Modification")),
        ("snapshot", _AGES),
        ("version", _AGES),
    )
    for step in _STEPS
    for age in ages
}


class ManagementPolicy(ControlPlaneResource):
    token = "azure-native:storage:ManagementPolicy"
    id_format = f"{ACCOUNT}/managementPolicies/{{managementPolicyName}}"
    limits: ClassVar[Limits] = {
        "managementPolicyName": Limit(values=("default",)),
        "policy.rules": Limit(least=1, most=MOST_RULES),
        f"{_RULE}.name": Limit(
            pattern=r"[A-Za-z0-9-]{1,256}", rule="1 to 256 letters, digits and hyphens"
        ),
        f"{_FILTERS}.blobIndexMatch": Limit(most=MOST_TAG_FILTERS),
        f"{_FILTERS}.blobIndexMatch[].op": Limit(values=("==",)),
        f"{_FILTERS}.blobTypes": Limit(least=1),
        f"{_FILTERS}.blobTypes[]": Limit(values=("blockBlob", "appendBlob")),
        f"{_FILTERS}.prefixMatch": Limit(most=MOST_PREFIXES),
        **_DAYS,
    }
    needed = (_FILTERS,)
    invalid = "InvalidRequestPropertyValue"

    def validate(self, write: Write) -> None:
        account = write.content["accounts"][write.inputs["accountName"].lower()]
        tracked = account.get("blobService", {}).get("lastAccessTimeTrackingPolicy") or {}
        names: set[str] = set()
        for index, rule in enumerate(write.inputs["policy"]["rules"]):
            path = f"policy.rules[{index}]"
            if rule["name"].lower() in names:
                raise self.bad_request(f"'{path}.name': there are two rules '{rule['name']}'")
            names.add(rule["name"].lower())
            self._refuse_rule(path, rule["definition"], tracks_access=bool(tracked.get("enable")))
        if account["properties"]["kind"] == "Storage":
            raise ArmError(
                400,
                "OperationNotAllowedOnKind",
                "The operation is not permitted for kind 'Storage': an account of kind StorageV2, "
                "BlobStorage or BlockBlobStorage has a management policy.",
            )

    def not_found(self, resource_id: str) -> ArmError:
        name = self.names(resource_id)["accountName"]
        message = f"No ManagementPolicy found for account {name}"
        return ArmError(404, "ManagementPolicyNotFound", message)

    def computed(self, resource_id: str, inputs: Props) -> Props:
        return {"lastModifiedTime": now()}

    def _refuse_rule(self, path: str, definition: Props, *, tracks_access: bool) -> None:
        """Each rule needs an action, each action one age, and append blobs can only be deleted."""
        actions = {key: value for key, value in definition["actions"].items() if value}
        steps = {
            f"{path}.definition.actions.{part}.{step}": (part, step, when)
            for part, wanted in actions.items()
            for step, when in wanted.items()
            if isinstance(when, dict)
        }
        if not steps:
            raise self.bad_request(f"'{path}.definition.actions' is empty: one is needed")
        append_only = definition["filters"]["blobTypes"] == ["appendBlob"]
        for below, (part, step, when) in steps.items():
            conditions = [
                key
                for key, value in when.items()
                if value is not None and key != "daysAfterLastTierChangeGreaterThan"
            ]
            if len(conditions) != 1:
                raise self.bad_request(
                    f"'{below}' has {len(conditions)} conditions ({', '.join(conditions)}): one "
                    "number of days is needed"
                )
            if conditions == ["daysAfterLastAccessTimeGreaterThan"] and not tracks_access:
                raise self.bad_request(
                    f"'{below}.{conditions[0]}' needs the blob service's "
                    "lastAccessTimeTrackingPolicy to be enabled"
                )
            if "daysAfterLastTierChangeGreaterThan" in when and step != "tierToArchive":
                raise self.bad_request(
                    f"'{below}.daysAfterLastTierChangeGreaterThan' is for tierToArchive only"
                )
            if step == "tierToHot" and part != "baseBlob":
                raise self.bad_request(f"'{below}': only base blobs can be moved to hot")
            if append_only and step != "delete":
                raise self.bad_request(f"'{below}': append blobs can only be deleted")
