"""azure-native:storage:ManagementPolicy: what Azure does to old blobs once a day."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import Record, now
from localazure.errors import ArmError
from localazure.provider.control_plane_resource import ControlPlaneResource
from localazure.provider.rules import FLAG, TEXT, Many, Number, Object, Text
from localazure.provider.storage_account import ACCOUNT
from localazure.values import Props

# "Configure a lifecycle management policy": at most so many rules, and prefixes in each.
MOST_RULES, MOST_PREFIXES, MOST_TAG_FILTERS = 100, 10, 10
_DAYS = Number(0)
_BORN = Object(
    {"daysAfterCreationGreaterThan": _DAYS, "daysAfterLastTierChangeGreaterThan": _DAYS},
    required=("daysAfterCreationGreaterThan",),
)
_CHANGED = Object(
    {
        "daysAfterCreationGreaterThan": _DAYS,
        "daysAfterLastAccessTimeGreaterThan": _DAYS,
        "daysAfterLastTierChangeGreaterThan": _DAYS,
        "daysAfterModificationGreaterThan": _DAYS,
    }
)
_STEPS = ("delete", "tierToArchive", "tierToCold", "tierToCool", "tierToHot")
_OLD_COPIES = Object(dict.fromkeys(_STEPS, _BORN))
_RULE = Object(
    {
        "definition": Object(
            {
                "actions": Object(
                    {
                        "baseBlob": Object(
                            {
                                **dict.fromkeys(_STEPS, _CHANGED),
                                "enableAutoTierToHotFromCool": FLAG,
                            }
                        ),
                        "snapshot": _OLD_COPIES,
                        "version": _OLD_COPIES,
                    }
                ),
                "filters": Object(
                    {
                        "blobIndexMatch": Many(
                            Object(
                                {"name": TEXT, "op": Text(("==",)), "value": TEXT},
                                required=("name", "op", "value"),
                            ),
                            most=MOST_TAG_FILTERS,
                        ),
                        "blobTypes": Many(Text(("blockBlob", "appendBlob")), 1),
                        "prefixMatch": Many(TEXT, most=MOST_PREFIXES),
                    },
                    required=("blobTypes",),
                ),
            },
            required=("actions",),
            needed=("filters",),
        ),
        "enabled": FLAG,
        "name": Text(pattern=r"[A-Za-z0-9-]{1,256}", rule="1 to 256 letters, digits and hyphens"),
        "type": Text(("Lifecycle",)),
    },
    required=("definition", "name", "type"),
)


class ManagementPolicy(ControlPlaneResource):
    token: ClassVar[str] = "azure-native:storage:ManagementPolicy"
    arm_type: ClassVar[str] = "Microsoft.Storage/storageAccounts/managementPolicies"
    id_format: ClassVar[str] = f"{ACCOUNT}/managementPolicies/{{managementPolicyName}}"
    name_input: ClassVar[str] = "managementPolicyName"
    shape: ClassVar[Object] = Object(
        {
            "accountName": TEXT,
            "managementPolicyName": Text(("default",)),
            "policy": Object({"rules": Many(_RULE, 1, MOST_RULES)}, required=("rules",)),
            "resourceGroupName": TEXT,
        },
        required=("accountName", "policy", "resourceGroupName"),
    )
    replaced_by: ClassVar[tuple[str, ...]] = (
        "accountName",
        "managementPolicyName",
        "resourceGroupName",
    )
    computed: ClassVar[tuple[str, ...]] = ("name", "type", "lastModifiedTime")
    invalid: ClassVar[str] = "InvalidRequestPropertyValue"

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        account = content["accounts"][self.names(resource_id)["accountName"].lower()]
        tracked = account.get("blobService", {}).get("lastAccessTimeTrackingPolicy") or {}
        names: set[str] = set()
        for index, rule in enumerate(inputs["policy"]["rules"]):
            path = f"policy.rules[{index}]"
            if rule["name"].lower() in names:
                raise self.bad_request(f"'{path}.name': there are two rules '{rule['name']}'")
            names.add(rule["name"].lower())
            self._refuse_rule(path, rule["definition"], reads_count=bool(tracked.get("enable")))
        if account["properties"]["kind"] == "Storage":
            raise ArmError(
                400,
                "OperationNotAllowedOnKind",
                "The operation is not permitted for kind 'Storage': an account of kind StorageV2, "
                "BlobStorage or BlockBlobStorage has a management policy.",
            )

    def details(self, asked: Props) -> Props:
        """getManagementPolicy: the outputs, and the id."""
        live = self.read(self.resource_id(asked))
        if live is None:
            raise ArmError(
                404,
                "ManagementPolicyNotFound",
                f"No ManagementPolicy found for account {asked['accountName']}",
            )
        return {**live.outputs, "id": live.id}

    def born(self, resource_id: str, inputs: Props) -> Props:
        return {"lastModifiedTime": now()}

    def _refuse_rule(self, path: str, definition: Props, *, reads_count: bool) -> None:
        """Each rule does something, each step says when, and append blobs are only deleted."""
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
            if conditions == ["daysAfterLastAccessTimeGreaterThan"] and not reads_count:
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
