"""Azure's rules for names, regions, origins and tags, as pure functions.

Each takes a value and returns what is wrong with it, or an empty string. The sources are pages of
Azure's documentation, named at each rule.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

# "Azure regions list": the public cloud's regions that offer storage accounts.
REGIONS = frozenset(
    """
    australiacentral australiacentral2 australiaeast australiasoutheast austriaeast belgiumcentral
    brazilsouth brazilsoutheast canadacentral canadaeast centralindia centralus chilecentral
    denmarkeast eastasia eastus eastus2 francecentral francesouth germanynorth germanywestcentral
    indonesiacentral israelcentral italynorth japaneast japanwest jioindiacentral jioindiawest
    koreacentral koreasouth malaysiawest mexicocentral newzealandnorth northcentralus northeurope
    norwayeast norwaywest polandcentral qatarcentral southafricanorth southafricawest southcentralus
    southeastasia southindia spaincentral swedencentral swedensouth switzerlandnorth switzerlandwest
    uaecentral uaenorth uksouth ukwest westcentralus westeurope westindia westus westus2 westus3
    """.split()  # noqa: SIM905 - a list of sixty quoted lines says no more
)
# "Azure regions list": those with three availability zones, as ZRS and GZRS need them.
REGIONS_WITH_ZONES = frozenset(
    """
    australiaeast austriaeast belgiumcentral brazilsouth canadacentral centralindia centralus
    chilecentral denmarkeast eastasia eastus eastus2 francecentral germanywestcentral
    indonesiacentral israelcentral italynorth japaneast japanwest koreacentral malaysiawest
    mexicocentral newzealandnorth northeurope norwayeast polandcentral qatarcentral southafricanorth
    southcentralus southeastasia spaincentral swedencentral switzerlandnorth uaenorth uksouth
    westeurope westus2 westus3
    """.split()  # noqa: SIM905
)
# "Azure region pairs and nonpaired regions".
REGIONS_WITHOUT_PAIR = frozenset(
    """
    austriaeast belgiumcentral chilecentral denmarkeast indonesiacentral israelcentral italynorth
    malaysiawest mexicocentral newzealandnorth polandcentral qatarcentral spaincentral
    """.split()  # noqa: SIM905
)
# "Secure your Origin with Private Link in Azure Front Door Premium", region availability: those of
# the public cloud. For an account elsewhere the page says to take the nearest of them.
PRIVATE_LINK_REGIONS = frozenset(
    """
    australiaeast brazilsouth canadacentral centralindia centralus eastasia eastus eastus2
    francecentral germanywestcentral japaneast koreacentral northeurope norwayeast southafricanorth
    southcentralus southeastasia swedencentral uaenorth uksouth westeurope westus2 westus3
    """.split()  # noqa: SIM905
)
# "SKU Types" (Storage resource provider): those of accounts with block blobs.
SKUS = (
    "Standard_LRS",
    "Standard_GRS",
    "Standard_RAGRS",
    "Standard_ZRS",
    "Standard_GZRS",
    "Standard_RAGZRS",
    "Premium_LRS",
    "Premium_ZRS",
)
_GUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/network"
SUBNET_EXAMPLE = f"{_SUBSCRIPTION}/providers/Microsoft.Network/virtualNetworks/hub/subnets/web"
# "Azure Private Endpoint private DNS zone values", Storage account (blob).
PRIVATE_ZONE = "privatelink.blob.core.windows.net"
ZONE_EXAMPLE = f"{_SUBSCRIPTION}/providers/Microsoft.Network/privateDnsZones/{PRIVATE_ZONE}"
WORKSPACE_EXAMPLE = f"{_SUBSCRIPTION}/providers/Microsoft.OperationalInsights/workspaces/logs"
# RFC 1918, which the firewall of a public endpoint never sees.
PRIVATE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
# Hosts that give a subdomain to whoever signs up, most of them from the private part of the Public
# Suffix List (publicsuffix.org).
SHARED_HOSTS = (
    "azurecontainerapps.io",
    "azurestaticapps.net",
    "azurewebsites.net",
    "cloudapp.azure.com",
    "cloudfront.net",
    "fly.dev",
    "github.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "netlify.app",
    "ngrok.app",
    "ngrok-free.app",
    "onrender.com",
    "pages.dev",
    "railway.app",
    "run.app",
    "vercel.app",
    "web.core.windows.net",
    "workers.dev",
)
# "Set Blob Service Properties": a rule names 64 origins at the most.
MOST_ORIGINS = 64
# "Use tags to organize your Azure resources": a resource holds 50, and storage accounts take names
# of 128 characters where other resources take 512.
MOST_TAGS, TAG_NAME, TAG_VALUE = 50, 128, 256
# Set by the stack itself, unless the setting says otherwise.
OWN_TAGS = ("project", "stack")


def region(value: str) -> str:
    if value in REGIONS:
        return ""
    return "no region of Azure's public cloud, which are written in lower case without spaces"


def one_of(*allowed: str) -> Callable[[str], str]:
    """A rule for a value out of a short list."""
    listed = " or ".join(allowed) if len(allowed) == 2 else f"one of {', '.join(allowed)}"
    return lambda value: "" if value in allowed else listed


def or_empty(rule: Callable[[str], str]) -> Callable[[str], str]:
    """The rule for a value that may be left empty, as Pulumi.yaml's default has it."""
    return lambda value: rule(value) if value else ""


def resource_group_name(value: str) -> str:
    """ "Naming rules and restrictions for Azure resources": Microsoft.Resources/resourceGroups."""
    if re.fullmatch(r"[\w.()-]{0,89}[\w()-]", value):
        return ""
    return "1 to 90 letters, digits and _ - . ( ), and no '.' at the end"


def account_name(value: str) -> str:
    """ "Storage account overview": a name is part of a host name, so it is unique worldwide."""
    if re.fullmatch(r"[a-z0-9]{3,24}", value):
        return ""
    return "3 to 24 lower-case letters (a-z) and digits"


def account_name_prefix(value: str) -> str:
    """azure-native appends 8 hex digits, and neither lower-cases nor shortens: 24 - 8 are left."""
    if re.fullmatch(r"[a-z0-9]{1,16}", value):
        return ""
    return "1 to 16 lower-case letters (a-z) and digits; 8 more are appended to make it unique"


def container_name(value: str) -> str:
    """ "Naming and Referencing Containers, Blobs, and Metadata"."""
    if 3 <= len(value) <= 63 and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        return ""
    return "3 to 63 lower-case letters (a-z), digits and single hyphens, none at an end"


def origin(value: str, *, any_allowed: bool) -> str:
    """ "Cross-Origin Resource Sharing (CORS) support for Azure Storage": compared by letters.

    The page's example allows a domain's subdomains with an origin such as `http://*.contoso.com`.
    """
    if value == "*":
        return (
            ""
            if any_allowed
            else "'*' lets every site in; if you want that, say so with the switch"
        )
    form = "an origin is a scheme, a host and, if it is not the usual one, a port: nothing after it"
    if not re.fullmatch(r"[\x21-\x7e]{1,256}", value):
        return f"{form}; plain ASCII without spaces, at most 256 characters"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return form
    shown = host
    if wildcard := host.startswith("*."):
        host = host[2:]
    if parts.scheme not in ("http", "https") or not _host(host) or port == 0:
        return form
    if wildcard and host != "localhost" and (re.fullmatch(r"[\d.:]+", host) or "." not in host):
        return f"{form}; '*.' needs a domain of yours behind it, such as https://*.example.com"
    if ":" in host:
        shown = f"[{ipaddress.ip_address(host).compressed}]"
    if value != f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else ""):
        return f"{form}; and all in lower case, as browsers send it"
    if port == {"http": 80, "https": 443}[parts.scheme]:
        return f"browsers leave out the scheme's own port, so :{port} would never match"
    if parts.scheme == "http" and host not in LOCAL_HOSTS:
        return (
            "over plain http anybody on the way can change the page; http is for this machine only"
        )
    return ""


def wide(value: str) -> str:
    """Why an origin with a wildcard lets in more pages than its owner may expect, or ''."""
    _, wildcard, rest = value.partition("://*.")
    host = rest.partition(":")[0]
    if not wildcard or host == "localhost":
        return ""
    shared = next((name for name in SHARED_HOSTS if f".{host}".endswith(f".{name}")), "")
    if shared:
        return f"anyone can have a page under {shared}"
    if host.count(".") == 1:
        return f"every subdomain of {host} is let in, also those that others run or abandoned"
    return ""


def principal(value: str) -> str:
    """ "Role assignments": an object id is a GUID; the type spares a look-up that may lag."""
    if re.fullmatch(rf"(ServicePrincipal|User|Group):{_GUID}", value):
        return ""
    return (
        "a type (ServicePrincipal, User or Group), a colon and the object id; "
        "a managed identity is a ServicePrincipal"
    )


def ip_range(value: str) -> str:
    """ "Configure Azure Storage firewalls": public IPv4, ranges no smaller than a /30."""
    form = "a public IPv4 address, or a range such as 203.0.113.0/24"
    if not re.fullmatch(r"[0-9.]+(/[0-9]{1,2})?", value):
        return form
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        return f"{form}; {error}" if "host bits" in str(error) else form
    if any(network.overlaps(ipaddress.IPv4Network(private)) for private in PRIVATE_RANGES):
        return f"{form}; private addresses never reach a public endpoint: list their subnet instead"
    if "/" in value and network.prefixlen > 30:
        return f"{form}; Azure takes no /31 and /32: list the single addresses"
    return ""


def subnet(value: str) -> str:
    pattern = r"/providers/Microsoft\.Network/virtualNetworks/[\w.-]{2,64}/subnets/[\w.-]{1,80}"
    return _resource_id(value, pattern, "a subnet", SUBNET_EXAMPLE)


def workspace(value: str) -> str:
    pattern = r"/providers/Microsoft\.OperationalInsights/workspaces/[A-Za-z0-9-]{4,63}"
    return _resource_id(value, pattern, "a Log Analytics workspace", WORKSPACE_EXAMPLE)


def private_zone(value: str) -> str:
    """Another zone would not be asked for the name that the account's own name leads to."""
    pattern = rf"/providers/Microsoft\.Network/privateDnsZones/{re.escape(PRIVATE_ZONE)}"
    return _resource_id(value, pattern, "a private DNS zone of that name", ZONE_EXAMPLE)


def private_link_region(value: str) -> str:
    if value in PRIVATE_LINK_REGIONS:
        return ""
    listed = ", ".join(sorted(PRIVATE_LINK_REGIONS))
    return f"Front Door's private link is offered in {listed}"


def host_name(value: str) -> str:
    if _host(value) and "." in value and not re.fullmatch(r"[\d.]+", value):
        return ""
    return "a host name in lower case, such as static.example.com: no scheme, port or path"


def _resource_id(value: str, provider: str, what: str, example: str) -> str:
    pattern = rf"/subscriptions/{_GUID}/resourceGroups/[\w.()-]{{1,90}}{provider}"
    if re.fullmatch(pattern, value, re.IGNORECASE | re.ASCII):
        return ""
    return f"the id of {what}, such as {example}"


def tags(value: dict[str, str]) -> str:
    """ "Use tags to organize your Azure resources": limits of number, length and characters."""
    most = MOST_TAGS - len(set(OWN_TAGS) - set(value))
    if len(value) > most:
        return f"at most {most} tags beside {' and '.join(OWN_TAGS)}"
    for name, text in value.items():
        if not 1 <= len(name) <= TAG_NAME or re.search(r"[<>%&\\?/\x00-\x1f]", name):
            return f"a tag's name has 1 to {TAG_NAME} characters, none of them < > % & \\ ? /"
        if name.lower().startswith(("azure", "microsoft", "windows")):
            return "names that begin with azure, microsoft or windows are Azure's own"
        if len(text) > TAG_VALUE:
            return f"a tag's value has at most {TAG_VALUE} characters"
    if len({name.lower() for name in value}) < len(value):
        return "two names differ in case only, and to Azure they are one"
    return ""


def _host(host: str) -> bool:
    if ":" in host or re.fullmatch(r"[\d.]+", host):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True
    labels = host.split(".")
    return len(host) <= 253 and all(
        re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label) for label in labels
    )
