"""What Azure refuses in a storage account (Microsoft.Storage 2024-01-01, StorageAccounts).

Sources of codes and messages that Azure's documentation does not give are named where they are used
as `owner/repository#issue`.
"""

from __future__ import annotations

import ipaddress

from localazure.errors import ArmError
from localazure.provider.arm import check_reference, refuse_identity
from localazure.provider.properties import Limit
from localazure.provider.regions import WITH_PAIR, WITH_ZONES, check_region, region
from localazure.provider.resource import value_at
from localazure.values import Props

MOST_TAGS, MOST_NETWORK_RULES = 50, 400
_NETWORK_RULES = Limit(most=MOST_NETWORK_RULES)
LIMITS = {
    "accountName": Limit(
        pattern=r"[a-z0-9]{3,24}",
        rule="Storage account name must be between 3 and 24 characters in length and use numbers "
        "and lower-case letters only",
        code="AccountNameInvalid",
    ),
    "keyPolicy.keyExpirationPeriodInDays": Limit(low=1),
    "networkRuleSet.bypass": Limit(combined=True),
    "networkRuleSet.ipRules": _NETWORK_RULES,
    "networkRuleSet.virtualNetworkRules": _NETWORK_RULES,
    "sasPolicy.sasExpirationPeriod": Limit(
        # Days, hours, minutes, seconds.
        pattern=r"\d{1,8}\.([01]\d|2[0-3]):[0-5]\d:[0-5]\d",
        rule="a period like 1.12:05:06",
    ),
}
NEEDED = ("networkRuleSet.defaultAction", "sasPolicy.expirationAction")
# azure-native makes a new account for these.
IMMUTABLE = (
    "isHnsEnabled",
    "enableNfsV3",
    "extendedLocation",
    "encryption.requireInfrastructureEncryption",
    "immutableStorageWithVersioning.enabled",
)
# azure-native sends these, and Azure refuses the change. Each with its default: "Storage account
# overview" on endpoints, and the API's reference on keyType and largeFileSharesState.
_FIXED = {
    "dnsEndpointType": "Standard",
    "encryption.services.queue.keyType": "Service",
    "encryption.services.table.keyType": "Service",
}
# The kinds that a kind can be upgraded to ("Upgrade to a general-purpose v2 account").
_UPGRADES = {"Storage": {"StorageV2"}, "BlobStorage": {"StorageV2"}}
# "About the retirement of general-purpose v1 storage accounts", and of legacy blob storage ones:
# since September 2026 none is created. The code is from redhat-cop/agnosticd#9931.
_RETIRED = {"Storage", "BlobStorage"}
# "Azure Storage redundancy", supported storage account types. Accounts for page blobs (StorageV2,
# Premium_LRS) have zones in a few regions that the documentation does not list, so they have none
# here (MicrosoftDocs/azure-docs#115673).
_STANDARD = {"Standard_LRS", "Standard_GRS", "Standard_RAGRS"}
_STANDARD_ZONES = {"Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS"}
_PREMIUM = {"Premium_LRS", "Premium_ZRS"}
_SKUS = {
    "Storage": _STANDARD | {"Premium_LRS"},
    "StorageV2": _STANDARD | _STANDARD_ZONES | _PREMIUM,
    "BlobStorage": _STANDARD,
    "BlockBlobStorage": _PREMIUM,
    "FileStorage": _PREMIUM
    | {f"StandardV2_{name}" for name in ("LRS", "GRS", "ZRS", "GZRS")}
    | {"PremiumV2_LRS", "PremiumV2_ZRS"},
}


SUBNET = "Microsoft.Network/virtualNetworks/subnets"
# "Grant access from an internet IP range": no private addresses, no ranges of one or two.
PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
LONGEST_PREFIX = 30


def refuse(inputs: Props, location: str, before: Props | None) -> None:
    """Raise Azure's refusal of an account; `before` are the properties so far, None for a new one.

    `inputs` are within LIMITS.
    """
    check_region(location)
    _refuse_tls(inputs, before)
    _refuse_kind(inputs)
    _refuse_features(inputs)
    _refuse_encryption(inputs)
    refuse_identity(inputs.get("identity") or {})
    _refuse_network_rules(inputs.get("networkRuleSet") or {})
    if len(inputs.get("tags") or {}) > MOST_TAGS:
        raise _invalid(f"'tags' has {len(inputs['tags'])} items: at most {MOST_TAGS} are allowed")
    if before is None and inputs["kind"] in _RETIRED:
        raise ArmError(
            400,
            "AccountKindNotSupported",
            f"Storage accounts of kind '{inputs['kind']}' are retired, and no new ones can be "
            "created. Use the kind 'StorageV2'.",
        )
    _refuse_redundancy(inputs["sku"]["name"], inputs["kind"], location)


def refuse_change(before: Props, inputs: Props) -> None:
    """Raise Azure's refusal of a change that an account cannot make."""
    for path in (*IMMUTABLE, *_FIXED):
        wanted, default = value_at(inputs, path), _FIXED.get(path)
        # A switch that is off and one that was never set are the same.
        if wanted is not None and (wanted or default) != (value_at(before, path) or default):
            raise ArmError(
                400,
                "AccountPropertyCannotBeUpdated",
                f"The property '{path.rpartition('.')[2]}' was specified in the input, but it "
                "cannot be updated as it is read-only.",
            )
    old, new = before["kind"], inputs["kind"]
    if new != old and new not in _UPGRADES.get(old, set()):
        raise _invalid(f"'kind' cannot be changed from '{old}' to '{new}'")
    old_sku, new_sku = before["sku"]["name"], inputs["sku"]["name"]
    if ("ZRS" in old_sku) != ("ZRS" in new_sku):
        # "Change how a storage account is replicated": only a conversion adds or removes zones. The
        # message is from MicrosoftDocs/azure-docs#47207 and #96815.
        raise _invalid("sku")
    if old_sku.split("_")[0] != new_sku.split("_")[0]:
        raise _invalid(
            f"'sku.name' cannot be changed from '{old_sku}' to '{new_sku}': an account keeps its "
            "performance tier"
        )


def _refuse_tls(inputs: Props, before: Props | None) -> None:
    """ "Migrate to TLS 1.2": 1.0 and 1.1 are retired since February 2026, and 1.3 cannot be the
    minimum. An account from before keeps what it has until that is changed."""
    asked = inputs.get("minimumTlsVersion")
    current = "TLS1_2" if before is None else before.get("minimumTlsVersion", "TLS1_0")
    if asked not in (None, "TLS1_2", current):
        raise _invalid(f"'minimumTlsVersion' cannot be '{asked}': one of TLS1_2")


def _refuse_kind(inputs: Props) -> None:
    kind, sku, tier = inputs["kind"], inputs["sku"]["name"], inputs.get("accessTier")
    if sku not in _SKUS[kind]:
        raise _invalid(f"'sku.name' cannot be '{sku}' for an account of kind '{kind}'")
    if kind == "BlobStorage" and tier is None:
        raise _invalid("'accessTier' is missing: an account of kind BlobStorage needs one")
    if tier == "Premium" and kind != "BlockBlobStorage":
        raise _invalid(f"'accessTier' cannot be 'Premium' for kind '{kind}'")
    if tier not in (None, "Premium") and kind in ("BlockBlobStorage", "Storage"):
        # Azure/bicep-registry-modules#1012
        raise _not_allowed(f"Account property {tier} is invalid for the request.")


def _refuse_features(inputs: Props) -> None:
    """Features that need others, or a kind.

    "Known issues" of NFS 3.0 and of SFTP support; "Version-level WORM policies for immutable blob
    data", availability. Messages: Azure/azure-cli#24479 and #25748.
    """
    kind, hierarchical = inputs["kind"], bool(inputs.get("isHnsEnabled"))
    nfs, sftp = bool(inputs.get("enableNfsV3")), bool(inputs.get("isSftpEnabled"))
    standard = kind == "StorageV2" and inputs["sku"]["name"].startswith("Standard_")
    refused = {
        "isHnsEnabled": hierarchical and not (standard or kind == "BlockBlobStorage"),
        "isNfsv3Enabled": nfs and not hierarchical,
        "isSftpEnabled": sftp and (nfs or not hierarchical),
    }
    for name, is_refused in refused.items():
        if is_refused:
            raise _not_allowed(f"The value 'True' is not allowed for property {name}.")
    immutable = value_at(inputs, "immutableStorageWithVersioning.enabled")
    if immutable and (hierarchical or kind not in ("StorageV2", "BlockBlobStorage")):
        message = "Immutable storage with versioning is not supported for the account."
        raise ArmError(409, "FeatureNotSupportedForAccount", message)


def _refuse_encryption(inputs: Props) -> None:
    """ "Customer-managed keys for Azure Storage encryption". Codes: Azure's answers in
    hashicorp/terraform-provider-azurerm#658 and #16374."""
    encryption = inputs.get("encryption") or {}
    if inputs["kind"] == "Storage" and encryption.get("requireInfrastructureEncryption"):
        message = "Infrastructure encryption is not supported for the account."
        raise ArmError(400, "FeatureNotSupportedForAccount", message)
    key, identity = encryption.get("keyVaultProperties") or {}, inputs.get("identity") or {}
    from_vault = encryption.get("keySource") == "Microsoft.Keyvault"
    if from_vault and not (key.get("keyName") and key.get("keyVaultUri")):
        message = "The encryption keyvault properties are missing from the request."
        raise ArmError(400, "MissingKeyvaultProperties", message)
    user = value_at(encryption, "encryptionIdentity.encryptionUserAssignedIdentity")
    if (user and user not in (identity.get("userAssignedIdentities") or [])) or (
        from_vault and identity.get("type", "None") == "None"
    ):
        raise _invalid("properties.encryption.identity")


def _refuse_redundancy(sku: str, kind: str, location: str) -> None:
    """Code and message: Esri/arcgis-gitops#160, Azure/Azure-Landing-Zones#2437."""
    needs_zones, needs_pair = "ZRS" in sku, "G" in sku.rpartition("_")[2]
    lacks = (
        (needs_zones and region(location) not in WITH_ZONES)
        or (needs_pair and region(location) not in WITH_PAIR)
        or (kind == "StorageV2" and sku == "Premium_ZRS")
    )
    if lacks:
        raise ArmError(
            400,
            "RedundancyConfigurationNotAvailableInRegion",
            f"The storage account failed to create due to redundancy configuration - Sku: {sku}, "
            f"Kind: {kind} - not available in selected Region - {region(location)}. Please make "
            "sure the redundancy configuration selected is available in your region.",
        )


def _not_allowed(message: str) -> ArmError:
    return ArmError(400, "InvalidRequestPropertyValue", message)


def _refuse_network_rules(rules: Props) -> None:
    bypass = [part.strip() for part in (rules.get("bypass") or "").split(",")]
    if "None" in bypass and len(bypass) > 1:
        raise _invalid(
            f"'networkRuleSet.bypass' cannot be '{rules['bypass']}': None must stand alone"
        )
    for index, rule in enumerate(rules.get("ipRules") or []):
        reason = _refused_range(rule["iPAddressOrRange"])
        if reason:
            raise _invalid(
                f"networkAcls.ipRule[*].value. '{rule['iPAddressOrRange']}' in "
                f"'networkRuleSet.ipRules[{index}]': {reason}"
            )
    for index, rule in enumerate(rules.get("virtualNetworkRules") or []):
        path = f"properties.networkAcls.virtualNetworkRules[{index}].id"
        check_reference(path, rule["virtualNetworkResourceId"], SUBNET)


def _refused_range(text: str) -> str:
    """Why an address or a range is none for the firewall; "" if it is one."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        return "an IPv4 address, or a range of them like 203.0.113.0/24, is needed"
    if "/" in text and network.prefixlen > LONGEST_PREFIX:
        return "ranges of /31 and /32 are not supported: name each address without a prefix"
    if any(network.overlaps(private) for private in PRIVATE):
        return "private addresses (RFC 1918) are not supported"
    return ""


def _invalid(detail: str) -> ArmError:
    message = f"Values for request parameters are invalid: {detail}."
    return ArmError(400, "InvalidValuesForRequestParameters", message)
