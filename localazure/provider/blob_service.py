"""azure-native:storage:BlobServiceProperties: an account's one blob service, its CORS rules."""

from __future__ import annotations

from collections.abc import Iterator
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
MOST_ORIGINS, MOST_HEADERS, MOST_HEADER_PREFIXES, LONGEST_ENTRY = 64, 64, 2, 256
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
        names = self.names(resource_id)
        name, account = names["accountName"], account_of(self.control_plane, resource_id)
        if names["blobServicesName"] != "default":
            raise ArmError(
                400,
                "InvalidResourceName",
                f"The blob service's name is 'default', not '{names['blobServicesName']}'.",
            )
        rules = (inputs.get("cors") or {}).get("corsRules") or []
        _validate_cors(account, rules)
        self.refuse_values(inputs)
        _validate_protection(account, inputs)
        self.control_plane.blobs(name).set_cors(rules)
        with self.control_plane.change() as content:
            content["accounts"][name]["blobService"] = {
                key: inputs[key]
                for key in self.properties.inputs
                if inputs.get(key) is not None and key not in NOT_STORED
            }
        return self.existing(resource_id)


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
            raise ArmError(
                400,
                "OperationNotAllowedOnKind",
                f"The operation is not permitted for kind 'Storage': '{key}'.",
            )
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


def _validate_cors(account: Record, rules: list[Props]) -> None:
    """The rules of "CORS support for Azure Storage", understanding and limits."""
    properties = account["properties"]
    if rules and properties["kind"] == "StorageV2" and "Premium" in properties["sku"]["name"]:
        raise _unsupported("'cors': it is a premium general-purpose account")
    if len(rules) > MOST_CORS_RULES:
        raise _invalid_document(
            f"{len(rules)} CORS rules, a service holds at most {MOST_CORS_RULES}"
        )
    for number, rule in enumerate(rules):
        for reason in _cors_faults(rule):
            raise ArmError(400, "InvalidXmlNodeValue", f"CORS rule {number}: {reason}.")
    size = sum(len(_cors_text(rule[field])) for rule in rules for field in CORS_FIELDS)
    if size > MOST_CORS_BYTES:
        raise _invalid_document(
            f"{size} bytes of CORS rules, at most {MOST_CORS_BYTES} are allowed"
        )


def _cors_faults(rule: Props) -> Iterator[str]:
    for field in CORS_FIELDS:
        if rule.get(field) is None:
            yield f"'{field}' is missing"
            return
    wrong = sorted(set(rule["allowedMethods"]) - CORS_METHODS)
    if wrong or not rule["allowedMethods"] or not rule["allowedOrigins"]:
        yield (
            f"needs an origin, and methods out of {', '.join(sorted(CORS_METHODS))}; "
            f"{', '.join(wrong) or 'none'} given"
        )
    if len(rule["allowedOrigins"]) > MOST_ORIGINS:
        count = len(rule["allowedOrigins"])
        yield f"'allowedOrigins' has {count} origins, at most {MOST_ORIGINS} are allowed"
    for field in ("allowedHeaders", "exposedHeaders"):
        prefixes = [header for header in rule[field] if header.endswith("*") and header != "*"]
        if len(prefixes) > MOST_HEADER_PREFIXES:
            most = f"at most {MOST_HEADER_PREFIXES} are allowed"
            yield f"'{field}' has {len(prefixes)} prefixes, {most}"
        literal = len(rule[field]) - len(prefixes)
        if literal > MOST_HEADERS:
            yield f"'{field}' has {literal} headers, at most {MOST_HEADERS} are allowed"
    for field in ("allowedOrigins", "allowedHeaders", "exposedHeaders"):
        for entry in rule[field]:
            if len(entry) > LONGEST_ENTRY:
                start = entry[:40]
                yield f"'{field}': '{start}…' is longer than {LONGEST_ENTRY} characters"


def _cors_text(value: list[str] | int) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _invalid_document(detail: str) -> ArmError:
    message = f"XML specified is not syntactically valid: {detail}."
    return ArmError(400, "InvalidXmlDocument", message)
