"""Azure Front Door: what stands between visitors and the account."""

from __future__ import annotations

from collections.abc import Iterable

from policy.declared import UNKNOWN, Resource, items, text
from policy.rule import Level, Rule, expects, mcsb
from policy.tokens import CLASSIC, DOMAIN, ORIGIN, PROFILE, ROUTE

FRONT_DOOR = ("Standard_AzureFrontDoor", "Premium_AzureFrontDoor")
DECLARED = "infra/delivery.py declares it; undo the change to it"


def front_door(resource: Resource) -> Iterable[str]:
    if resource.type in CLASSIC:
        yield f"{resource.type.rpartition(':')[2]} belongs to the classic CDN"
    else:
        yield from expects("sku.name", *FRONT_DOOR)(resource)


def redirect(resource: Resource) -> Iterable[str]:
    """A route that has HTTPS only has nothing to redirect."""
    protocols = resource.at("supportedProtocols")
    if protocols is not UNKNOWN and items(protocols) != ["Https"]:
        yield from expects("httpsRedirect", "Enabled")(resource)


def certificate(resource: Resource) -> Iterable[str]:
    kind = resource.at("tlsSettings.certificateType")
    if kind not in ("ManagedCertificate", "AzureFirstPartyManagedCertificate", UNKNOWN):
        yield f"tlsSettings.certificateType is {text(kind)}, which somebody has to renew"


RULES = (
    Rule(
        "front-door-only",
        mcsb("AM-2"),
        Level.MANDATORY,
        "Files are delivered by Azure Front Door, not by the classic CDN that Azure is closing",
        "pulumi config set frontDoor standard",
        types=(PROFILE, *CLASSIC),
        check=front_door,
    ),
    Rule(
        "https-redirect",
        mcsb("DP-3"),
        Level.MANDATORY,
        "A visitor who comes over plain HTTP is sent to HTTPS",
        f"{DECLARED} (https_redirect)",
        types=(ROUTE,),
        check=redirect,
    ),
    Rule(
        "https-to-origin",
        mcsb("DP-3"),
        Level.MANDATORY,
        "Front Door fetches from the account over HTTPS",
        f"{DECLARED} (forwarding_protocol)",
        types=(ROUTE,),
        check=expects("forwardingProtocol", "HttpsOnly"),
    ),
    Rule(
        "origin-certificate",
        mcsb("DP-3"),
        Level.MANDATORY,
        "Front Door checks that the origin's certificate is the account's",
        f"{DECLARED} (enforce_certificate_name_check)",
        types=(ORIGIN,),
        check=expects("enforceCertificateNameCheck", True),
    ),
    Rule(
        "custom-domain-tls",
        mcsb("DP-3"),
        Level.MANDATORY,
        "A domain of the site's own takes TLS 1.2 at the least",
        f"{DECLARED} (minimum_tls_version)",
        types=(DOMAIN,),
        check=expects("tlsSettings.minimumTlsVersion", "TLS12", "TLS13"),
    ),
    Rule(
        "managed-certificate",
        mcsb("DP-7"),
        Level.MANDATORY,
        "Azure renews the certificate of a domain of the site's own",
        f"{DECLARED} (certificate_type)",
        types=(DOMAIN,),
        check=certificate,
    ),
)
