"""The site's host: transport, sign-in, and where its secrets are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pulumi_policy import ResourceValidationPolicy

from policy.declared import Resource, text
from policy.rule import expects, mcsb, of_each
from policy.tokens import APP_SETTINGS, PUBLISHING, VAULT, WEB_APP

# What the stack always declares: only an edit of the program, or of the site, can change it.
DECLARED = "infra/app_service.py declares it; undo the change to it"
REFERENCE = "@Microsoft.KeyVault("
_SECRET_NAME = re.compile(
    r"(^|_)(KEY|PASSWORD|PASSWD|PWD|SECRET|TOKEN|CREDENTIALS?|CONNECTION_?STRING|DSN)(_|$)"
    r"|^DATABASE_URL$",
    re.IGNORECASE,
)
# A password in a URL, a connection string, a signature, or an account key.
_SECRET_VALUE = re.compile(
    r"://[^/\s:@]*:[^/\s@]+@|(AccountKey|SharedAccessKey|Password|Pwd)=|[?&]sig="
    r"|^[A-Za-z0-9+/]{86}==$",
    re.IGNORECASE,
)


def tls(resource: Resource) -> Iterable[str]:
    for name in ("minTlsVersion", "scmMinTlsVersion"):
        yield from expects(f"siteConfig.{name}", "1.2", "1.3")(resource)


def secrets(resource: Resource) -> Iterable[str]:
    """Whoever may read a web app's settings sees them in plain text. No message has a value."""
    settings = resource.at("properties")
    for name, value in settings.items() if isinstance(settings, Mapping) else ():
        if not isinstance(value, str) or value.startswith(REFERENCE):
            continue
        if _SECRET_NAME.search(name) or _SECRET_VALUE.search(value):
            yield f"properties.{name} holds a secret, not a reference to a key vault"


def identity(resource: Resource) -> Iterable[str]:
    kind = resource.at("identity.type")
    if kind is None or (isinstance(kind, str) and "Assigned" not in kind):
        yield f"identity.type is {text(kind)}, so the site could sign in with a key only"


RULES = (
    ResourceValidationPolicy(
        name="site-https-only",
        **mcsb("DP-3", "The site redirects plain http to https"),
        remediation_steps=f"{DECLARED} (https_only)",
        validate=of_each(WEB_APP, expects("httpsOnly", True)),
    ),
    ResourceValidationPolicy(
        name="site-minimum-tls",
        **mcsb("DP-3", "The site and its deployment endpoint require TLS 1.2 or newer"),
        remediation_steps=f"{DECLARED} (min_tls_version, scm_min_tls_version)",
        validate=of_each(WEB_APP, tls),
    ),
    ResourceValidationPolicy(
        name="site-no-ftp",
        **mcsb("DP-3", "No files of the site are transferred by FTP"),
        remediation_steps=f"{DECLARED} (ftps_state)",
        validate=of_each(WEB_APP, expects("siteConfig.ftpsState", "Disabled")),
    ),
    ResourceValidationPolicy(
        name="site-no-publishing-passwords",
        **mcsb("IM-1", "Deployments sign in with Microsoft Entra ID, not with a password"),
        remediation_steps=f"{DECLARED} (_refuse_passwords)",
        validate=of_each(PUBLISHING, expects("allow", False)),
    ),
    ResourceValidationPolicy(
        name="site-identity",
        **mcsb("IM-3", "The site has a managed identity"),
        remediation_steps=f"{DECLARED} (identity)",
        validate=of_each(WEB_APP, identity),
    ),
    ResourceValidationPolicy(
        name="site-no-plain-secret",
        **mcsb("IM-8", "The site's settings refer to secrets in a key vault"),
        remediation_steps=(
            "in infra/app_service.py add the setting to the secrets of declare_settings"
        ),
        validate=of_each(APP_SETTINGS, secrets),
    ),
    ResourceValidationPolicy(
        name="vault-roles",
        **mcsb("PA-7", "Roles decide who may read a vault's secrets, not access policies"),
        remediation_steps=f"{DECLARED} (enable_rbac_authorization)",
        validate=of_each(VAULT, expects("properties.enableRbacAuthorization", True)),
    ),
    ResourceValidationPolicy(
        name="vault-purge-protection",
        **mcsb("DP-8", "A deleted vault or secret can be recovered"),
        remediation_steps=f"{DECLARED} (enable_purge_protection)",
        validate=of_each(VAULT, expects("properties.enablePurgeProtection", True)),
    ),
)
