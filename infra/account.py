"""The storage account's own arguments: hardening, keys, encryption and the firewall."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import storage

from .config import DjangoBlobStorageArgs


def account_args(
    config: DjangoBlobStorageArgs, group: pulumi.Input[str], tags: Mapping[str, pulumi.Input[str]]
) -> storage.StorageAccountArgs:
    """The arguments of the account."""
    return storage.StorageAccountArgs(
        account_name=config.account_name or None,
        resource_group_name=group,
        location=config.location,
        kind=config.account_kind,
        sku=storage.SkuArgs(name=config.sku),
        # Premium accounts and those of kind Storage have no access tier.
        access_tier=storage.AccessTier.HOT if config.account_kind == "StorageV2" else None,
        enable_https_traffic_only=True,
        # Unset means TLS 1.0. TLS 1.3 is in the SDK's enum, and the service refuses it.
        minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
        # Otherwise Azure refuses a public container (409 PublicAccessNotPermitted).
        allow_blob_public_access=config.static_is_public or config.media_is_public,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=config.uses_keys,
        # The portal signs in as its user instead of with an account key.
        default_to_o_auth_authentication=True,
        encryption=storage.EncryptionArgs(
            key_source=storage.KeySource.MICROSOFT_STORAGE,
            require_infrastructure_encryption=config.infrastructure_encryption,
            services=storage.EncryptionServicesArgs(
                blob=storage.EncryptionServiceArgs(enabled=True, key_type="Account"),
                file=storage.EncryptionServiceArgs(enabled=True, key_type="Account"),
            ),
        ),
        key_policy=storage.KeyPolicyArgs(key_expiration_period_in_days=config.key_expiry_days)
        if config.key_expiry_days
        else None,
        sas_policy=storage.SasPolicyArgs(
            expiration_action=storage.ExpirationAction.LOG,
            sas_expiration_period=period(config.sas_expiry_hours),
        )
        if config.sas_expiry_hours
        else None,
        public_network_access=storage.PublicNetworkAccess.DISABLED
        if config.network_access == "closed"
        else storage.PublicNetworkAccess.ENABLED,
        network_rule_set=firewall(config),
        tags=tags,
    )


def firewall(config: DjangoBlobStorageArgs) -> storage.NetworkRuleSetArgs:
    """The firewall's rules. Declared even if it is open, so that a manual change is drift."""
    return storage.NetworkRuleSetArgs(
        default_action=storage.DefaultAction.ALLOW
        if config.is_open
        else storage.DefaultAction.DENY,
        bypass=storage.Bypass.AZURE_SERVICES if config.trusted_services else storage.Bypass.NONE,
        ip_rules=[
            storage.IPRuleArgs(i_p_address_or_range=listed, action=storage.Action.ALLOW)
            for listed in config.allowed_ip_ranges
        ],
        virtual_network_rules=[
            storage.VirtualNetworkRuleArgs(
                virtual_network_resource_id=subnet, action=storage.Action.ALLOW
            )
            for subnet in config.allowed_subnets
        ],
    )


def level(*, public: bool) -> storage.PublicAccess:
    """A container's access level: never the one that allows anonymous listing."""
    return storage.PublicAccess.BLOB if public else storage.PublicAccess.NONE


def period(hours: int) -> str:
    """A time span as the API writes it, `D.HH:MM:SS`."""
    return f"{hours // 24}.{hours % 24:02}:00:00"
