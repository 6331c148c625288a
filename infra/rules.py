"""Azure's rules for names, regions, origins and tags, as types that pydantic validates.

A validator raises ValueError with the rule. The sources are pages of Azure's documentation, named
at each rule.
"""

import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import pulumi
from annotated_types import Ge
from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    Strict,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import CoreSchema, core_schema

from . import origins
from .errors import Refusal, refused

# The public cloud's regions that offer storage accounts ("Azure regions list"), and what each has:
# three availability zones, as ZRS and GZRS need them, a paired region ("Azure region pairs and
# nonpaired regions"), and Front Door's private link ("Secure your Origin with Private Link in Azure
# Front Door Premium", region availability; for an account elsewhere, take the nearest).
REGIONS: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("regions.json").read_text("utf-8")
)
PRIVATE_LINK_REGIONS = {name for name, has in REGIONS.items() if "privateLink" in has}
PRIVATE_LINK_RULE = (
    f"Front Door's private link is offered in {', '.join(sorted(PRIVATE_LINK_REGIONS))}"
)
PLAIN_VALUE = "needed when the program runs, so it must be a plain value and not an output"
_GUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/network"
SUBNET_EXAMPLE = f"{_SUBSCRIPTION}/providers/Microsoft.Network/virtualNetworks/hub/subnets/web"
# "Azure Private Endpoint private DNS zone values", Storage account (blob).
PRIVATE_ZONE = "privatelink.blob.core.windows.net"
ZONE_EXAMPLE = f"{_SUBSCRIPTION}/providers/Microsoft.Network/privateDnsZones/{PRIVATE_ZONE}"
WORKSPACE_EXAMPLE = f"{_SUBSCRIPTION}/providers/Microsoft.OperationalInsights/workspaces/logs"
# RFC 1918, which the firewall of a public endpoint never sees.
PRIVATE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# "Use tags to organize your Azure resources": a resource holds 50, and storage accounts take names
# of 128 characters where other resources take 512.
MOST_TAGS, TAG_NAME, TAG_VALUE = 50, 128, 256
# Set by the stack itself, unless the setting says otherwise.
OWN_TAGS = ("project", "stack")
# JSON numbers beyond this have lost digits by the time a program reads them (RFC 8259, 6).
EXACT_INTEGER = 2**53
# What the Pulumi CLI turns an unquoted YAML date into.
YAML_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} .*")

# Django's check security.W009 asks for as many.
SECRET_KEY_LENGTH = 50

T = TypeVar("T")


class Secret(str):
    """A text that a representation does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[secret]'"


class _KnownOrOutput:
    """Validates a value that is known when the program runs, and accepts another resource's output,
    which `arguments` validates once it is known."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def validate(value: Any, known: ValidatorFunctionWrapHandler) -> Any:
            return value if is_output(value) else known(value)

        plain_type = get_args(source)[0]
        return core_schema.no_info_wrap_validator_function(
            validate, handler.generate_schema(plain_type)
        )


_KNOWN_OR_OUTPUT = _KnownOrOutput()
# A `pulumi.Input` whose value, where it is known, meets the rules of its type.
Input = Annotated[pulumi.Input[T], _KNOWN_OR_OUTPUT]


def takes_output(annotation: Any) -> bool:
    return _KNOWN_OR_OUTPUT in getattr(annotation, "__metadata__", ())


def is_output(value: Any) -> bool:
    return isinstance(value, pulumi.Output | Awaitable)


def holds_output(value: Any) -> bool:
    """Whether a value is an output, or a list or mapping with one."""
    if isinstance(value, Mapping):
        return any(map(is_output, value.values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(map(is_output, value))
    return is_output(value)


def _empty_or(value: Any, known: ValidatorFunctionWrapHandler) -> Any:
    return value if value == "" else known(value)


# A value that may be left empty, as Pulumi.yaml's default is.
OrEmpty = Annotated[T, WrapValidator(_empty_or)]


def _matching(pattern: re.Pattern[str], rule: str) -> AfterValidator:
    """A text that matches a pattern from end to end."""
    return _satisfying(lambda value: bool(pattern.fullmatch(value)), rule)


def _satisfying(condition: Callable[[str], bool], rule: str) -> AfterValidator:
    def validate(value: str) -> str:
        if not condition(value):
            raise ValueError(rule)
        return value

    return AfterValidator(validate)


def _resource_id(provider: str, what: str, example: str) -> AfterValidator:
    pattern = re.compile(
        rf"/subscriptions/{_GUID}/resourceGroups/[\w.()-]{{1,90}}{provider}",
        re.IGNORECASE | re.ASCII,
    )
    return _matching(pattern, f"the id of {what}, such as {example}")


def _origin(value: str, info: ValidationInfo) -> str:
    if value == "*":
        # An output is validated by itself, with the other settings as context.
        settings = info.data or info.context or {}
        if settings.get("cors_allow_any_origin") is not True:
            rule = "'*' admits every site; if you want that, say so with the switch"
            raise refused([Refusal((), value, rule, ("cors_allow_any_origin", True))])
    elif rule := origins.problem(value):
        raise ValueError(rule)
    return value


def _origins(values: Sequence[Any]) -> tuple[Any, ...]:
    if len(values) > origins.MOST_ORIGINS:
        raise ValueError(f"at most {origins.MOST_ORIGINS} origins")
    if "*" in values and len(values) > 1:
        raise ValueError("'*' covers every other origin, so it must be the only one")
    return _distinct(values)


def _distinct(values: Sequence[Any]) -> tuple[Any, ...]:
    known = [value for value in values if not is_output(value)]
    if len(set(known)) < len(known):
        raise refused(
            Refusal((number,), value, "it is in the list twice")
            for number, value in enumerate(values)
            if not is_output(value) and value in values[:number]
        )
    return tuple(values)


Distinct = Annotated[Sequence[T], AfterValidator(_distinct)]


def _ip_range(value: str) -> str:
    """ "Configure Azure Storage firewalls": public IPv4, ranges no smaller than a /30."""
    form = "a public IPv4 address, or a range such as 203.0.113.0/24"
    if not re.fullmatch(r"[0-9.]+(/[0-9]{1,2})?", value):
        raise ValueError(form)
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        reason = f"{form}; {error}" if "host bits" in str(error) else form
        raise ValueError(reason) from None
    if any(network.overlaps(ipaddress.IPv4Network(private)) for private in PRIVATE_RANGES):
        raise ValueError(
            f"{form}; private addresses never reach a public endpoint: list their subnet instead"
        )
    if "/" in value and network.prefixlen > 30:
        raise ValueError(f"{form}; Azure rejects /31 and /32: list the single addresses")
    return value


def _tag_value(value: Any) -> Any:
    """Whole numbers and booleans as text: `pulumi config set --path tags.costCenter 4711` writes a
    number. Anything else may no longer be what was written."""
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < EXACT_INTEGER):
        return json.dumps(value)
    if isinstance(value, str):
        if YAML_DATE.fullmatch(value):
            raise ValueError(f"the date {value}")
    elif isinstance(value, int | float):
        raise ValueError(f"the number {json.dumps(value)}")
    elif value is None:
        raise ValueError("empty")
    else:
        raise ValueError("a list" if isinstance(value, Sequence) else "an object")
    return value


def _tags(tags: Mapping[str, Any]) -> dict[str, Any]:
    """ "Use tags to organize your Azure resources": limits of number, length and characters."""
    most = MOST_TAGS - len(set(OWN_TAGS) - set(tags))
    if len(tags) > most:
        raise ValueError(f"at most {most} tags in addition to {' and '.join(OWN_TAGS)}")
    for name, value in tags.items():
        if not 1 <= len(name) <= TAG_NAME or re.search(r"[<>%&\\?/\x00-\x1f]", name):
            raise ValueError(
                f"a tag's name has 1 to {TAG_NAME} characters, none of them < > % & \\ ? /"
            )
        if name.lower().startswith(("azure", "microsoft", "windows")):
            raise ValueError("names that begin with azure, microsoft or windows are Azure's own")
        if isinstance(value, str) and len(value) > TAG_VALUE:
            raise ValueError(f"a tag's value has at most {TAG_VALUE} characters")
    if len({name.lower() for name in tags}) < len(tags):
        raise ValueError("two names differ in case only, and Azure treats them as one")
    return dict(tags)


def _whole(value: Any) -> Any:
    """Pulumi's protocol has no integers: another language's 30 arrives as 30.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Switch = Annotated[bool, Strict()]
Whole = Annotated[int, Strict(), BeforeValidator(_whole), Ge(0)]
Region = Annotated[
    str,
    _satisfying(
        REGIONS.__contains__,
        "no region of Azure's public cloud, which are written in lower case without spaces",
    ),
]
PrivateLinkRegion = Annotated[
    str, _satisfying(PRIVATE_LINK_REGIONS.__contains__, PRIVATE_LINK_RULE)
]
# "SKU Types" (Storage resource provider): those of accounts with block blobs.
Sku = Literal[
    "Standard_LRS",
    "Standard_GRS",
    "Standard_RAGRS",
    "Standard_ZRS",
    "Standard_GZRS",
    "Standard_RAGZRS",
    "Premium_LRS",
    "Premium_ZRS",
]
# "Naming rules and restrictions for Azure resources", Microsoft.Resources/resourceGroups.
ResourceGroupName = Annotated[
    str,
    _matching(
        re.compile(r"[\w.()-]{0,89}[\w()-]"),
        "1 to 90 letters, digits and _ - . ( ), and no '.' at the end",
    ),
]
# "Storage account overview": the name is part of a host name, so it is unique worldwide.
AccountName = Annotated[
    str, _matching(re.compile(r"[a-z0-9]{3,24}"), "3 to 24 lower-case letters (a-z) and digits")
]
# azure-native appends 8 hex digits, and neither lower-cases nor shortens: 24 - 8 are left.
AccountNamePrefix = Annotated[
    str,
    _matching(
        re.compile(r"[a-z0-9]{1,16}"),
        "1 to 16 lower-case letters (a-z) and digits; 8 more are appended to make it unique",
    ),
]
# "Naming and Referencing Containers, Blobs, and Metadata".
ContainerName = Annotated[
    str,
    _matching(
        re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*"),
        "3 to 63 lower-case letters (a-z), digits and single hyphens, none at an end",
    ),
]
# "Role assignments": an object id is a GUID; the type spares a look-up that may lag behind.
Principal = Annotated[
    str,
    _matching(
        re.compile(rf"(ServicePrincipal|User|Group):{_GUID}"),
        "a type (ServicePrincipal, User or Group), a colon and the object id; "
        "a managed identity is a ServicePrincipal",
    ),
]
IpRange = Annotated[str, AfterValidator(_ip_range)]
_NETWORK = r"/providers/Microsoft\.Network"
_SUBNET = rf"{_NETWORK}/virtualNetworks/[\w.-]{{2,64}}/subnets/[\w.-]{{1,80}}"
SubnetId = Annotated[str, _resource_id(_SUBNET, "a subnet", SUBNET_EXAMPLE)]
# Azure resolves the account's own name through a zone of this name and no other.
_ZONE = rf"{_NETWORK}/privateDnsZones/{re.escape(PRIVATE_ZONE)}"
ZoneId = Annotated[str, _resource_id(_ZONE, "a private DNS zone of that name", ZONE_EXAMPLE)]
_WORKSPACE = r"/providers/Microsoft\.OperationalInsights/workspaces/[A-Za-z0-9-]{4,63}"
WorkspaceId = Annotated[
    str, _resource_id(_WORKSPACE, "a Log Analytics workspace", WORKSPACE_EXAMPLE)
]
HostName = Annotated[
    str,
    _satisfying(
        origins.is_domain,
        "a host name in lower case, such as static.example.com: no scheme, port or path",
    ),
]
# A database that every instance of the site reaches. "Operating system functionality on Azure App
# Service": /home is a network share, and everything else is lost with the instance.
DatabaseUrl = Annotated[
    str,
    _matching(
        re.compile(r"(?!sqlite|spatialite)[a-z][a-z0-9+]{0,19}://[^\s/#]+/[^\s#]+"),
        "the URL of a database server, such as postgres://user:password@host:5432/name; not of "
        "SQLite, which loses data on the shared file system of App Service",
    ),
    AfterValidator(Secret),
]
SecretKey = Annotated[
    str,
    _matching(
        re.compile(rf"[\x21-\x7e]{{{SECRET_KEY_LENGTH},}}"),
        f"at least {SECRET_KEY_LENGTH} random characters without spaces; to generate and set one: "
        'python3 -c "import secrets; print(secrets.token_urlsafe(48))" | '
        "pulumi config set --secret secretKey",
    ),
    AfterValidator(Secret),
]
Origin = Annotated[str, AfterValidator(_origin)]
Origins = Annotated[Sequence[Input[Origin]], AfterValidator(_origins)]
TagValue = Annotated[str, BeforeValidator(_tag_value)]
Tags = Annotated[Mapping[str, Input[TagValue]], AfterValidator(_tags)]
