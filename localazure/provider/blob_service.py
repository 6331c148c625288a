"""azure-native:storage:BlobServiceProperties: an account's one blob service, its CORS rules."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import Record
from localazure.errors import ArmError
from localazure.provider.arm import account_id, id_part
from localazure.provider.resource import Live, ResourceType
from localazure.provider.rules import FLAG, TEXT, Many, Number, Object, Text
from localazure.provider.storage_account import ACCOUNT, account_not_found
from localazure.values import Props

# "Set Blob Service Properties" (Azure Storage REST API): at most five rules, and what a rule needs.
MOST_CORS_RULES = 5
CORS_FIELDS = (
    "allowedHeaders",
    "allowedMethods",
    "allowedOrigins",
    "exposedHeaders",
    "maxAgeInSeconds",
)
CORS_METHODS = frozenset(
    ["DELETE", "GET", "HEAD", "MERGE", "POST", "OPTIONS", "PUT", "PATCH", "CONNECT", "TRACE"]
)
# The longest that deleted data are kept, in days, and the longest change feed.
LONGEST_RETENTION, LONGEST_FEED = 365, 146000
_RETENTION = Object(
    {"allowPermanentDelete": FLAG, "days": Number(1, LONGEST_RETENTION), "enabled": FLAG}
)
_RULE = Object(
    {
        "allowedHeaders": Many(TEXT),
        "allowedMethods": Many(TEXT),
        "allowedOrigins": Many(TEXT),
        "exposedHeaders": Many(TEXT),
        "maxAgeInSeconds": Number(),
    }
)
NOT_KEPT = frozenset({"accountName", "blobServicesName", "cors", "resourceGroupName"})
# What an account of the first kind, or one with a hierarchical namespace, has not.
LATER_FEATURES = ("isVersioningEnabled", "changeFeed", "restorePolicy")


class BlobServiceProperties(ResourceType):
    token: ClassVar[str] = "azure-native:storage:BlobServiceProperties"
    arm_type: ClassVar[str] = "Microsoft.Storage/storageAccounts/blobServices"
    id_format: ClassVar[str] = f"{ACCOUNT}/blobServices/{{blobServicesName}}"
    name_input: ClassVar[str] = "blobServicesName"
    shape: ClassVar[Object] = Object(
        {
            "accountName": TEXT,
            "automaticSnapshotPolicyEnabled": FLAG,
            "blobServicesName": TEXT,
            "changeFeed": Object({"enabled": FLAG, "retentionInDays": Number(1, LONGEST_FEED)}),
            "containerDeleteRetentionPolicy": _RETENTION,
            "cors": Object({"corsRules": Many(_RULE)}),
            "defaultServiceVersion": Text(
                pattern=r"\d{4}-\d\d-\d\d", rule="a version like 2021-12-02"
            ),
            "deleteRetentionPolicy": _RETENTION,
            "isVersioningEnabled": FLAG,
            "lastAccessTimeTrackingPolicy": Object(
                {
                    "blobType": Many(Text(("blockBlob",))),
                    "enable": FLAG,
                    "name": Text(("AccessTimeTracking",)),
                    "trackingGranularityInDays": Number(1, 1),
                },
                required=("enable",),
            ),
            "resourceGroupName": TEXT,
            "restorePolicy": Object(
                {"days": Number(1, LONGEST_RETENTION), "enabled": FLAG}, required=("enabled",)
            ),
        },
        required=("accountName", "resourceGroupName"),
    )
    invalid: ClassVar[str] = "InvalidValuesForRequestParameters"
    deleted_by_writing: ClassVar[bool] = True
    replaced_by: ClassVar[tuple[str, ...]] = (
        "accountName",
        "resourceGroupName",
        "blobServicesName",
    )
    computed: ClassVar[tuple[str, ...]] = ("name", "type", "sku")

    def create(self, inputs: Props) -> Live:
        # Every account has one from its birth, so creating it is setting it.
        return self._put(inputs["resourceGroupName"], inputs["accountName"], inputs)

    def read(self, resource_id: str) -> Live | None:
        name = id_part(resource_id, "storageAccounts")
        account = self.control_plane.account(name)
        if account is None:
            return None
        outputs: Props = {
            "name": "default",
            "type": self.arm_type,
            "sku": account["properties"]["sku"],
            **account.get("blobService", {}),
            "cors": {"corsRules": self.control_plane.blobs(name).cors()},
        }
        return Live(f"{account_id(account['group'], name)}/blobServices/default", outputs)

    def details(self, group: str, name: str) -> Props:
        """getBlobServiceProperties: the outputs, and the id."""
        account = self.control_plane.account(name)
        live = self.read(account_id(group, name))
        if account is None or account["group"].lower() != group.lower() or live is None:
            raise account_not_found(group, name)
        return {**live.outputs, "id": live.id}

    def update(self, resource_id: str, inputs: Props) -> Live:
        group = id_part(resource_id, "resourceGroups")
        return self._put(group, id_part(resource_id, "storageAccounts"), inputs)

    def delete(self, resource_id: str) -> None:
        """The singleton cannot be deleted: azure-native puts an empty one."""
        name = id_part(resource_id, "storageAccounts")
        if self.control_plane.account(name) is not None:
            self._put(id_part(resource_id, "resourceGroups"), name, {"blobServicesName": "default"})

    def _put(self, group: str, name: str, inputs: Props) -> Live:
        account = self.control_plane.account(name)
        if account is None or account["group"].lower() != group.lower():
            raise account_not_found(group, name)
        if inputs["blobServicesName"] != "default":
            raise ArmError(
                400,
                "InvalidResourceName",
                f"The blob service's name is 'default', not '{inputs['blobServicesName']}'.",
            )
        rules = (inputs.get("cors") or {}).get("corsRules") or []
        _validate(rules)
        self.refuse_faults(inputs)
        _validate_protection(account, inputs)
        self.control_plane.blobs(name).set_cors(rules)
        with self.control_plane.change() as content:
            content["accounts"][name]["blobService"] = {
                key: inputs[key]
                for key in self.shape.fields
                if inputs.get(key) is not None and key not in NOT_KEPT
            }
        live = self.read(account_id(group, name))
        if live is None:
            raise account_not_found(group, name)
        return live


def _validate_protection(account: Record, inputs: Props) -> None:
    """Soft delete, versions and restore stand on each other, and on the account's kind."""
    for key in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        policy = inputs.get(key) or {}
        if policy.get("enabled") and policy.get("days") is None:
            raise _invalid(f"properties.{key}.days is missing: 1 to {LONGEST_RETENTION}")
    kept = inputs.get("deleteRetentionPolicy") or {}
    restore = inputs.get("restorePolicy") or {}
    hierarchical = account["properties"].get("isHnsEnabled")
    for key in LATER_FEATURES:
        asked = inputs.get(key)
        if not (asked.get("enabled") if isinstance(asked, dict) else asked):
            continue
        if account["properties"]["kind"] == "Storage":
            raise ArmError(
                400,
                "OperationNotAllowedOnKind",
                f"The operation is not permitted for kind 'Storage': '{key}'.",
            )
        if hierarchical and key != "changeFeed":
            raise ArmError(
                409,
                "FeatureNotSupportedForAccount",
                f"'{key}' is not supported for the account: its namespace is hierarchical.",
            )
    if not restore.get("enabled"):
        return
    if restore.get("days") is None:
        raise _invalid("properties.restorePolicy.days is missing")
    for needed, is_on in (
        ("isVersioningEnabled", inputs.get("isVersioningEnabled")),
        ("changeFeed.enabled", (inputs.get("changeFeed") or {}).get("enabled")),
        ("deleteRetentionPolicy.enabled", kept.get("enabled")),
    ):
        if not is_on:
            raise _invalid(f"properties.restorePolicy.enabled: it needs {needed} to be true")
    if restore["days"] >= kept["days"]:
        raise _invalid(
            f"properties.restorePolicy.days is invalid: {restore['days']}. It should be greater "
            "than zero and less than properties.deleteRetentionPolicy.days"
        )


def _invalid(detail: str) -> ArmError:
    return ArmError(400, "InvalidValuesForRequestParameters", f"Values for {detail}.")


def _validate(rules: list[Props]) -> None:
    if len(rules) > MOST_CORS_RULES:
        raise ArmError(
            400,
            "InvalidXmlDocument",
            f"XML specified is not syntactically valid: {len(rules)} CORS rules, "
            f"a service holds at most {MOST_CORS_RULES}.",
        )
    for number, rule in enumerate(rules):
        for field in CORS_FIELDS:
            if rule.get(field) is None:
                raise ArmError(
                    400, "InvalidXmlNodeValue", f"CORS rule {number}: '{field}' is missing."
                )
        wrong = sorted(set(rule["allowedMethods"]) - CORS_METHODS)
        if wrong or not rule["allowedMethods"] or not rule["allowedOrigins"]:
            raise ArmError(
                400,
                "InvalidXmlNodeValue",
                f"CORS rule {number}: needs an origin, and methods out of "
                f"{', '.join(sorted(CORS_METHODS))}; {', '.join(wrong) or 'none'} given.",
            )
