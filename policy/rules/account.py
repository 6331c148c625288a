"""The account's transport, encryption and copies, and what operation needs: a log, and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from policy.declared import UNKNOWN, Resource, at, items
from policy.rule import ADVISORY, cis, every_account_has, expects, mcsb, of_each
from policy.tokens import ACCOUNT, DIAGNOSTICS, GROUP, PROFILE

# What the stack always declares: only an edit of the program, or of the account, can change it.
DECLARED = "infra/account.py declares it; undo the change to it"
TAGS = ("project", "stack")
GEO_REDUNDANT = ("Standard_GRS", "Standard_RAGRS", "Standard_GZRS", "Standard_RAGZRS")


def tags(resource: Resource) -> Iterable[str]:
    there = resource.at("tags")
    if there is UNKNOWN:
        return
    missing = [tag for tag in TAGS if not (isinstance(there, Mapping) and there.get(tag))]
    if missing:
        yield f"there is no tag {' and no tag '.join(missing)}"


def _logs(setting: Resource) -> bool:
    logs = setting.at("logs")
    return logs is UNKNOWN or any(at(log, "enabled") is True for log in items(logs))


def _watches(setting: Resource, account: Resource) -> bool:
    """The blob service has the log: the account's own setting has metrics only."""
    if not _logs(setting):
        return False
    if setting.made_from("resourceUri", account):
        return True
    service = f"{account.at('id')}/blobServices/default"
    return str(setting.at("resourceUri")).lower() == service.lower()


RULES = (
    ResourceValidationPolicy(
        name="secure-transfer",
        **cis("10.3.4", "The account accepts HTTPS only"),
        remediation_steps=f"{DECLARED} (enable_https_traffic_only)",
        validate=of_each(ACCOUNT, expects("enableHttpsTrafficOnly", True)),
    ),
    ResourceValidationPolicy(
        name="minimum-tls",
        **cis("10.3.7", "The account requires TLS 1.2 or newer"),
        remediation_steps=f"{DECLARED} (minimum_tls_version)",
        validate=of_each(ACCOUNT, expects("minimumTlsVersion", "TLS1_2", "TLS1_3")),
    ),
    ResourceValidationPolicy(
        name="no-cross-tenant-replication",
        **cis("10.3.8", "Blobs are not replicated to another tenant"),
        remediation_steps=f"{DECLARED} (allow_cross_tenant_replication)",
        validate=of_each(ACCOUNT, expects("allowCrossTenantReplication", False)),
    ),
    ResourceValidationPolicy(
        name="infrastructure-encryption",
        **mcsb("DP-4", "Data at rest is encrypted twice, with two keys"),
        enforcement_level=ADVISORY,
        remediation_steps=(
            "pulumi config set infrastructureEncryption true, before the account is created: it is "
            "fixed afterwards"
        ),
        validate=of_each(ACCOUNT, expects("encryption.requireInfrastructureEncryption", True)),
    ),
    ResourceValidationPolicy(
        name="geo-redundancy",
        **cis("10.3.12", "A second region has a copy of the data"),
        enforcement_level=ADVISORY,
        remediation_steps=(
            "pulumi config set sku Standard_GZRS; in a region without zones, Standard_GRS"
        ),
        validate=of_each(ACCOUNT, expects("sku.name", *GEO_REDUNDANT)),
    ),
    StackValidationPolicy(
        name="request-log",
        **mcsb("LT-3", "Every request to the account's blobs is logged"),
        enforcement_level=ADVISORY,
        remediation_steps=(
            "pulumi config set logAnalyticsWorkspace /subscriptions/…/workspaces/NAME"
        ),
        validate=every_account_has(
            DIAGNOSTICS, _watches, "no diagnostic setting logs the requests to this account's blobs"
        ),
    ),
    ResourceValidationPolicy(
        name="tags",
        **mcsb("AM-1", "Resources that cost money have tags for their project and stack"),
        enforcement_level=ADVISORY,
        remediation_steps=(
            "infra/storage.py sets them; to add your own: pulumi config set --path tags.team web"
        ),
        validate=of_each((GROUP, ACCOUNT, PROFILE), tags),
    ),
)
