"""What a storage account may be declared as (Microsoft.Storage 2024-01-01, StorageAccounts)."""

from __future__ import annotations

import re

from localazure.errors import ArmError
from localazure.provider.account_network import invalid, refuse_network_rules
from localazure.provider.arm import check_region
from localazure.provider.resource import value_at
from localazure.provider.rules import ENABLED, FLAG, OPAQUE, TAGS, TEXT, Many, Number, Object, Text
from localazure.values import Props

NAME = re.compile(r"[a-z0-9]{3,24}")
# sasExpirationPeriod: days, hours, minutes, seconds.
PERIOD = r"\d{1,8}\.([01]\d|2[0-3]):[0-5]\d:[0-5]\d"
MOST_TAGS, MOST_NETWORK_RULES = 50, 400
# What an account cannot change any more; azure-native makes a new one.
FIXED_AT_BIRTH = (
    "location",
    "isHnsEnabled",
    "enableNfsV3",
    "extendedLocation",
    "encryption.requireInfrastructureEncryption",
    "immutableStorageWithVersioning.enabled",
)
# The kinds that may follow a kind, beside itself ("Upgrade to a general-purpose v2 account").
UPGRADES = {"Storage": {"StorageV2"}, "BlobStorage": {"StorageV2"}}
_ALLOW = Text(("Allow",))
_SERVICE = Object({"enabled": FLAG, "keyType": Text(("Account", "Service"))})

SHAPE = Object(
    {
        "accessTier": Text(("Hot", "Cool", "Premium", "Cold")),
        "accountName": TEXT,
        "allowBlobPublicAccess": FLAG,
        "allowCrossTenantReplication": FLAG,
        "allowSharedKeyAccess": FLAG,
        "allowedCopyScope": Text(("PrivateLink", "AAD")),
        "azureFilesIdentityBasedAuthentication": OPAQUE,
        "customDomain": Object({"name": TEXT, "useSubDomainName": FLAG}, required=("name",)),
        "defaultToOAuthAuthentication": FLAG,
        "dnsEndpointType": Text(("Standard", "AzureDnsZone")),
        "enableExtendedGroups": FLAG,
        "enableHttpsTrafficOnly": FLAG,
        "enableNfsV3": FLAG,
        "encryption": Object(
            {
                "encryptionIdentity": OPAQUE,
                "keySource": Text(("Microsoft.Storage", "Microsoft.Keyvault")),
                "keyVaultProperties": Object(
                    {"keyName": TEXT, "keyVaultUri": TEXT, "keyVersion": TEXT}
                ),
                "requireInfrastructureEncryption": FLAG,
                "services": Object(dict.fromkeys(("blob", "file", "queue", "table"), _SERVICE)),
            }
        ),
        "extendedLocation": Object({"name": TEXT, "type": Text(("EdgeZone",))}),
        "identity": Object(
            {
                "type": Text(
                    ("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")
                ),
                "userAssignedIdentities": OPAQUE,
            },
            required=("type",),
        ),
        "immutableStorageWithVersioning": OPAQUE,
        "isHnsEnabled": FLAG,
        "isLocalUserEnabled": FLAG,
        "isSftpEnabled": FLAG,
        "keyPolicy": Object(
            {"keyExpirationPeriodInDays": Number(1)}, required=("keyExpirationPeriodInDays",)
        ),
        "kind": Text(("Storage", "StorageV2", "BlobStorage", "FileStorage", "BlockBlobStorage")),
        "largeFileSharesState": ENABLED,
        "location": TEXT,
        # The SDK offers TLS1_3 as well: "Minimum TLS version 1.3 version is not supported."
        "minimumTlsVersion": Text(("TLS1_0", "TLS1_1", "TLS1_2")),
        "networkRuleSet": Object(
            {
                "bypass": Text(("None", "Logging", "Metrics", "AzureServices"), combined=True),
                "defaultAction": Text(("Allow", "Deny")),
                "ipRules": Many(
                    Object(
                        {"action": _ALLOW, "iPAddressOrRange": TEXT}, required=("iPAddressOrRange",)
                    ),
                    most=MOST_NETWORK_RULES,
                ),
                "resourceAccessRules": Many(Object({"resourceId": TEXT, "tenantId": TEXT})),
                "virtualNetworkRules": Many(
                    Object(
                        {"action": _ALLOW, "state": TEXT, "virtualNetworkResourceId": TEXT},
                        required=("virtualNetworkResourceId",),
                    ),
                    most=MOST_NETWORK_RULES,
                ),
            },
            needed=("defaultAction",),
        ),
        "publicNetworkAccess": Text(("Enabled", "Disabled", "SecuredByPerimeter")),
        "resourceGroupName": TEXT,
        "routingPreference": Object(
            {
                "publishInternetEndpoints": FLAG,
                "publishMicrosoftEndpoints": FLAG,
                "routingChoice": Text(("MicrosoftRouting", "InternetRouting")),
            }
        ),
        "sasPolicy": Object(
            {
                "expirationAction": Text(("Log", "Block")),
                "sasExpirationPeriod": Text(pattern=PERIOD, rule="a period like 1.12:05:06"),
            },
            required=("sasExpirationPeriod",),
            needed=("expirationAction",),
        ),
        "sku": Object(
            {
                "name": Text(
                    (
                        "Standard_LRS",
                        "Standard_GRS",
                        "Standard_RAGRS",
                        "Standard_ZRS",
                        "Standard_GZRS",
                        "Standard_RAGZRS",
                        "Premium_LRS",
                        "Premium_ZRS",
                        "StandardV2_LRS",
                        "StandardV2_GRS",
                        "StandardV2_ZRS",
                        "StandardV2_GZRS",
                        "PremiumV2_LRS",
                        "PremiumV2_ZRS",
                    )
                )
            },
            required=("name",),
        ),
        "tags": TAGS,
    },
    required=("resourceGroupName", "sku", "kind"),
)


def refuse(inputs: Props) -> None:
    """Raise Azure's refusal of an account that cannot be."""
    name = inputs["accountName"]
    if not NAME.fullmatch(name):
        raise ArmError(
            400,
            "AccountNameInvalid",
            f"{name} is not a valid storage account name. Storage account name must be between 3 "
            "and 24 characters in length and use numbers and lower-case letters only.",
        )
    faults = list(SHAPE.faults("", inputs))
    if faults:
        raise invalid("; ".join(fault.text for fault in faults))
    if inputs.get("location") is not None:
        check_region(inputs["location"])
    _refuse_sku(inputs["sku"]["name"], inputs["kind"])
    if inputs["kind"] == "Storage" and value_at(
        inputs, "encryption.requireInfrastructureEncryption"
    ):
        raise ArmError(
            400,
            "FeatureNotSupportedForAccount",
            "Infrastructure encryption is not supported for the account.",
        )
    if inputs["kind"] == "BlobStorage" and inputs.get("accessTier") is None:
        raise invalid("'accessTier' is missing: an account of kind BlobStorage needs one")
    if (inputs.get("accessTier") == "Premium") and inputs["kind"] != "BlockBlobStorage":
        raise invalid(f"'accessTier' cannot be 'Premium' for kind '{inputs['kind']}'")
    refuse_network_rules(inputs.get("networkRuleSet") or {})
    if len(inputs.get("tags") or {}) > MOST_TAGS:
        raise invalid(f"'tags' has {len(inputs['tags'])} items: at most {MOST_TAGS} are allowed")


def refuse_change(before: Props, inputs: Props) -> None:
    """Raise Azure's refusal of a change that an account does not survive."""
    for path in FIXED_AT_BIRTH[1:]:
        wanted = value_at(inputs, path)
        if wanted is not None and (wanted or None) != (value_at(before, path) or None):
            raise ArmError(
                400,
                "AccountPropertyCannotBeUpdated",
                f"The property '{path.rpartition('.')[2]}' was specified in the input, but it "
                "cannot be updated as it is read-only.",
            )
    old, new = before["kind"], inputs["kind"]
    if new != old and new not in UPGRADES.get(old, set()):
        raise invalid(f"'kind' cannot be changed from '{old}' to '{new}'")
    if ("ZRS" in before["sku"]["name"]) != ("ZRS" in inputs["sku"]["name"]):
        # "Change how a storage account is replicated": zones come and go by a conversion only. The
        # message is the service's own (MicrosoftDocs/azure-docs#47207 and #96815).
        raise ArmError(
            400,
            "InvalidValuesForRequestParameters",
            "Values for request parameters are invalid: sku.",
        )
    if _premium(before["sku"]["name"]) != _premium(inputs["sku"]["name"]):
        raise invalid(
            f"'sku.name' cannot be changed from '{before['sku']['name']}' to "
            f"'{inputs['sku']['name']}': between Standard and Premium there is no way"
        )


def _refuse_sku(sku: str, kind: str) -> None:
    premium_only = kind in ("BlockBlobStorage", "FileStorage") and "V2" not in sku
    wrong = (
        (premium_only and not _premium(sku))
        or (kind == "BlobStorage" and (_premium(sku) or "ZRS" in sku))
        or (kind == "Storage" and "ZRS" in sku)
        or ("V2_" in sku and kind != "FileStorage")
    )
    if wrong:
        raise invalid(f"'sku.name' cannot be '{sku}' for an account of kind '{kind}'")


def _premium(sku: str) -> bool:
    return sku.startswith("Premium")
