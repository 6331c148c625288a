"""Settings that are right one by one and wrong together, each with Azure's reason.

A rule returns the key to change, what is wrong, and the command that mends it ('' for the example
of the setting itself).
"""

from __future__ import annotations

from collections.abc import Iterator

from . import rules
from .config import StackConfig

Contradiction = tuple[str, str, str]


def contradictions(config: StackConfig) -> list[Contradiction]:
    """Every contradiction in a configuration whose settings are each right by themselves."""
    return [
        *_containers(config),
        *_copies(config),
        *_kind(config),
        *_history(config),
        *_identity(config),
        *_network(config),
        *_delivery(config),
        *_adoption(config),
    ]


def _containers(config: StackConfig) -> Iterator[Contradiction]:
    if config.static_container == config.media_container:
        rule = "the static files' container; uploads need one of their own"
        yield "mediaContainer", rule, "pulumi config set mediaContainer media"
    others = {"static files'": config.static_container, "accepted uploads'": config.media_container}
    for whose, other in others.items():
        if config.quarantine_container == other:
            rule = f"the {whose} container; what nobody has checked yet needs one of its own"
            yield "quarantineContainer", rule, "pulumi config set quarantineContainer unchecked"


def _copies(config: StackConfig) -> Iterator[Contradiction]:
    """Azure's page "Azure Storage redundancy": not every region has zones, or a pair."""
    zones = "ZRS" in config.sku
    paired = config.sku.removeprefix("Standard_") in ("GRS", "RAGRS", "GZRS", "RAGZRS")
    offer = "pulumi config set sku Standard_LRS"
    if zones and config.location not in rules.REGIONS_WITH_ZONES:
        yield "sku", f"{config.location} has no availability zones to spread the copies over", offer
    elif paired and config.location in rules.REGIONS_WITHOUT_PAIR:
        other = "Standard_ZRS" if config.location in rules.REGIONS_WITH_ZONES else "Standard_LRS"
        rule = f"{config.location} is paired with no second region to copy to"
        yield "sku", rule, f"pulumi config set sku {other}"


def _kind(config: StackConfig) -> Iterator[Contradiction]:
    """Azure's pages "Storage account overview" and "Blob versioning": what a kind offers."""
    premium = config.sku.startswith("Premium_")
    if premium is not (config.account_kind == "BlockBlobStorage"):
        rule = "BlockBlobStorage goes with Premium_LRS and Premium_ZRS, all else with Standard_"
        kind = "BlockBlobStorage" if premium else "StorageV2"
        yield "accountKind", rule, f"pulumi config set accountKind {kind}"
    if config.account_kind == "Storage":
        lacking = {
            "versioning": config.versioning,
            "restoreDays": config.restore_days > 0,
            "coolAfterDays": config.cool_after_days > 0,
        }
        for key in (key for key, wanted in lacking.items() if wanted):
            rule = "accounts of kind Storage have no such thing; StorageV2 has"
            yield key, rule, "pulumi config set accountKind StorageV2"
        if not config.adopt:
            rule = (
                "the first kind of accounts is retired: it can be adopted, and then be upgraded in "
                "place"
            )
            yield "accountKind", rule, "pulumi config set accountKind StorageV2"
    if config.account_kind == "BlockBlobStorage":
        if config.restore_days:
            rule = "premium accounts cannot be turned back in time"
            yield "restoreDays", rule, "pulumi config set restoreDays 0"
        if config.cool_after_days:
            rule = "premium accounts have no cool tier"
            yield "coolAfterDays", rule, "pulumi config set coolAfterDays 0"


def _history(config: StackConfig) -> Iterator[Contradiction]:
    """Azure's page "Point-in-time restore for block blobs", prerequisites."""
    if not config.restore_days:
        return
    if not config.versioning:
        rule = "turning back in time needs the blobs' versions"
        yield "restoreDays", rule, "pulumi config set versioning true"
    if config.restore_days >= config.blob_soft_delete_days:
        days = config.restore_days + 1
        rule = (
            f"it has to be less than blobSoftDeleteDays, which is {config.blob_soft_delete_days}: "
            "what was deleted comes back from there"
        )
        yield "restoreDays", rule, f"pulumi config set blobSoftDeleteDays {days}"


def _identity(config: StackConfig) -> Iterator[Contradiction]:
    if not config.uses_keys and not config.data_principals and not config.adopt:
        rule = "with authMode identity there are no keys, so without a principal nobody gets in"
        yield "dataPrincipals", rule, ""


def _network(config: StackConfig) -> Iterator[Contradiction]:
    """Azure's page "Configure Azure Storage firewalls and virtual networks"."""
    listed = bool(config.allowed_ip_ranges or config.allowed_subnets)
    reached = bool(config.private_endpoint_subnet)
    by_front_door = config.front_door == "premium"
    if listed and config.network_access != "firewall":
        key = "allowedIpRanges" if config.allowed_ip_ranges else "allowedSubnets"
        rule = f"without effect while networkAccess is {config.network_access}"
        yield key, rule, "pulumi config set networkAccess firewall"
    if config.network_access == "firewall" and not (listed or reached):
        rule = "nobody is let through: list addresses, subnets, or a private endpoint's subnet"
        yield "networkAccess", rule, "pulumi config set --path 'allowedIpRanges[0]' 203.0.113.0/24"
    if config.private_dns_zone_id and not reached:
        rule = "without effect while there is no private endpoint"
        subnet = f"pulumi config set privateEndpointSubnet {rules.SUBNET_EXAMPLE}"
        yield "privateDnsZoneId", rule, subnet
    if config.network_access == "closed" and not reached:
        rule = "nobody could reach the account, the site included, but through a private endpoint"
        subnet = f"pulumi config set privateEndpointSubnet {rules.SUBNET_EXAMPLE}"
        yield "networkAccess", rule, subnet
    if config.network_access == "closed" and config.media_is_public and not by_front_door:
        rule = (
            "public, while networkAccess closed lets no visitor in to read: private media, or "
            "Front Door premium, which has a private way in"
        )
        yield "mediaAccess", rule, "pulumi config set mediaAccess private"


def _delivery(config: StackConfig) -> Iterator[Contradiction]:
    if config.custom_domain and config.front_door == "none":
        rule = "a domain of your own needs Front Door, which holds its certificate"
        yield "customDomain", rule, "pulumi config set frontDoor standard"
    if config.front_door == "standard" and config.network_access != "open":
        # "Secure traffic to Azure Front Door origins": its addresses are a service tag, which a
        # storage account's firewall does not take; private links are premium's.
        rule = (
            f"with networkAccess {config.network_access} it does not reach the account: only "
            "premium has a private way in"
        )
        yield "frontDoor", rule, "pulumi config set frontDoor premium"
    linked = config.front_door == "premium" and config.network_access != "open"
    if config.private_link_location and not linked:
        rule = "without effect unless frontDoor is premium and networkAccess firewall or closed"
        yield "privateLinkLocation", rule, "pulumi config set privateLinkLocation ''"
    elif linked and not config.private_link_location:
        wrong = rules.private_link_region(str(config.location))
        if wrong:
            rule = f"{wrong}, and not in {config.location}: name the one nearest to it"
            yield "privateLinkLocation", rule, ""
    if not config.static_is_public and config.front_door == "none":
        rule = "private, so browsers cannot read it, unless Front Door does so for them"
        yield "staticAccess", rule, "pulumi config set frontDoor standard"
    elif not config.static_is_public and config.network_access != "open":
        # "Use managed identities to authenticate to origins": not for private links.
        rule = "Front Door cannot sign in over its private link; that link is what keeps others out"
        yield "staticAccess", rule, "pulumi config set staticAccess public"


def _adoption(config: StackConfig) -> Iterator[Contradiction]:
    if config.adopt and not config.account_name:
        rule = "which account? Its name is not set"
        yield "accountName", rule, ""
