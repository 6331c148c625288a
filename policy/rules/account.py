"""The account's transport, encryption and copies."""

from __future__ import annotations

from pulumi_policy import ResourceValidationPolicy

from policy.rule import ADVISORY, cis, expects, mcsb, of_each
from policy.tokens import ACCOUNT

# What the stack always declares: only an edit of the program, or of the account, can change it.
DECLARED = "infra/account.py declares it; undo the change to it"

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
        validate=of_each(
            (ACCOUNT,),
            expects(
                "sku.name", "Standard_GRS", "Standard_RAGRS", "Standard_GZRS", "Standard_RAGZRS"
            ),
        ),
    ),
)
