"""azure-native:storage:BlobServiceProperties: an account's one blob service, its CORS rules."""

from __future__ import annotations

from typing import ClassVar

from localazure.errors import AzureError
from localazure.provider.arm import account_id, id_part
from localazure.provider.kinds import Kind, Live
from localazure.provider.storage_account import account_not_found
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


class BlobServiceProperties(Kind):
    token: ClassVar[str] = "azure-native:storage:BlobServiceProperties"
    arm_type: ClassVar[str] = "Microsoft.Storage/storageAccounts/blobServices"
    name_input: ClassVar[str] = "blobServicesName"
    required: ClassVar[tuple[str, ...]] = ("accountName", "resourceGroupName")
    optional: ClassVar[tuple[str, ...]] = (
        "automaticSnapshotPolicyEnabled",
        "changeFeed",
        "containerDeleteRetentionPolicy",
        "cors",
        "defaultServiceVersion",
        "deleteRetentionPolicy",
        "isVersioningEnabled",
        "lastAccessTimeTrackingPolicy",
        "restorePolicy",
    )
    replaced_by: ClassVar[tuple[str, ...]] = (
        "accountName",
        "resourceGroupName",
        "blobServicesName",
    )
    computed: ClassVar[tuple[str, ...]] = ("name", "type", "sku")

    def resource_id(self, inputs: Props) -> str:
        return (
            f"{account_id(inputs['resourceGroupName'], inputs['accountName'])}/blobServices/default"
        )

    def create(self, inputs: Props) -> Live:
        # Every account has one from its birth, so creating it is setting it.
        return self._put(inputs["resourceGroupName"], inputs["accountName"], inputs)

    def read(self, resource_id: str) -> Live | None:
        name = id_part(resource_id, "storageAccounts")
        account = self.cloud.account(name)
        if account is None:
            return None
        outputs: Props = {
            "name": "default",
            "type": self.arm_type,
            "sku": account["properties"]["sku"],
            **account.get("blobService", {}),
            "cors": {"corsRules": self.cloud.blobs(name).cors()},
        }
        return Live(f"{account_id(account['group'], name)}/blobServices/default", outputs)

    def update(self, resource_id: str, inputs: Props) -> Live:
        group, name = (
            id_part(resource_id, "resourceGroups"),
            id_part(resource_id, "storageAccounts"),
        )
        return self._put(group, name, inputs)

    def delete(self, resource_id: str) -> None:
        """The singleton cannot be deleted: azure-native puts an empty one."""
        name = id_part(resource_id, "storageAccounts")
        if self.cloud.account(name) is not None:
            self._put(id_part(resource_id, "resourceGroups"), name, {"blobServicesName": "default"})

    def _put(self, group: str, name: str, inputs: Props) -> Live:
        account = self.cloud.account(name)
        if account is None or account["group"].lower() != group.lower():
            raise account_not_found(group, name)
        if inputs["blobServicesName"] != "default":
            raise AzureError(
                400,
                "InvalidResourceName",
                f"The blob service's name is 'default', not '{inputs['blobServicesName']}'.",
            )
        rules = (inputs.get("cors") or {}).get("corsRules") or []
        _validate(rules)
        self.cloud.blobs(name).set_cors(rules)
        with self.cloud.change() as content:
            content["accounts"][name]["blobService"] = {
                key: inputs[key]
                for key in self.optional
                if inputs.get(key) is not None and key != "cors"
            }
        live = self.read(account_id(group, name))
        if live is None:
            raise account_not_found(group, name)
        return live


def _validate(rules: list[Props]) -> None:
    if len(rules) > MOST_CORS_RULES:
        raise AzureError(
            400,
            "InvalidXmlDocument",
            f"XML specified is not syntactically valid: {len(rules)} CORS rules, "
            f"a service holds at most {MOST_CORS_RULES}.",
        )
    for number, rule in enumerate(rules):
        for field in CORS_FIELDS:
            if rule.get(field) is None:
                raise AzureError(
                    400, "InvalidXmlNodeValue", f"CORS rule {number}: '{field}' is missing."
                )
        wrong = sorted(set(rule["allowedMethods"]) - CORS_METHODS)
        if wrong or not rule["allowedMethods"] or not rule["allowedOrigins"]:
            raise AzureError(
                400,
                "InvalidXmlNodeValue",
                f"CORS rule {number}: needs an origin, and methods out of "
                f"{', '.join(sorted(CORS_METHODS))}; {', '.join(wrong) or 'none'} given.",
            )
