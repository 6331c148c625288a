"""Validates a configuration as a whole, so that all of its problems can be reported at once.

Each value meets the rules of its type (`rules`). Then settings are compared that are valid one by
one and contradict each other, each with Azure's reason. Such a check yields the setting to change,
the reason, and a setting with a value that resolves it (None: the example of the first one).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar, cast

from pydantic import AfterValidator, TypeAdapter, ValidationError

from . import rules
from .config import DjangoBlobStorageArgs
from .errors import Refusal, refused
from .origins import MOST_ORIGINS
from .settings import FIELDS

Config = TypeVar("Config", bound=DjangoBlobStorageArgs)
Contradiction = tuple[str, str, tuple[str, Any] | None]


def validated(
    model: type[Config], values: Mapping[str, Any]
) -> tuple[Config | None, list[Refusal]]:
    """The configuration out of values by field, or what is wrong with them.

    Contradictions are looked for once each value is valid by itself.
    """
    try:
        # mypy does not see that a class is hashable if its instances are not.
        config: Config = _adapter(cast("Any", model)).validate_python(dict(values))
    except ValidationError as error:
        return None, refusals(error)
    return config, []


@functools.cache
def _adapter(model: type[DjangoBlobStorageArgs]) -> TypeAdapter[Any]:
    """Cached: building the schema takes far longer than validating a configuration."""
    whole: Any = Annotated[model, AfterValidator(_refuse_contradictions)]
    return TypeAdapter(whole)


def refusals(error: ValidationError, field: str = "") -> list[Refusal]:
    """pydantic's errors with the rules of this project. `field` is whose value was validated, if it
    was a value by itself."""
    found = []
    for each in error.errors(include_url=False):
        where = (field,) if field else each["loc"]
        context = each.get("ctx", {})
        fix = None
        if each["type"] == "refused":
            rule, fix = context["rule"], context["fix"]
        elif each["type"] == "value_error":
            rule = str(context["error"])
        elif rules.is_output(each["input"]):
            rule = rules.PLAIN_VALUE
        else:
            rule = "not a string" if len(where) > 1 else FIELDS[str(where[0])].form
        found.append(Refusal(where, each["input"], rule, fix))
    return found


def _refuse_contradictions(config: DjangoBlobStorageArgs) -> DjangoBlobStorageArgs:
    found = [
        Refusal((field,), getattr(config, field), rule, fix)
        for check in (
            _containers,
            _redundancy,
            _kind,
            _restore,
            _identity,
            _reachability,
            _front_door,
            _names,
            _hosting,
            _adoption,
        )
        for field, rule, fix in check(config)
    ]
    if found:
        raise refused(found)
    return config


def _containers(config: DjangoBlobStorageArgs) -> Iterator[Contradiction]:
    if config.static_container == config.media_container:
        rule = "the static files' container; uploads need one of their own"
        yield "media_container", rule, ("media_container", "media")
    others = {"static files'": config.static_container, "accepted uploads'": config.media_container}
    for whose, other in others.items():
        if config.quarantine_container == other:
            rule = f"the {whose} container; unchecked uploads need one of their own"
            yield "quarantine_container", rule, ("quarantine_container", "unchecked")


def _redundancy(config: DjangoBlobStorageArgs) -> Iterator[Contradiction]:
    """Azure's page "Azure Storage redundancy": not every region has zones, or a pair."""
    location = config.location
    if not isinstance(location, str):
        return
    has_zones = "zones" in rules.REGIONS[location]
    paired = config.sku.removeprefix("Standard_") in ("GRS", "RAGRS", "GZRS", "RAGZRS")
    if "ZRS" in config.sku and not has_zones:
        rule = f"{location} has no availability zones to spread the copies over"
        yield "sku", rule, ("sku", "Standard_LRS")
    elif paired and "pair" not in rules.REGIONS[location]:
        rule = f"{location} is paired with no second region to copy to"
        yield "sku", rule, ("sku", "Standard_ZRS" if has_zones else "Standard_LRS")


def _kind(config: DjangoBlobStorageArgs) -> Iterator[Contradiction]:
    """Azure's pages "Storage account overview" and "Blob versioning": what a kind offers."""
    kind, premium = config.account_kind, config.sku.startswith("Premium_")
    upgrade = ("account_kind", "StorageV2")
    if premium is not (kind == "BlockBlobStorage"):
        rule = "BlockBlobStorage requires Premium_LRS or Premium_ZRS, other kinds Standard_"
        yield "account_kind", rule, ("account_kind", "BlockBlobStorage") if premium else upgrade
    if kind == "Storage":
        for field in ("versioning", "restore_days", "cool_after_days"):
            if getattr(config, field):
                yield field, "accounts of kind Storage do not support it; StorageV2 does", upgrade
        if not config.adopt:
            rule = "this kind is retired: an account can be adopted, and then upgraded in place"
            yield "account_kind", rule, upgrade
    if kind == "BlockBlobStorage" and config.restore_days:
        rule = "premium accounts do not support point-in-time restore"
        yield "restore_days", rule, ("restore_days", 0)
    if kind == "BlockBlobStorage" and config.cool_after_days:
        yield "cool_after_days", "premium accounts have no cool tier", ("cool_after_days", 0)


def _restore(config: DjangoBlobStorageArgs) -> Iterator[Contradiction]:
    """Azure's page "Point-in-time restore for block blobs", prerequisites."""
    if not config.restore_days:
        return
    if not config.versioning:
        yield "restore_days", "point-in-time restore needs versioning", ("versioning", True)
    if config.restore_days >= config.blob_soft_delete_days:
        rule = (
            f"it must be less than blobSoftDeleteDays, which is {config.blob_soft_delete_days}: "
            "deleted blobs are restored from there"
        )
        yield "restore_days", rule, ("blob_soft_delete_days", config.restore_days + 1)


def _identity(config: DjangoBlobStorageArgs) -> Iterator[Contradiction]:
    principals = config.data_principals or config.has_site
    if not config.uses_keys and not principals and not config.adopt:
        yield "data_principals", "with authMode identity only principals have access", None


def _reachability(config: DjangoBlobStorageArgs) -> Iterator[Contradiction]:
    """Azure's page "Configure Azure Storage firewalls and virtual networks"."""
    access = config.network_access
    listed = bool(config.allowed_ip_ranges or config.allowed_subnets)
    endpoint = config.private_endpoint_subnet != ""
    subnet = ("private_endpoint_subnet", rules.SUBNET_EXAMPLE)
    if listed and access != "firewall":
        field = "allowed_ip_ranges" if config.allowed_ip_ranges else "allowed_subnets"
        rule = f"it has no effect while networkAccess is {access}"
        yield field, rule, ("network_access", "firewall")
    if access == "firewall" and not (listed or endpoint):
        rule = "nothing is admitted: list addresses, subnets, or a private endpoint's subnet"
        yield "network_access", rule, ("allowed_ip_ranges", ["203.0.113.0/24"])
    if access == "closed" and not endpoint:
        rule = "only a private endpoint could reach the account, and there is none"
        yield "network_access", rule, subnet
    if config.private_dns_zone_id != "" and not endpoint:
        yield "private_dns_zone_id", "it has no effect without a private endpoint", subnet
    if access == "closed" and config.media_is_public and config.front_door != "premium":
        rule = (
            "networkAccess closed keeps visitors out: use private media, or Front Door premium, "
            "which has a private link to the account"
        )
        yield "media_access", rule, ("media_access", "private")


def _front_door(config: DjangoBlobStorageArgs) -> Iterator[Contradiction]:
    if config.custom_domain and config.front_door == "none":
        rule = "a domain of your own needs Front Door, which holds its certificate"
        yield "custom_domain", rule, ("front_door", "standard")
    if config.front_door == "standard" and not config.is_open:
        # "Secure traffic to Azure Front Door origins": its addresses are a service tag, which a
        # storage account's firewall does not take; private links require premium.
        rule = (
            f"with networkAccess {config.network_access} it does not reach the account: only "
            "premium has a private link"
        )
        yield "front_door", rule, ("front_door", "premium")
    linked = config.front_door == "premium" and not config.is_open
    location = config.location
    if config.private_link_location and not linked:
        rule = "it has no effect unless frontDoor is premium and networkAccess firewall or closed"
        yield "private_link_location", rule, ("private_link_location", "")
    elif (
        linked
        and not config.private_link_location
        and isinstance(location, str)
        and location not in rules.PRIVATE_LINK_REGIONS
    ):
        rule = f"{rules.PRIVATE_LINK_RULE}, and not in {location}: name the nearest one"
        yield "private_link_location", rule, None
    if config.static_is_public:
        return
    if config.front_door == "none":
        rule = "private, so browsers cannot read it except through Front Door"
        yield "static_access", rule, ("front_door", "standard")
    elif not config.is_open:
        # "Use managed identities to authenticate to origins": not for private links.
        rule = (
            "Front Door cannot sign in over its private link, and needs no private container: the "
            "closed network protects it"
        )
        yield "static_access", rule, ("static_access", "public")


def _names(config: DjangoBlobStorageArgs) -> Iterator[Contradiction]:
    if config.resource_group_name == "" and not config.create_resource_group:
        rule = "an existing resource group (createResourceGroup is false) must be named"
        yield "resource_group_name", rule, None


def _hosting(config: DjangoBlobStorageArgs) -> Iterator[Contradiction]:
    if not config.has_site:
        for field in ("site_hosts", "site_subnet"):
            if getattr(config, field):
                yield field, "it has no effect while host is none", ("host", "appService")
        return
    for field, what in (("database_url", "its database"), ("secret_key", "Django's secret key")):
        if getattr(config, field) == "":
            yield field, f"with host {config.host} the site needs {what}", None
    if config.adopt:
        rule = "adopt takes over an account as it is: let the stack host the site afterwards"
        yield "host", rule, ("host", "none")
    most = MOST_ORIGINS - 1  # the web app's own name is one
    if len({*config.cors_origins, *(f"https://{host}" for host in config.site_hosts)}) > most:
        rule = f"at most {most}, together with siteHosts: the site's own name is an origin as well"
        yield "cors_origins", rule, None
    # "Integrate your app with an Azure virtual network".
    subnet = config.site_subnet
    if subnet == "":
        if not config.is_open:
            rule = f"with networkAccess {config.network_access} the site needs a subnet to come by"
            yield "site_subnet", rule, None
        return
    if config.site_size == "F1":
        yield "site_size", "F1 has no network integration", ("site_size", "B1")
    known = isinstance(subnet, str) and not rules.holds_output(config.allowed_subnets)
    by_firewall = config.network_access == "firewall" and config.private_endpoint_subnet == ""
    if by_firewall and known and subnet not in config.allowed_subnets:
        rule = "the firewall does not admit the site's subnet, and there is no private endpoint"
        yield "allowed_subnets", rule, ("allowed_subnets", [*config.allowed_subnets, subnet])


def _adoption(config: DjangoBlobStorageArgs) -> Iterator[Contradiction]:
    if not config.adopt:
        return
    if config.account_name == "":
        yield "account_name", "adopting an account requires its name", None
    for field, value in vars(config).items():
        if rules.holds_output(value):
            yield field, rules.PLAIN_VALUE, None
