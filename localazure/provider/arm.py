"""Azure Resource Manager's rules for all types: names, ids, identities."""

from __future__ import annotations

import hashlib
import re
import uuid

from localazure.control_plane import SUBSCRIPTION, TENANT
from localazure.errors import ArmError
from localazure.values import Props


def generated_name(logical_name: str, seed: bytes) -> str:
    """The logical name and eight hex digits of the engine's seed, as azure-native makes them.

    Neither lower-cased nor shortened, as in azure-native.
    """
    return logical_name + hashlib.sha256(seed).hexdigest()[:8]


def made_up_guid(*parts: str) -> str:
    """A GUID that is always the same for the same words, for ids that Azure assigns."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts).lower()))


# The start of the id format of a resource in a group.
GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"


def group_id(group: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"


def account_id(group: str, account: str) -> str:
    return f"{group_id(group)}/providers/Microsoft.Storage/storageAccounts/{account}"


def formatted_id(id_format: str, inputs: Props) -> str:
    """The id that the inputs lead to, for example of `{scope}/providers/…/locks/{lockName}`."""
    return id_format.format_map({"subscriptionId": SUBSCRIPTION, **inputs})


def parsed_id(id_format: str, resource_id: str) -> Props:
    """The inputs that an id contains: the inverse of `formatted_id`.

    Raises ArmError (400, InvalidResourceId) for an id of another form.
    """
    # A format's first part may be the id of any other resource.
    first, *rest = re.split(r"(\{\w+\})", id_format)
    pattern = re.escape(first)
    for number, part in enumerate(rest):
        name = part.strip("{}")
        loose = id_format.startswith("{") and number == 0
        field = rf"(?P<{name}>{'/.+' if loose else '[^/]+'})"
        pattern += field if part.startswith("{") else re.escape(part)
    found = re.fullmatch(pattern, resource_id, re.IGNORECASE)
    if not found:
        raise ArmError(
            400, "InvalidResourceId", f"'{resource_id}' is no id of the form '{id_format}'."
        )
    return {key: value for key, value in found.groupdict().items() if key != "subscriptionId"}


def type_of(resource_id: str) -> str:
    """The type of an id, for example `Microsoft.Storage/storageAccounts`; "" if it is no id.

    For an extension resource its own type, not that of its scope.
    """
    if re.fullmatch(r"/subscriptions/[^/]+", resource_id, re.IGNORECASE):
        return "Microsoft.Resources/subscriptions"
    if re.fullmatch(r"/subscriptions/[^/]+/resourceGroups/[^/]+", resource_id, re.IGNORECASE):
        return "Microsoft.Resources/resourceGroups"
    _, providers, tail = resource_id.rpartition("/providers/")
    namespace, *parts = tail.split("/")
    whole = parts and len(parts) % 2 == 0 and "" not in parts
    if not providers or not resource_id.startswith("/") or not whole:
        return ""
    return "/".join([namespace, *parts[::2]])


def check_reference(path: str, value: object, wanted: str) -> None:
    """Refuse anything but the id of a resource of type `wanted` within a subscription."""
    text = value if isinstance(value, str) else ""
    if not text.lower().startswith("/subscriptions/") or not type_of(text):
        rule = (
            ". Expect fully qualified resource Id that start with "
            "'/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'."
        )
    elif type_of(text).lower() != wanted.lower():
        rule = f": the id of a '{wanted}' is needed."
    else:
        return
    message = f"Property id '{text}' at path '{path}' is invalid{rule}"
    raise ArmError(400, "LinkedInvalidPropertyId", message)


def refuse_identity(identity: Props) -> None:
    """Refuse a managed identity whose type does not match its user-assigned identities.

    The codes are Azure's in hashicorp/terraform-provider-azurerm#17082 and
    Azure/azure-rest-api-specs#17650.
    """
    ids = identity.get("userAssignedIdentities")
    is_user_assigned = "UserAssigned" in identity.get("type", "")
    if is_user_assigned and not ids:
        message = "The identity ids must not be null or empty for 'UserAssigned' identity type."
        raise ArmError(400, "MissingIdentityIds", message)
    if ids is not None and not is_user_assigned:
        raise ArmError(
            400,
            "BadRequest",
            "The request format was unexpected, a non-UserAssigned identity type should not "
            "contain: userAssignedIdentities",
        )


def with_principal(identity: Props, owner: str) -> Props:
    """A managed identity with the principal that Azure assigns to it."""
    if "SystemAssigned" not in identity["type"]:
        return identity
    return {**identity, "principalId": made_up_guid("principal", owner), "tenantId": TENANT}


def id_part(resource_id: str, segment: str) -> str:
    """The name that follows `segment` in an ARM id; the id's letters' case does not matter.

    Raises ArmError (400, InvalidResourceId) for an id without it.
    """
    found = re.search(rf"/{re.escape(segment)}/([^/]+)", resource_id, re.IGNORECASE)
    if not found:
        raise ArmError(400, "InvalidResourceId", f"'{resource_id}' names no {segment}.")
    return found[1]


def project(declared: Props, live: Props) -> Props:
    """The inputs that would declare `live`: the keys of `declared`, with the values found live.

    Keys that the program never set are left out, so that a service's defaults do not show as drift.
    """
    result: Props = {}
    for key, value in declared.items():
        if key not in live:
            result[key] = value
        elif isinstance(value, dict) and isinstance(live[key], dict):
            result[key] = project(value, live[key])
        elif isinstance(value, list) and isinstance(live[key], dict):
            # A list of ids, which Azure answers with more about each.
            result[key] = list(live[key])
        else:
            result[key] = live[key]
    return result
