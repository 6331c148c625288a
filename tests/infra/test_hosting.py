"""`host: appService`: what it declares, what the site is started with, and what is refused."""

from __future__ import annotations

import json
import re
import runpy
from typing import Any

import pytest

from infra import DjangoBlobStorageArgs, rules
from infra.arguments import configuration
from infra.errors import ConfigError
from infra.reader import parse
from tests.conftest import ROOT
from tests.infra.declared import ACCOUNT, CONTAINER, KEY, ROLE, SERVICE, Declared, Resource

SECRETS = {
    "databaseUrl": "postgres://user:hunter2@db.example.com:5432/site",
    "secretKey": "hunter2-" * 8,
}
HOSTED: dict[str, Any] = {"host": "appService", **SECRETS}
APP = "azure-native:web:WebApp"
SETTINGS = "azure-native:web:WebAppApplicationSettings"
SECRET = "azure-native:keyvault:Secret"
SUBNET = rules.SUBNET_EXAMPLE


def only(declared: Declared, token: str) -> dict[str, Any]:
    (found,) = declared.inputs(token)
    return found


def settings(declared: Declared) -> dict[str, str]:
    properties: dict[str, str] = only(declared, SETTINGS)["properties"]
    return properties


def stored(declared: Declared) -> dict[str, str]:
    """The secrets of the vault by name. Each is marked as one."""
    values = {each["secretName"]: each["properties"]["value"] for each in declared.inputs(SECRET)}
    assert all(value.keys() == {"value"} for value in values.values())
    return {name: value["value"] for name, value in values.items()}


def refused(**given: str) -> dict[str, str]:
    """The keys that are refused, each with the rule and the command."""
    with pytest.raises(ConfigError) as caught:
        parse(given)
    assert "hunter2" not in str(caught.value)
    return {
        problem.key.partition(":")[2]: f"{problem.rule} | {problem.example}"
        for problem in caught.value.problems
    }


# --- What is declared -----------------------------------------------------------------------------


def test_no_host_declares_nothing_of_app_service() -> None:
    declared = Declared(**SECRETS)
    assert not [token for token in declared.tokens() if re.search("web|keyvault|identity:", token)]
    assert "SITE_URL" not in declared.outputs


def test_the_site_takes_https_only_and_no_passwords() -> None:
    declared = Declared(**HOSTED)
    app = only(declared, APP)
    assert app["httpsOnly"] is True
    config = app["siteConfig"]
    assert (config["minTlsVersion"], config["scmMinTlsVersion"]) == ("1.2", "1.2")
    assert config["ftpsState"] == "Disabled"
    for kind in ("Ftp", "Scm"):
        assert only(declared, f"azure-native:web:WebApp{kind}Allowed")["allow"] is False


def test_the_site_is_started_and_probed_as_the_release_expects() -> None:
    config = only(Declared(**HOSTED), APP)["siteConfig"]
    assert config["appCommandLine"] == "gunicorn backend.wsgi"
    assert config["healthCheckPath"] == "/healthz"
    assert config["linuxFxVersion"] == "PYTHON|3.12"


def test_a_container_is_killed_only_after_gunicorns_requests_had_time_to_end() -> None:
    limit = int(settings(Declared(**HOSTED))["WEBSITES_CONTAINER_STOP_TIME_LIMIT"])
    assert limit > runpy.run_path(str(ROOT / "app" / "gunicorn.conf.py"))["graceful_timeout"]
    assert limit <= 120  # App Service's maximum


@pytest.mark.parametrize(("size", "always_on"), [("F1", False), ("B1", True), ("P1v3", True)])
def test_the_site_is_always_on_where_the_size_allows_it(size: str, always_on: bool) -> None:
    declared = Declared(**HOSTED, siteSize=size)
    assert only(declared, "azure-native:web:AppServicePlan")["sku"] == {"name": size}
    assert only(declared, APP)["siteConfig"]["alwaysOn"] is always_on


def test_the_identity_may_use_blobs_and_read_secrets_and_nothing_else() -> None:
    roles = {
        (role["scope"].rpartition("/")[2], role["roleDefinitionId"].rpartition("/")[2])
        for role in Declared(**HOSTED).inputs(ROLE)
        if role["principalId"] == "the site's"
    }
    assert roles == {
        ("django", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"),
        ("django", "db58b8e5-c6ad-4a2a-8342-4190687cbf4a"),
        ("kvdjango", "4633458b-17de-408a-b874-0445c86b69e6"),
    }


def test_the_vault_takes_roles_and_cannot_be_purged() -> None:
    properties = only(Declared(**HOSTED), "azure-native:keyvault:Vault")["properties"]
    assert properties["enableRbacAuthorization"] is True
    assert properties["enableSoftDelete"] is True
    assert properties["enablePurgeProtection"] is True


@pytest.mark.parametrize("prefix", ["a", "1" * 16, "abcdefgh12345678"])
def test_the_vaults_generated_name_is_valid_for_every_prefix(prefix: str) -> None:
    declared = Declared(**HOSTED, accountNamePrefix=prefix)
    (vault,) = (each for each in declared.resources if each.type == "azure-native:keyvault:Vault")
    assert re.fullmatch(r"[a-z][a-z0-9]{2,23}", f"{vault.name}1a2b3c4d")


def test_logs_go_to_the_workspace_without_query_strings() -> None:
    token = "azure-native:monitor:DiagnosticSetting"
    assert Declared(**HOSTED).inputs(token) == []
    declared = Declared(**HOSTED, logAnalyticsWorkspace=rules.WORKSPACE_EXAMPLE)
    (site,) = (each for each in declared.inputs(token) if "blobServices" not in each["resourceUri"])
    categories = {log["category"] for log in site["logs"]}
    assert "AppServiceConsoleLogs" in categories
    assert "AppServiceHTTPLogs" not in categories


def test_the_subnet_carries_all_requests_of_the_site() -> None:
    app = only(Declared(**HOSTED), APP)
    assert "virtualNetworkSubnetId" not in app
    app = only(Declared(**HOSTED, siteSubnet=SUBNET), APP)
    assert app["virtualNetworkSubnetId"] == SUBNET
    assert app["siteConfig"]["vnetRouteAllEnabled"] is True


def test_everything_is_protected_with_the_rest() -> None:
    declared = Declared(**HOSTED, protect=True)
    assert all(each.protect for each in declared.resources)
    # To delete a secret by itself, a deployer would need a role at the vault.
    assert all(each.retain_on_delete for each in declared.resources if each.type == SECRET)


def test_the_lock_guards_the_identitys_roles_on_the_account() -> None:
    declared = Declared(**HOSTED, lock=True)
    lock = only(declared, "azure-native:authorization:ManagementLockByScope")
    assert {"host-contributor", "host-delegator"} <= set(lock["notes"].split())


# --- The site's environment -----------------------------------------------------------------------


def test_the_settings_are_the_stacks_outputs_with_the_secrets_by_reference() -> None:
    declared = Declared(**HOSTED)
    found = settings(declared)
    for name, value in declared.outputs.items():
        if name not in ("AZURE_ACCOUNT_KEY", "SITE_URL"):
            assert found[name] == value
    references = {name: value for name, value in found.items() if value.startswith("@")}
    assert references.keys() == {"AZURE_ACCOUNT_KEY", "DATABASE_URL", "DJANGO_SECRET_KEY"}
    for name, value in references.items():
        uri = f"https://vault/secrets/{name.replace('_', '-')}/1"
        assert value == f"@Microsoft.KeyVault(SecretUri={uri})"
    assert stored(declared) == {
        "AZURE-ACCOUNT-KEY": KEY,
        "DATABASE-URL": SECRETS["databaseUrl"],
        "DJANGO-SECRET-KEY": SECRETS["secretKey"],
    }
    assert "AZURE_CLIENT_ID" not in found


def test_no_secret_is_in_any_other_resource() -> None:
    for each in Declared(**HOSTED).resources:
        if each.type != SECRET:
            assert "hunter2" not in json.dumps(each.inputs)
            assert KEY not in json.dumps(each.inputs)


def test_a_site_without_a_key_signs_in_as_its_own_identity() -> None:
    declared = Declared(**HOSTED, authMode="identity")
    found = settings(declared)
    assert found["AZURE_AUTH_MODE"] == "identity"
    assert found["AZURE_CLIENT_ID"] == "the site's client"
    assert "AZURE_ACCOUNT_KEY" not in found
    assert stored(declared)["AZURE-ACCOUNT-KEY"] == "none: authMode is identity"
    assert only(declared, ACCOUNT)["allowSharedKeyAccess"] is False


def test_references_are_set_after_the_identity_may_read_the_secrets() -> None:
    declared = Declared(**HOSTED)
    (role,) = (each for each in declared.resources if each.name == "site-host-secrets")
    (found,) = (each for each in declared.resources if each.type == SETTINGS)
    assert role.urn in found.dependencies


def test_the_sites_own_names_are_allowed_hosts_and_origins_from_the_first_up() -> None:
    declared = Declared(
        **HOSTED,
        siteHosts=["www.example.com"],
        corsOrigins=["https://www.example.com", "https://other.example"],
    )
    assert (
        settings(declared)["DJANGO_ALLOWED_HOSTS"] == "django-app.azurewebsites.net,www.example.com"
    )
    origins = [
        "https://other.example",
        "https://www.example.com",
        "https://django-app.azurewebsites.net",
    ]
    rules_ = only(declared, SERVICE)["cors"]["corsRules"]
    assert [rule["allowedOrigins"] for rule in rules_] == [origins, origins]
    assert [rule["allowedMethods"] for rule in rules_] == [["GET", "HEAD"], ["PUT"]]
    assert declared.outputs["AZURE_DIRECT_UPLOAD"] == "true"
    assert declared.outputs["SITE_URL"] == "https://django-app.azurewebsites.net"


def test_front_door_admits_the_sites_own_origin() -> None:
    rules_ = Declared(**HOSTED, frontDoor="standard").inputs("azure-native:cdn:Rule")
    (condition,) = (each["conditions"][0]["parameters"] for each in rules_)
    assert condition["matchValues"] == ["https://django-app.azurewebsites.net"]


def test_any_origin_covers_the_sites_own() -> None:
    declared = Declared(**HOSTED, corsOrigins=["*"], corsAllowAnyOrigin=True)
    origins = [rule["allowedOrigins"] for rule in only(declared, SERVICE)["cors"]["corsRules"]]
    assert origins == [["*"], ["*"]]


def test_the_web_app_depends_on_neither_the_blob_service_nor_a_container() -> None:
    """Otherwise there would be a cycle, as the service's CORS rules have the app's name."""
    declared = Declared(**HOSTED)
    by_urn: dict[str, Resource] = {each.urn: each for each in declared.resources}
    (app,) = (each for each in declared.resources if each.type == APP)
    waiting, seen = list(app.dependencies), set()
    while waiting:
        urn = waiting.pop()
        if urn not in seen and urn in by_urn:
            seen.add(urn)
            waiting += by_urn[urn].dependencies
    assert seen
    assert not {by_urn[urn].type for urn in seen} & {SERVICE, CONTAINER, SETTINGS}


# --- What is refused ------------------------------------------------------------------------------


def test_a_missing_database_and_secret_key_are_refused_with_the_commands() -> None:
    found = refused(host="appService")
    assert found.keys() == {"databaseUrl", "secretKey"}
    for key, said in found.items():
        assert said.endswith(f"| pulumi config set --secret {key}")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////home/site/hunter2.sqlite3",
        "spatialite:///hunter2",
        "hunter2",
        "postgres://user:hunter2@db",
        "postgres://user:hunter2@db/name # the main one",
    ],
)
def test_a_database_that_instances_could_not_share_is_refused_without_showing_it(url: str) -> None:
    found = refused(host="appService", databaseUrl=url, secretKey=SECRETS["secretKey"])
    assert found.keys() == {"databaseUrl"}
    assert "SQLite, which loses data" in found["databaseUrl"]


def test_a_short_secret_key_is_refused_with_the_command_that_generates_one() -> None:
    found = refused(**HOSTED | {"secretKey": "hunter2"})
    assert "secrets.token_urlsafe(48)" in found["secretKey"]


@pytest.mark.parametrize(
    ("given", "key", "reason"),
    [
        ({"siteHosts": "www.example.com"}, "siteHosts", "while host is none"),
        ({"siteSubnet": SUBNET}, "siteSubnet", "while host is none"),
        (HOSTED | {"adopt": "true", "accountName": "old"}, "host", "afterwards"),
        (HOSTED | {"siteSubnet": SUBNET, "siteSize": "F1"}, "siteSize", "network integration"),
        (
            HOSTED | {"networkAccess": "closed", "privateEndpointSubnet": SUBNET},
            "siteSubnet",
            "needs a subnet",
        ),
        (
            HOSTED
            | {
                "networkAccess": "firewall",
                "allowedIpRanges": "203.0.113.7",
                "siteSubnet": SUBNET,
            },
            "allowedSubnets",
            "does not admit the site's subnet",
        ),
        (
            HOSTED | {"corsOrigins": ",".join(f"https://a{n}.example" for n in range(64))},
            "corsOrigins",
            "at most 63",
        ),
    ],
)
def test_a_contradiction_is_refused_with_the_reason(
    given: dict[str, str], key: str, reason: str
) -> None:
    found = refused(**given)
    assert found.keys() == {key}
    assert reason in found[key]


def test_the_nearest_combinations_are_accepted() -> None:
    parse(HOSTED | {"siteSubnet": SUBNET})
    parse(SECRETS)  # stored before the host is switched on, and kept when it is off
    parse(
        HOSTED | {"networkAccess": "closed", "privateEndpointSubnet": SUBNET, "siteSubnet": SUBNET}
    )
    parse(HOSTED | {"networkAccess": "firewall", "allowedSubnets": SUBNET, "siteSubnet": SUBNET})
    parse(HOSTED | {"authMode": "identity"})
    parse(HOSTED | {"corsOrigins": ",".join(f"https://a{n}.example" for n in range(63))})


def test_no_representation_of_a_configuration_shows_a_secret() -> None:
    assert "hunter2" not in repr(parse(HOSTED))


def test_a_component_refuses_a_wrong_secret_without_showing_it() -> None:
    with pytest.raises(ConfigError) as caught:
        configuration("shop", DjangoBlobStorageArgs(host="appService", secret_key="hunter2"))
    said = str(caught.value)
    assert "hunter2" not in said
    assert 'secret_key=pulumi.Config().require_secret("secretKey")' in said


def test_a_secret_in_plain_text_is_warned_of_with_the_command() -> None:
    found = "\n".join(Declared(**HOSTED).warnings)
    for key in SECRETS:
        assert f"pulumi config set --secret {key}" in found
    assert "hunter2" not in found
