"""How the account talks, encrypts and copies."""

from __future__ import annotations

from policy.rule import Level, Rule, cis, expects, mcsb
from policy.tokens import ACCOUNT

# What the stack always declares: only an edit of the program, or of the account, can change it.
DECLARED = "infra/account.py declares it; undo the change to it"

RULES = (
    Rule(
        "secure-transfer",
        cis("10.3.4"),
        Level.MANDATORY,
        "The account takes HTTPS only",
        f"{DECLARED} (enable_https_traffic_only)",
        types=(ACCOUNT,),
        check=expects("enableHttpsTrafficOnly", True),
    ),
    Rule(
        "minimum-tls",
        cis("10.3.7"),
        Level.MANDATORY,
        "The account takes TLS 1.2 at the least",
        f"{DECLARED} (minimum_tls_version)",
        types=(ACCOUNT,),
        check=expects("minimumTlsVersion", "TLS1_2", "TLS1_3"),
    ),
    Rule(
        "no-cross-tenant-replication",
        cis("10.3.8"),
        Level.MANDATORY,
        "Blobs are not copied to another organisation's account",
        f"{DECLARED} (allow_cross_tenant_replication)",
        types=(ACCOUNT,),
        check=expects("allowCrossTenantReplication", False),
    ),
    Rule(
        "infrastructure-encryption",
        mcsb("DP-4"),
        Level.ADVISORY,
        "Data at rest are encrypted twice, with two keys",
        "pulumi config set infrastructureEncryption true, before the account is made: it is fixed "
        "afterwards",
        types=(ACCOUNT,),
        check=expects("encryption.requireInfrastructureEncryption", True),
    ),
    Rule(
        "geo-redundancy",
        cis("10.3.12"),
        Level.ADVISORY,
        "A second region has a copy of the data",
        "pulumi config set sku Standard_GZRS; where the region has no zones, Standard_GRS",
        types=(ACCOUNT,),
        check=expects(
            "sku.name", "Standard_GRS", "Standard_RAGRS", "Standard_GZRS", "Standard_RAGZRS"
        ),
    ),
)
