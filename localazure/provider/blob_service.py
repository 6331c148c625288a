"""azure-native:storage:BlobServiceProperties: an account's one blob service, its CORS rules."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import Record
from localazure.errors import ArmError
from localazure.provider.arm import account_id, id_part
from localazure.provider.properties import Limit, Limits
from localazure.provider.resource import Live, ResourceType, value_at
from localazure.provider.storage_account import ACCOUNT, account_of
from localazure.values import Props

# "Cross-Origin Resource Sharing (CORS) support for Azure Storage".
MOST_CORS_RULES, MOST_CORS_BYTES = 5, 2048
MOST_ORIGINS, MOST_HEADERS, MOST_HEADER_PREFIXES = 64, 64, 2
_CORS = "cors.corsRules[]"
CORS_FIELDS = (
    "allowedHeaders",
    "allowedMethods",
    "allowedOrigins",
    "exposedHeaders",
    "maxAgeInSeconds",
)
_CORS_FIELDS = tuple(f"{_CORS}.{field}" for field in CORS_FIELDS)
_CORS_CODE = "InvalidXmlNodeValue"
_ENTRY = Limit(pattern=r"(?s).{1,256}", rule="1 to 256 characters", code=_CORS_CODE)
# The longest retention of deleted data and of the change feed, in days.
LONGEST_RETENTION, LONGEST_FEED = 365, 146000
_RETENTION = Limit(low=1, high=LONGEST_RETENTION)
NOT_STORED = frozenset({"accountName", "blobServicesName", "cors", "resourceGroupName"})
# Features that general-purpose v1 accounts and hierarchical namespaces lack.
LATER_FEATURES = ("isVersioningEnabled", "changeFeed", "restorePolicy")


class BlobServiceProperties(ResourceType):
    token = "azure-native:storage:BlobServiceProperties"
    id_format = f"{ACCOUNT}/blobServices/{{blobServicesName}}"
    limits: ClassVar[Limits] = {
        "blobServicesName": Limit(values=("default",), code="InvalidResourceName"),
        **dict.fromkeys(_CORS_FIELDS, Limit(code=_CORS_CODE)),
        f"{_CORS}.allowedHeaders[]": _ENTRY,
        f"{_CORS}.allowedMethods": Limit(least=1, code=_CORS_CODE),
        f"{_CORS}.allowedMethods[]": Limit(code=_CORS_CODE),
        f"{_CORS}.allowedOrigins": Limit(least=1, most=MOST_ORIGINS, code=_CORS_CODE),
        f"{_CORS}.allowedOrigins[]": _ENTRY,
        f"{_CORS}.exposedHeaders[]": _ENTRY,
        "changeFeed.retentionInDays": Limit(low=1, high=LONGEST_FEED),
        "containerDeleteRetentionPolicy.days": _RETENTION,
        "defaultServiceVersion": Limit(
            pattern=r"\d{4}-\d\d-\d\d", rule="a version like 2021-12-02"
        ),
        "deleteRetentionPolicy.days": _RETENTION,
        "lastAccessTimeTrackingPolicy.blobType[]": Limit(values=("blockBlob",)),
        "lastAccessTimeTrackingPolicy.name": Limit(values=("AccessTimeTracking",)),
        "lastAccessTimeTrackingPolicy.trackingGranularityInDays": Limit(low=1, high=1),
        "restorePolicy.days": _RETENTION,
    }
    needed = _CORS_FIELDS
    invalid = "InvalidValuesForRequestParameters"
    deleted_by_writing = True

    def create(self, inputs: Props) -> Live:
        # Every account has one, so creating it is setting its properties.
        return self.update(self.resource_id(inputs), inputs)

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

    def delete(self, resource_id: str) -> None:
        """Write empty properties, as azure-native does: the singleton cannot be deleted."""
        if self.control_plane.account(id_part(resource_id, "storageAccounts")) is not None:
            self.update(resource_id, {})

    def update(self, resource_id: str, inputs: Props) -> Live:
        inputs = {**self.names(resource_id), **inputs}
        name, account = inputs["accountName"], account_of(self.control_plane, resource_id)
        rules = (inputs.get("cors") or {}).get("corsRules") or []
        self.refuse_values(inputs)
        self._refuse_cors(account, rules)
        _validate_protection(account, inputs)
        self.control_plane.blobs(name).set_cors(rules)
        with self.control_plane.change() as content:
            content["accounts"][name]["blobService"] = {
                key: inputs[key]
                for key in self.properties.inputs
                if inputs.get(key) is not None and key not in NOT_STORED
            }
        return self.existing(resource_id)

    def _refuse_cors(self, account: Record, rules: list[Props]) -> None:
        properties = account["properties"]
        if rules and properties["kind"] == "StorageV2" and "Premium" in properties["sku"]["name"]:
            raise _unsupported("'cors': it is a premium general-purpose account")
        if len(rules) > MOST_CORS_RULES:
            raise self._invalid_document(f"{len(rules)} CORS rules", MOST_CORS_RULES)
        for number, rule in enumerate(rules):
            for field in ("allowedHeaders", "exposedHeaders"):
                prefixes = len([name for name in rule[field] if name.endswith("*") and name != "*"])
                literal = len(rule[field]) - prefixes
                if prefixes > MOST_HEADER_PREFIXES or literal > MOST_HEADERS:
                    raise self.bad_request(
                        f"'cors.corsRules[{number}].{field}' has {literal} headers and {prefixes} "
                        f"prefixes: at most {MOST_HEADERS} and {MOST_HEADER_PREFIXES} are allowed",
                        _CORS_CODE,
                    )
        values = [rule[field] for rule in rules for field in CORS_FIELDS]
        size = sum(len(",".join(v) if isinstance(v, list) else str(v)) for v in values)
        if size > MOST_CORS_BYTES:
            raise self._invalid_document(f"{size} bytes of CORS rules", MOST_CORS_BYTES)

    def _invalid_document(self, what: str, most: int) -> ArmError:
        message = f"XML specified is not syntactically valid: {what}, at most {most} are allowed."
        return self.bad_request(message, "InvalidXmlDocument")


def _validate_protection(account: Record, inputs: Props) -> None:
    """Soft delete, versions and restore depend on each other, and on the account's kind."""
    for key in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        policy = inputs.get(key) or {}
        if policy.get("enabled") and policy.get("days") is None:
            raise _invalid(f"properties.{key}.days is missing: 1 to {LONGEST_RETENTION}")
    properties = account["properties"]
    for key in LATER_FEATURES:
        asked = inputs.get(key)
        if not (asked.get("enabled") if isinstance(asked, dict) else asked):
            continue
        if properties["kind"] == "Storage":
            message = f"The operation is not permitted for kind 'Storage': '{key}'."
            raise ArmError(400, "OperationNotAllowedOnKind", message)
        if properties.get("isHnsEnabled") and key != "changeFeed":
            raise _unsupported(f"'{key}': its namespace is hierarchical")
        if key == "restorePolicy" and not properties["sku"]["name"].startswith("Standard"):
            # "Point-in-time restore for block blobs", prerequisites.
            raise _unsupported("'restorePolicy': it is a premium account")
    if inputs.get("isVersioningEnabled") is False and _has_immutable_versions(account):
        raise _unsupported("'isVersioningEnabled' false: it has immutable storage with versioning")
    _validate_restore(inputs)


def _validate_restore(inputs: Props) -> None:
    restore, deleted = inputs.get("restorePolicy") or {}, inputs.get("deleteRetentionPolicy") or {}
    if not restore.get("enabled"):
        return
    if restore.get("days") is None:
        raise _invalid("properties.restorePolicy.days is missing")
    for needed, is_on in (
        ("isVersioningEnabled", inputs.get("isVersioningEnabled")),
        ("changeFeed.enabled", (inputs.get("changeFeed") or {}).get("enabled")),
        ("deleteRetentionPolicy.enabled", deleted.get("enabled")),
    ):
        if not is_on:
            raise _invalid(f"properties.restorePolicy.enabled: it needs {needed} to be true")
    if restore["days"] >= deleted["days"]:
        raise _invalid(
            f"properties.restorePolicy.days is invalid: {restore['days']}. It should be greater "
            "than zero and less than properties.deleteRetentionPolicy.days"
        )


def _has_immutable_versions(account: Record) -> bool:
    declared = [account["properties"], *account.get("containerSettings", {}).values()]
    return any(value_at(props, "immutableStorageWithVersioning.enabled") for props in declared)


def _invalid(detail: str) -> ArmError:
    return ArmError(400, "InvalidValuesForRequestParameters", f"Values for {detail}.")


def _unsupported(detail: str) -> ArmError:
    message = f"The feature is not supported for the account, {detail}."
    return ArmError(409, "FeatureNotSupportedForAccount", message)
