"""A place for the site to run: Azure App Service, with an identity and a vault for its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pulumi
from pulumi_azure_native import keyvault, managedidentity, web

from .access import DATA_ROLES, SECRETS_USER, grant, send_logs
from .part import Part, merged

if TYPE_CHECKING:  # which imports this module
    from .storage import DjangoBlobStorage

RUNTIME = "PYTHON|3.12"
# App Service starts it in the folder of the release, where gunicorn finds gunicorn.conf.py.
START = "gunicorn backend.wsgi"
HEALTH = "/healthz"
# The account's key in the vault while the account accepts none.
NO_KEY = "none: authMode is identity"
# Sizes without "Always On" ("Azure subscription and service limits", App Service).
FREE = "F1"
# "Supported categories for Microsoft.Web/sites". Not AppServiceHTTPLogs, which has query strings,
# and those can contain signatures; gunicorn's access log, without them, is in the console's.
LOGS = ("AppServiceConsoleLogs", "AppServicePlatformLogs", "AppServiceAuditLogs")
# "Environment variables and app settings in Azure App Service" and Oryx's "Configuration".
PLATFORM = {
    # Install requirements.txt after each deployment.
    "SCM_DO_BUILD_DURING_DEPLOYMENT": "true",
    # Static files are published before the new code starts (docs/hosting.md).
    "DISABLE_COLLECTSTATIC": "true",
    # Seconds until a container that should stop is killed: more than graceful_timeout in
    # app/gunicorn.conf.py. The default is 5.
    "WEBSITES_CONTAINER_STOP_TIME_LIMIT": "40",
    # Failed probes, one a minute, until an instance gets no more requests. The default is 10.
    "WEBSITE_HEALTHCHECK_MAXPINGFAILURES": "3",
    # The site is asked at start-up for a page that it answers to any host name.
    "WEBSITE_WARMUP_PATH": HEALTH,
    "DJANGO_BEHIND_PROXY": "true",
}


class AppService(Part):
    """Plan, web app, identity, and a key vault with the site's secrets.

    `host` is the name that Azure gives the web app, and `grants` are its identity's roles on the
    account. The web app does not depend on the blob service: the service's CORS rules depend on
    `host`. Its settings are resources of their own for the same reason.
    """

    def __init__(self, name: str, owner: DjangoBlobStorage) -> None:
        super().__init__("hosting:AppService", name, owner)
        config = self._config
        self._identity = managedidentity.UserAssignedIdentity(
            f"{name}-identity",
            resource_group_name=self._group,
            location=config.location,
            tags=self._tags,
            opts=self._child,
        )
        self._app = self._declare_app()
        self._in_app = merged(self._child, pulumi.ResourceOptions(deleted_with=self._app))
        self._refuse_passwords()
        itself = ("ServicePrincipal", self._identity.principal_id)
        self.grants = [
            grant(f"{name}-{part}", role, *itself, owner.account.id, self._child)
            for part, role in DATA_ROLES.items()
        ]
        self._vault = self._declare_vault()
        secrets = (f"{name}-secrets", SECRETS_USER)
        self._may_read_secrets = grant(*secrets, *itself, self._vault.id, self._child)
        workspace = config.log_analytics_workspace
        if workspace != "":
            send_logs(f"{name}-log", self._app.id, workspace, LOGS, "AllMetrics", self._child)
        self.host: pulumi.Output[str] = self._app.default_host_name
        self.register_outputs({"host": self.host})

    def declare_settings(self, environment: Mapping[str, pulumi.Input[str]]) -> None:
        """The web app's environment: the stack's outputs, without a secret in plain text."""
        config = self._config
        settings = {**PLATFORM, **environment}
        # Overwritten rather than taken out of the program with authMode identity: it would be left
        # in the vault (see _reference), and the way back would find it there.
        key = self._reference("AZURE_ACCOUNT_KEY", environment.get("AZURE_ACCOUNT_KEY", NO_KEY))
        if config.uses_keys:
            settings["AZURE_ACCOUNT_KEY"] = key
        else:
            # DefaultAzureCredential would look for a system-assigned identity.
            settings["AZURE_CLIENT_ID"] = self._identity.client_id
        settings["DATABASE_URL"] = self._reference("DATABASE_URL", config.database_url)
        settings["DJANGO_SECRET_KEY"] = self._reference("DJANGO_SECRET_KEY", config.secret_key)
        settings["DJANGO_ALLOWED_HOSTS"] = self.host.apply(
            lambda host: ",".join((host, *config.site_hosts))
        )
        web.WebAppApplicationSettings(
            f"{self._name}-settings",
            name=self._app.name,
            resource_group_name=self._group,
            properties=settings,
            # A reference that the identity may not read yet stays unresolved for up to a day.
            opts=merged(self._in_app, pulumi.ResourceOptions(depends_on=[self._may_read_secrets])),
        )

    def _declare_app(self) -> web.WebApp:
        config, group = self._config, self._group
        plan = web.AppServicePlan(
            f"{self._name}-plan",
            resource_group_name=group,
            location=config.location,
            kind="linux",
            reserved=True,  # Linux
            # The number of instances is not declared: it may be scaled outside the stack.
            sku={"name": config.site_size},
            tags=self._tags,
            opts=self._child,
        )
        networked = config.site_subnet != ""
        return web.WebApp(
            # azure-native generates the app's name from this one. It is unique worldwide, as is the
            # account's, which begins with the same prefix.
            f"{config.account_name_prefix}-app",
            resource_group_name=group,
            location=config.location,
            kind="app,linux",
            reserved=True,
            server_farm_id=plan.id,
            https_only=True,
            client_affinity_enabled=False,
            public_network_access="Enabled",
            identity={
                "type": web.ManagedServiceIdentityType.USER_ASSIGNED,
                "user_assigned_identities": [self._identity.id],
            },
            key_vault_reference_identity=self._identity.id,
            virtual_network_subnet_id=config.site_subnet if networked else None,
            site_config=web.SiteConfigArgs(
                linux_fx_version=RUNTIME,
                app_command_line=START,
                always_on=config.site_size != FREE,
                health_check_path=HEALTH,
                min_tls_version=web.SupportedTlsVersions.SUPPORTED_TLS_VERSIONS_1_2,
                scm_min_tls_version=web.SupportedTlsVersions.SUPPORTED_TLS_VERSIONS_1_2,
                ftps_state=web.FtpsState.DISABLED,
                http20_enabled=True,
                remote_debugging_enabled=False,
                # Otherwise only requests to private addresses go through the subnet.
                vnet_route_all_enabled=networked,
            ),
            tags=self._tags,
            opts=self._child,
        )

    def _refuse_passwords(self) -> None:
        """People and pipelines deploy as an identity ("Disable basic authentication in App Service
        deployments")."""
        web.WebAppFtpAllowed(
            f"{self._name}-ftp",
            name=self._app.name,
            resource_group_name=self._group,
            allow=False,
            opts=self._in_app,
        )
        web.WebAppScmAllowed(
            f"{self._name}-scm",
            name=self._app.name,
            resource_group_name=self._group,
            allow=False,
            opts=self._in_app,
        )

    def _declare_vault(self) -> keyvault.Vault:
        return keyvault.Vault(
            # With the generated digits at most 24 characters, the first of them a letter.
            f"kv{self._config.account_name_prefix[:14]}",
            resource_group_name=self._group,
            location=self._config.location,
            properties=keyvault.VaultPropertiesArgs(
                tenant_id=self._identity.tenant_id,
                sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=keyvault.SkuName.STANDARD),
                enable_rbac_authorization=True,
                enable_soft_delete=True,
                soft_delete_retention_in_days=7,
                enable_purge_protection=True,
            ),
            tags=self._tags,
            opts=self._child,
        )

    def _reference(self, variable: str, value: pulumi.Input[str]) -> pulumi.Output[str]:
        """Store a secret. Returns the reference that App Service replaces with its value.

        The reference names the version, so that a changed secret restarts the site with it. "Use
        Key Vault references as app settings": without a version the old value stays for up to a
        day.
        """
        secret = keyvault.Secret(
            f"{self._name}-{variable.lower().replace('_', '-')}",
            # The names in a vault have letters, digits and hyphens.
            secret_name=variable.replace("_", "-"),
            vault_name=self._vault.name,
            resource_group_name=self._group,
            properties={"value": pulumi.Output.secret(value)},
            # azure-native deletes a secret through the vault's own API, for which a deployer needs
            # a role that nothing else requires; with the vault it is deleted anyway.
            opts=merged(
                self._child, pulumi.ResourceOptions(deleted_with=self._vault, retain_on_delete=True)
            ),
        )
        # The properties are secret because the value is, and the address is not.
        uri = secret.properties.secret_uri_with_version
        return pulumi.Output.unsecret(uri.apply(reference))


def reference(uri: str) -> str:
    return f"@Microsoft.KeyVault(SecretUri={uri})"
