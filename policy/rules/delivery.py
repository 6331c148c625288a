"""Azure Front Door, in front of the account."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi_policy import ResourceValidationPolicy

from policy.declared import UNKNOWN, Resource, items, text
from policy.rule import expects, mcsb, of_each
from policy.tokens import CLASSIC, DOMAIN, ORIGIN, PROFILE, ROUTE

FRONT_DOOR = ("Standard_AzureFrontDoor", "Premium_AzureFrontDoor")
DECLARED = "infra/delivery.py declares it; undo the change to it"


def front_door(resource: Resource) -> Iterable[str]:
    if resource.type in CLASSIC:
        yield f"{resource.type.rpartition(':')[2]} belongs to the classic CDN"
    else:
        yield from expects("sku.name", *FRONT_DOOR)(resource)


def redirect(resource: Resource) -> Iterable[str]:
    """A route with HTTPS only has nothing to redirect."""
    protocols = resource.at("supportedProtocols")
    if protocols is not UNKNOWN and items(protocols) != ["Https"]:
        yield from expects("httpsRedirect", "Enabled")(resource)


def certificate(resource: Resource) -> Iterable[str]:
    kind = resource.at("tlsSettings.certificateType")
    if kind not in ("ManagedCertificate", "AzureFirstPartyManagedCertificate", UNKNOWN):
        yield f"tlsSettings.certificateType is {text(kind)}, which somebody has to renew"


RULES = (
    ResourceValidationPolicy(
        name="front-door-only",
        **mcsb("AM-2", "Files are delivered by Azure Front Door, not by the retired classic CDN"),
        remediation_steps="pulumi config set frontDoor standard",
        validate=of_each((PROFILE, *CLASSIC), front_door),
    ),
    ResourceValidationPolicy(
        name="https-redirect",
        **mcsb("DP-3", "Plain HTTP is redirected to HTTPS"),
        remediation_steps=f"{DECLARED} (https_redirect)",
        validate=of_each(ROUTE, redirect),
    ),
    ResourceValidationPolicy(
        name="https-to-origin",
        **mcsb("DP-3", "Front Door fetches from the account over HTTPS"),
        remediation_steps=f"{DECLARED} (forwarding_protocol)",
        validate=of_each(ROUTE, expects("forwardingProtocol", "HttpsOnly")),
    ),
    ResourceValidationPolicy(
        name="origin-certificate",
        **mcsb("DP-3", "Front Door verifies the origin's certificate"),
        remediation_steps=f"{DECLARED} (enforce_certificate_name_check)",
        validate=of_each(ORIGIN, expects("enforceCertificateNameCheck", True)),
    ),
    ResourceValidationPolicy(
        name="custom-domain-tls",
        **mcsb("DP-3", "A custom domain requires TLS 1.2 or newer"),
        remediation_steps=f"{DECLARED} (minimum_tls_version)",
        validate=of_each(DOMAIN, expects("tlsSettings.minimumTlsVersion", "TLS12", "TLS13")),
    ),
    ResourceValidationPolicy(
        name="managed-certificate",
        **mcsb("DP-7", "Azure renews the certificate of a custom domain"),
        remediation_steps=f"{DECLARED} (certificate_type)",
        validate=of_each(DOMAIN, certificate),
    ),
)
