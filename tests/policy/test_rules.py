"""Each rule, both ways: what complies, and what violates it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, StackValidationPolicy

from infra.settings import SETTINGS
from policy import tokens
from policy.declared import UNKNOWN, Resource
from policy.exceptions import EXEMPTIONS
from policy.rules import RULES, Rule
from tests.policy.analyzer import ROOT
from tests.policy.resources import (
    ACCOUNT_ID,
    ROLES,
    account,
    container,
    lifecycle,
    resource,
    service,
    violations,
)

BY_NAME = {rule.name: rule for rule in RULES}
Case = Resource | Sequence[Resource]

DELETE = {"delete": {"daysAfterModificationGreaterThan": 1.0}}
KEPT = {"enabled": True, "days": 7.0}
DAYS = "keyPolicy.keyExpirationPeriodInDays"
A = account()
GROUP = resource(tokens.GROUP, name="site-group")
IN_GROUP = account(made_from={"resourceGroupName": [GROUP]})
MADE = account({"id": ACCOUNT_ID, "name": "a"})


def quarantine(name: Any) -> Resource:
    return container({"containerName": name}, name="site-quarantine")


QUARANTINE, UNCHECKED = quarantine("quarantine"), quarantine("unchecked")
# As the provider returns it, without the input `containerName`.
MADE_QUARANTINE = container({"name": "quarantine"}, name="site-quarantine")
MEDIA = container({"containerName": "media"}, name="site-media")


def key_policy(days: Any, **properties: Any) -> Resource:
    return account({"keyPolicy": {"keyExpirationPeriodInDays": days}, **properties})


def firewall(**properties: Any) -> Resource:
    return account({"publicNetworkAccess": "Enabled", "networkRuleSet": properties})


def cors(*origins: Any) -> Resource:
    return service({"cors": {"corsRules": [{"allowedOrigins": list(origins)}]}})


def sending(*origins: Any, reading: str = "https://www.example.com") -> Resource:
    """One origin may read, `origins` may write."""
    rules = [
        {"allowedOrigins": [reading], "allowedMethods": ["GET", "HEAD"]},
        {"allowedOrigins": list(origins), "allowedMethods": ["PUT"]},
    ]
    return service({"cors": {"corsRules": rules}})


def role(name: str, value: Any) -> Resource:
    return resource(tokens.ROLE_ASSIGNMENT, {name: value})


def route(**properties: Any) -> Resource:
    return resource(tokens.ROUTE, properties)


def app(**properties: Any) -> Resource:
    return resource(tokens.WEB_APP, properties)


def tls(main: Any, scm: Any) -> Resource:
    return app(siteConfig={"minTlsVersion": main, "scmMinTlsVersion": scm})


def environment(**settings: Any) -> Resource:
    return resource(tokens.APP_SETTINGS, {"properties": settings})


def vault(**properties: Any) -> Resource:
    return resource(tokens.VAULT, {"properties": properties})


def domain(**properties: Any) -> Resource:
    return resource(tokens.DOMAIN, {"tlsSettings": properties})


def lock(level: str = "CanNotDelete", **about: Any) -> Resource:
    return resource(tokens.LOCK, {"level": level, **about.pop("properties", {})}, **about)


def diagnostics(enabled: Any = True, **about: Any) -> Resource:
    properties = {"logs": [{"category": "StorageRead", "enabled": enabled}]}
    return resource(tokens.DIAGNOSTICS, properties | about.pop("properties", {}), **about)


# For each rule: what complies, and what violates it with its message.
CASES: dict[str, tuple[list[Case], list[tuple[Case, str]]]] = {
    "secure-transfer": (
        [
            account({"enableHttpsTrafficOnly": True}),
            account({"enableHttpsTrafficOnly": UNKNOWN}),
        ],
        [
            (account({"enableHttpsTrafficOnly": False}), "enableHttpsTrafficOnly is false"),
            (account(), "enableHttpsTrafficOnly is not set"),
        ],
    ),
    "minimum-tls": (
        [account({"minimumTlsVersion": "TLS1_2"}), account({"minimumTlsVersion": "TLS1_3"})],
        [
            (account({"minimumTlsVersion": "TLS1_1"}), "minimumTlsVersion is 'TLS1_1'"),
            (account(), "minimumTlsVersion is not set"),
        ],
    ),
    "no-cross-tenant-replication": (
        [account({"allowCrossTenantReplication": False})],
        [
            (account({"allowCrossTenantReplication": True}), "is true, not false"),
            (account(), "is not set, not false"),
        ],
    ),
    "infrastructure-encryption": (
        [account({"encryption": {"requireInfrastructureEncryption": True}})],
        [
            (account({"encryption": {"requireInfrastructureEncryption": False}}), "is false"),
            (account(), "is not set"),
        ],
    ),
    "geo-redundancy": (
        [account({"sku": {"name": "Standard_GZRS"}}), account({"sku": UNKNOWN})],
        [
            (account({"sku": {"name": "Standard_LRS"}}), "sku.name is 'Standard_LRS'"),
            (account({"sku": {"name": "Standard_ZRS"}}), "sku.name is 'Standard_ZRS'"),
        ],
    ),
    "no-anonymous-access": (
        [account({"allowBlobPublicAccess": False})],
        [
            (account({"allowBlobPublicAccess": True}), "allowBlobPublicAccess is true"),
            (account(), "allowBlobPublicAccess is not set"),
        ],
    ),
    "no-anonymous-container": (
        [container({"publicAccess": "None"}), container()],
        [
            (container({"publicAccess": "Blob"}), "publicAccess is 'Blob'"),
            (container({"publicAccess": "Container"}), "publicAccess is 'Container'"),
        ],
    ),
    "no-container-listing": (
        [container({"publicAccess": "Blob"}), container(), container({"publicAccess": UNKNOWN})],
        [(container({"publicAccess": "Container"}), "anyone can list")],
    ),
    "no-shared-keys": (
        [account({"allowSharedKeyAccess": False})],
        [
            (account({"allowSharedKeyAccess": True}), "allowSharedKeyAccess is true"),
            (account(), "allowSharedKeyAccess is not set"),
        ],
    ),
    "key-rotation-reminder": (
        [
            key_policy(90.0),
            key_policy(1.0),
            key_policy(UNKNOWN),
            account({"allowSharedKeyAccess": False}),
        ],
        [
            (key_policy(91.0), f"{DAYS} is 91, not 1 to 90"),
            (key_policy(0.0), f"{DAYS} is 0"),
            (account(), f"{DAYS} is not set"),
        ],
    ),
    "sas-expiry": (
        [
            account({"sasPolicy": {"sasExpirationPeriod": "1.00:00:00"}}),
            account({"sasPolicy": UNKNOWN}),
            account({"allowSharedKeyAccess": False}),
        ],
        [(account(), "sasPolicy.sasExpirationPeriod is not set")],
    ),
    "entra-by-default": (
        [account({"defaultToOAuthAuthentication": True})],
        [
            (account({"defaultToOAuthAuthentication": False}), "is false"),
            (account(), "is not set"),
        ],
    ),
    "role-within-account": (
        [
            role("scope", ACCOUNT_ID),
            role("scope", f"{ACCOUNT_ID}/blobServices/default/containers/static"),
            role("scope", ACCOUNT_ID.replace("resourceGroups", "resourcegroups")),
            role("scope", ACCOUNT_ID.replace("Storage/storageAccounts", "KeyVault/vaults")),
            role("scope", UNKNOWN),
        ],
        [
            (role("scope", "/subscriptions/1/resourceGroups/g"), "wider than a storage account"),
            (role("scope", "/subscriptions/1"), "scope is '/subscriptions/1'"),
            (resource(tokens.ROLE_ASSIGNMENT), "scope is not set"),
        ],
    ),
    "site-https-only": (
        [app(httpsOnly=True), app(httpsOnly=UNKNOWN)],
        [(app(httpsOnly=False), "httpsOnly is false"), (app(), "httpsOnly is not set")],
    ),
    "site-minimum-tls": (
        [tls("1.2", "1.3"), tls(UNKNOWN, "1.2"), app(siteConfig=UNKNOWN)],
        [
            (tls("1.1", "1.2"), "siteConfig.minTlsVersion is '1.1'"),
            (tls("1.2", "1.0"), "siteConfig.scmMinTlsVersion is '1.0'"),
            (tls("1.2", None), "siteConfig.scmMinTlsVersion is not set"),
        ],
    ),
    "site-no-ftp": (
        [app(siteConfig={"ftpsState": "Disabled"})],
        [
            (app(siteConfig={"ftpsState": "FtpsOnly"}), "ftpsState is 'FtpsOnly'"),
            (app(siteConfig={}), "ftpsState is not set"),
        ],
    ),
    "site-no-publishing-passwords": (
        [resource(each, {"allow": False}) for each in tokens.PUBLISHING],
        [(resource(each, {"allow": True}), "allow is true") for each in tokens.PUBLISHING],
    ),
    "site-identity": (
        [app(identity={"type": "UserAssigned"}), app(identity={"type": "SystemAssigned"})],
        [
            (app(), "identity.type is not set"),
            (app(identity={"type": "None"}), "identity.type is 'None'"),
        ],
    ),
    "site-no-plain-secret": (
        [
            environment(
                AZURE_ACCOUNT_KEY="@Microsoft.KeyVault(SecretUri=https://v/secrets/K/1)",
                AZURE_BLOB_ENDPOINT="https://a.blob.core.windows.net/",
                AZURE_AUTH_MODE="identity",
                DJANGO_SECRET_KEY=UNKNOWN,
            ),
            resource(tokens.APP_SETTINGS, {"properties": UNKNOWN}),
        ],
        [
            (environment(AZURE_ACCOUNT_KEY="hunter2"), "properties.AZURE_ACCOUNT_KEY holds"),
            (environment(DATABASE_URL="x"), "properties.DATABASE_URL holds"),
            (environment(SMTP_PASSWORD="x"), "properties.SMTP_PASSWORD holds"),
            (environment(CACHE="redis://:hunter2@cache:6379"), "properties.CACHE holds"),
            (environment(BUS="Endpoint=sb://x;SharedAccessKey=x"), "properties.BUS holds"),
            (environment(LINK="https://a/b?sv=1&sig=abc"), "properties.LINK holds"),
            (environment(NAME="A" * 86 + "=="), "properties.NAME holds"),
        ],
    ),
    "vault-roles": (
        [vault(enableRbacAuthorization=True)],
        [
            (vault(enableRbacAuthorization=False), "enableRbacAuthorization is false"),
            (vault(), "enableRbacAuthorization is not set"),
        ],
    ),
    "vault-purge-protection": (
        [vault(enablePurgeProtection=True)],
        [(vault(), "enablePurgeProtection is not set")],
    ),
    "role-for-data-only": (
        [
            role(
                "roleDefinitionId",
                f"{ROLES}/Microsoft.Authorization/roleDefinitions/"
                "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
            ),
            role("roleDefinitionId", UNKNOWN),
        ],
        [
            # Owner, and Contributor.
            (role("roleDefinitionId", "x/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"), "8e3af657"),
            (role("roleDefinitionId", "x/b24988ac-6180-42a0-ab88-20f7382dd24c"), "b24988ac"),
            # Storage Account Contributor: it may list the keys.
            (role("roleDefinitionId", "x/17d1049b-9a84-46fb-8f53-869881c3d3ab"), "17d1049b"),
        ],
    ),
    "principal-type": (
        [role("principalType", "ServicePrincipal")],
        [
            (role("principalType", "Robot"), "'Robot'"),
            (resource(tokens.ROLE_ASSIGNMENT), "not set"),
        ],
    ),
    "no-public-network": (
        [account({"publicNetworkAccess": "Disabled"})],
        [
            (account({"publicNetworkAccess": "Enabled"}), "publicNetworkAccess is 'Enabled'"),
            (account(), "publicNetworkAccess is not set"),
        ],
    ),
    "deny-by-default": (
        [
            firewall(defaultAction="Deny"),
            firewall(defaultAction=UNKNOWN),
            account({"publicNetworkAccess": "Disabled"}),
        ],
        [
            (firewall(defaultAction="Allow"), "networkRuleSet.defaultAction is 'Allow'"),
            (account(), "networkRuleSet.defaultAction is not set"),
        ],
    ),
    "trusted-services": (
        [
            firewall(defaultAction="Deny", bypass="AzureServices"),
            firewall(defaultAction="Deny", bypass="Logging, AzureServices"),
            firewall(defaultAction="Allow", bypass="None"),
            account(),
        ],
        [
            (firewall(defaultAction="Deny", bypass="None"), "bypass is 'None'"),
            (firewall(defaultAction="Deny"), "bypass is not set"),
        ],
    ),
    "private-endpoint": (
        [
            [
                A,
                resource(tokens.PRIVATE_ENDPOINT, made_from={"privateLinkServiceConnections": [A]}),
            ],
            [
                MADE,
                resource(
                    tokens.PRIVATE_ENDPOINT,
                    {"privateLinkServiceConnections": [{"privateLinkServiceId": ACCOUNT_ID}]},
                ),
            ],
            [],
        ],
        [
            ([A], "no private endpoint leads to this account"),
            ([A, resource(tokens.PRIVATE_ENDPOINT)], "no private endpoint"),
            (
                [
                    A,
                    account(name="other"),
                    resource(
                        tokens.PRIVATE_ENDPOINT,
                        made_from={"privateLinkServiceConnections": [account(name="other")]},
                    ),
                ],
                "no private endpoint",
            ),
        ],
    ),
    "blob-soft-delete": (
        [
            service({"deleteRetentionPolicy": KEPT}),
            service({"deleteRetentionPolicy": UNKNOWN}),
            service({"deleteRetentionPolicy": {"enabled": True, "days": 365.0}}),
        ],
        [
            (service(), "deleteRetentionPolicy.enabled is not set"),
            (service({"deleteRetentionPolicy": {"enabled": False}}), "enabled is false"),
            (
                service({"deleteRetentionPolicy": {"enabled": True, "days": 6.0}}),
                "deleteRetentionPolicy.days is 6, less than 7",
            ),
            (service({"deleteRetentionPolicy": {"enabled": True}}), "days is not set"),
        ],
    ),
    "container-soft-delete": (
        [service({"containerDeleteRetentionPolicy": KEPT})],
        [
            (service({"deleteRetentionPolicy": KEPT}), "containerDeleteRetentionPolicy.enabled is"),
            (
                service({"containerDeleteRetentionPolicy": {"enabled": True, "days": 1.0}}),
                "days is 1",
            ),
        ],
    ),
    "blob-service-declared": (
        [
            [A, service(made_from={"accountName": [A]})],
            [MADE, service({"accountName": "a"})],
            [account({"accountName": "a"}), service({"accountName": "a"})],
        ],
        [
            ([A], "no BlobServiceProperties"),
            ([MADE, service({"accountName": "b"})], "no BlobServiceProperties"),
            ([A, service({"accountName": UNKNOWN})], "no BlobServiceProperties"),
        ],
    ),
    "versioning": (
        [service({"isVersioningEnabled": True})],
        [(service({"isVersioningEnabled": False}), "is false"), (service(), "is not set")],
    ),
    "delete-lock": (
        [
            [A, lock(made_from={"scope": [A]})],
            [A, lock("ReadOnly", made_from={"scope": [A]})],
            [IN_GROUP, lock(made_from={"scope": [GROUP]})],
            [MADE, lock(properties={"scope": ACCOUNT_ID})],
            [MADE, lock(properties={"scope": ACCOUNT_ID.partition("/providers")[0]})],
        ],
        [
            ([A], "no lock keeps this account from being deleted"),
            ([A, lock("NotSpecified", made_from={"scope": [A]})], "no lock"),
            ([A, lock(made_from={"scope": [container()]})], "no lock"),
            ([MADE, lock(properties={"scope": f"{ACCOUNT_ID}/blobServices/default"})], "no lock"),
            ([MADE, lock(properties={"scope": f"{ACCOUNT_ID}b"})], "no lock"),
            # One lock protects one account.
            ([A, account(name="other"), lock(made_from={"scope": [A]})], "no lock"),
        ],
    ),
    "protected-account": (
        [account(protect=True)],
        [(account(protect=False), "not protected")],
    ),
    "lifecycle-declared": (
        [[A, resource(tokens.LIFECYCLE, made_from={"accountName": [A]})]],
        [([A], "no lifecycle")],
    ),
    "lifecycle-spares-live-blobs": (
        [
            [QUARANTINE, lifecycle(["quarantine/"], baseBlob=DELETE)],
            [QUARANTINE, lifecycle(["quarantine/uploads/"], baseBlob=DELETE)],
            [UNCHECKED, lifecycle(["unchecked/"], baseBlob=DELETE)],
            [quarantine(UNKNOWN), lifecycle(["quarantine/"], baseBlob=DELETE)],
            [MADE_QUARANTINE, lifecycle(["quarantine/"], baseBlob=DELETE)],
            lifecycle(["media/"], baseBlob={"tierToCool": {}}, version=DELETE, snapshot=DELETE),
            lifecycle(["media/"], enabled=False, baseBlob=DELETE),
            lifecycle(UNKNOWN, baseBlob=DELETE),
            lifecycle([UNKNOWN], baseBlob=DELETE),
            resource(tokens.LIFECYCLE),
        ],
        [
            (lifecycle(["media/"], baseBlob=DELETE), "rule 'r' deletes current blobs in 'media/'"),
            ([QUARANTINE, lifecycle(["quarantine/", "b"], baseBlob=DELETE)], "blobs in 'b'"),
            # The stack determines the container, not its name; and "quarantine" without the
            # slash would match "quarantined" too.
            (lifecycle(["quarantine/"], baseBlob=DELETE), "in 'quarantine/'"),
            ([UNCHECKED, lifecycle(["quarantine/"], baseBlob=DELETE)], "in 'quarantine/'"),
            ([MADE_QUARANTINE, lifecycle(["media/"], baseBlob=DELETE)], "in 'media/'"),
            ([MEDIA, lifecycle(["media/"], baseBlob=DELETE)], "in 'media/'"),
            ([QUARANTINE, lifecycle(["quarantine"], baseBlob=DELETE)], "in 'quarantine'"),
            (
                [QUARANTINE, lifecycle(["media/quarantine/"], baseBlob=DELETE)],
                "in 'media/quarantine/'",
            ),
            (lifecycle(None, baseBlob=DELETE), "in every container"),
            (lifecycle([], baseBlob=DELETE), "in every container"),
        ],
    ),
    "cors-named-origins": (
        [
            cors("https://www.example.com"),
            sending("https://www.example.com"),
            service(),
            cors(UNKNOWN),
        ],
        [
            (cors("*"), "every origin"),
            (cors("https://www.example.com", "*"), "every origin"),
            (sending("*"), "every origin"),
        ],
    ),
    "cors-https": (
        [
            cors("https://www.example.com"),
            cors("http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000"),
            cors("*"),
        ],
        [
            (cors("http://www.example.com"), "'http://www.example.com'"),
            (cors("http://localhost.example.com"), "'http://localhost.example.com'"),
            (cors("http://127.0.0.1.example.com:80"), "anybody on the way"),
            (sending("http://www.example.com"), "'http://www.example.com'"),
            # In both rules, and reported once.
            (sending("http://a.example", reading="http://a.example"), "'http://a.example'"),
        ],
    ),
    "front-door-only": (
        [
            resource(tokens.PROFILE, {"sku": {"name": "Standard_AzureFrontDoor"}}),
            resource(tokens.PROFILE, {"sku": {"name": "Premium_AzureFrontDoor"}}),
        ],
        [
            (resource(tokens.PROFILE, {"sku": {"name": "Standard_Microsoft"}}), "'Standard_Micros"),
            *((resource(type_), "belongs to the classic CDN") for type_ in tokens.CLASSIC),
        ],
    ),
    "https-redirect": (
        [
            route(supportedProtocols=["Http", "Https"], httpsRedirect="Enabled"),
            route(supportedProtocols=["Https"]),
        ],
        [
            (route(supportedProtocols=["Http", "Https"]), "httpsRedirect is not set"),
            (route(httpsRedirect="Disabled"), "httpsRedirect is 'Disabled'"),
        ],
    ),
    "https-to-origin": (
        [route(forwardingProtocol="HttpsOnly")],
        [(route(forwardingProtocol="MatchRequest"), "'MatchRequest'"), (route(), "not set")],
    ),
    "origin-certificate": (
        [resource(tokens.ORIGIN, {"enforceCertificateNameCheck": True})],
        [(resource(tokens.ORIGIN, {"enforceCertificateNameCheck": False}), "is false")],
    ),
    "custom-domain-tls": (
        [domain(minimumTlsVersion="TLS12"), domain(minimumTlsVersion="TLS13")],
        [(domain(minimumTlsVersion="TLS10"), "'TLS10'"), (domain(), "not set")],
    ),
    "managed-certificate": (
        [domain(certificateType="ManagedCertificate"), domain(certificateType=UNKNOWN)],
        [
            (domain(certificateType="CustomerCertificate"), "somebody has to renew"),
            (domain(), "is"),
        ],
    ),
    "request-log": (
        [
            [A, diagnostics(made_from={"resourceUri": [A]})],
            [MADE, diagnostics(properties={"resourceUri": f"{ACCOUNT_ID}/blobServices/default"})],
        ],
        [
            ([A], "no diagnostic setting"),
            ([A, diagnostics(False, made_from={"resourceUri": [A]})], "no diagnostic setting"),
            ([MADE, diagnostics(properties={"resourceUri": ACCOUNT_ID})], "no diagnostic setting"),
        ],
    ),
    "tags": (
        [
            account({"tags": {"project": "p", "stack": "s", "team": "t"}}),
            account({"tags": UNKNOWN}),
        ],
        [
            (account({"tags": {"project": "p"}}), "there is no tag stack"),
            (resource(tokens.GROUP), "there is no tag project and no tag stack"),
            (resource(tokens.PROFILE, {"tags": {"project": "", "stack": "s"}}), "no tag project"),
        ],
    ),
}
GOOD = [(name, case) for name, (good, _) in CASES.items() for case in good]
BAD = [(name, case, said) for name, (_, bad) in CASES.items() for case, said in bad]


def found(rule: str, case: Case) -> list[str]:
    resources = [case] if isinstance(case, Resource) else case
    return [wrong for _, wrong in violations(BY_NAME[rule], resources)]


def judged(rule: str) -> list[Resource]:
    """The resources of a rule's cases."""
    good, bad = CASES[rule]
    cases = [*good, *(case for case, _ in bad)]
    return [r for case in cases for r in ([case] if isinstance(case, Resource) else case)]


@pytest.mark.parametrize(("rule", "case"), GOOD)
def test_a_rule_accepts_what_complies(rule: str, case: Case) -> None:
    assert found(rule, case) == []


@pytest.mark.parametrize(("rule", "case", "said"), BAD)
def test_a_rule_reports_a_violation_once_with_its_value(rule: str, case: Case, said: str) -> None:
    (wrong,) = found(rule, case)
    assert said in wrong


def test_every_rule_is_tried_both_ways() -> None:
    assert sorted(CASES) == sorted(BY_NAME)
    assert all(good and bad for good, bad in CASES.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_ignores_other_types(rule: Rule) -> None:
    assert violations(rule, [resource("azure-native:compute:VirtualMachine")]) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_ignores_unknown_values(rule: Rule) -> None:
    # Of a classic CDN's parts, of an account's protection and of what is not declared at all, a
    # preview knows enough.
    if rule.name == "protected-account" or isinstance(rule, StackValidationPolicy):
        return
    names = {name for each in judged(rule.name) for name in each.props}
    unknown = [
        replace(each, props=dict.fromkeys(names, UNKNOWN))
        for each in judged(rule.name)
        if each.type not in tokens.CLASSIC
    ]
    assert unknown and names
    assert violations(rule, unknown) == []


def test_there_are_at_least_fifteen_rules_with_names_of_their_own() -> None:
    assert len(BY_NAME) == len(RULES) >= 15
    assert all(re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", name) for name in BY_NAME)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_control_a_level_a_description_and_a_remedy(rule: Rule) -> None:
    benchmark, number, described = re.fullmatch(
        r"(CIS|MCSB) (\S+): (.+)", rule.description
    ).groups()  # type: ignore[union-attr]
    form, name, version = {
        "CIS": (
            r"10\.[123](\.\d+){1,2}",
            "CIS Microsoft Azure Foundations Benchmark",
            "4.0.0",
        ),
        "MCSB": (
            r"(NS|IM|PA|DP|AM|LT|IR|PV|ES|BR|DS|GS)-\d{1,2}",
            "Microsoft cloud security benchmark",
            "1.0",
        ),
    }[benchmark]
    assert re.fullmatch(form, number)
    framework = rule.framework
    assert framework is not None
    assert (framework.name, framework.version, framework.reference) == (name, version, number)
    assert rule.enforcement_level in (None, EnforcementLevel.ADVISORY)
    assert not described.endswith(".")
    assert rule.remediation_steps and not rule.remediation_steps.endswith(".")


@pytest.mark.parametrize(
    "said",
    [str(rule.remediation_steps) for rule in RULES] + [each.close for each in EXEMPTIONS],
)
def test_a_remedy_names_an_existing_setting_or_file(said: str) -> None:
    settings = re.findall(r"pulumi config (?:set|rm) (?:--path )?'?(\w+)", said)
    files = re.findall(r"infra/\w+\.py", said)
    assert settings or files
    assert set(settings) <= set(SETTINGS)
    assert all((ROOT / file).exists() for file in files)


def test_the_types_exist_in_azure_native() -> None:
    package = __import__("pulumi_azure_native").__path__[0]
    from pathlib import Path

    constants = [value for name, value in vars(tokens).items() if name.isupper()]
    named = {value for value in constants if isinstance(value, str)} | set(tokens.CLASSIC)
    named.remove(tokens.STORAGE)
    assert len(named) > 15
    for type_ in named:
        _, module, resource_name = type_.split(":")
        file = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", resource_name).lower().replace("afd", "afd_")
        source = Path(package, module, f"{file.replace('__', '_')}.py").read_text(encoding="utf-8")
        assert f"'{type_}'" in source


def test_a_rule_without_a_validation_is_refused() -> None:
    with pytest.raises(TypeError, match="Must pass either validate or remediate"):
        ResourceValidationPolicy("x", "x")
    with pytest.raises(TypeError, match="Missing validate argument"):
        StackValidationPolicy("x", "x")
