"""What a refusal means, and what mends it. The codes: "Common REST API error codes"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from azureblob.doctor import commands
from azureblob.doctor.findings import Failed
from azureblob.doctor.site import Site
from azureblob.doctor.visitor import reason

_PRINCIPAL = "ServicePrincipal:<object id>"


@contextmanager
def explained(site: Site) -> Iterator[None]:
    """An error of azure-storage-blob's as Failed."""
    try:
        yield
    except AzureError as error:
        if isinstance(error, HttpResponseError) and error.status_code is not None:
            raise failure(site, error.status_code, code_of(error)) from None
        if isinstance(error, ClientAuthenticationError):
            # The credential found none. Its text goes on for pages, and may hold addresses.
            raise Failed(
                "No identity signs in on this machine.",
                "Sign in, or give the machine an identity that the stack knows (dataPrincipals).",
                "az login",
            ) from None
        raise Failed(
            f"The request got no answer: {reason(error)}.",
            "Look at the network between this machine and the account, and try again.",
        ) from None


def code_of(error: HttpResponseError) -> str:
    """The service's word for it, empty if it has none."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def failure(site: Site, status: int, code: str) -> Failed:
    said = f"{status} {code}".rstrip()
    environment = commands.environment(local=site.local)
    if code == "KeyBasedAuthenticationNotPermitted":
        return Failed(
            f"The account takes no shared keys ({said}).",
            "Sign in as an identity: the stack has authMode identity, and the environment is from "
            "before.",
            environment,
        )
    if code in {"AuthorizationPermissionMismatch", "InsufficientAccountPermissions"}:
        return Failed(
            f"The identity has no role for this ({said}).",
            "Give it Storage Blob Data Contributor and Storage Blob Delegator; a new role takes up "
            "to ten minutes.",
            *commands.appended("dataPrincipals", _PRINCIPAL),
        )
    if code == "AuthorizationFailure" and not site.local:
        return Failed(
            f"The account's firewall refuses this machine ({said}).",
            "Let its address in, or look from within the network.",
            *commands.appended("allowedIpRanges", "<address>"),
        )
    if code in {"AuthenticationFailed", "AuthorizationFailure"} and not site.identity:
        return Failed(
            f"The key is not the account's, or was renewed ({said}).",
            "Take the present one, and start the site again.",
            environment,
        )
    if status == 401 or code in {"AuthenticationFailed", "InvalidAuthenticationInfo"}:
        return Failed(
            f"The service does not take the identity's token ({said}).",
            "Sign in to the tenant that the account is in.",
            "az login --tenant <tenant>",
        )
    if code == "ContainerBeingDeleted":
        return Failed(
            f"A container of this name is being deleted ({said}).",
            "Wait a minute, and make it again.",
            *commands.as_declared(local=site.local),
        )
    if code == "ContainerNotFound":
        return Failed(
            f"There is no such container ({said}).",
            "Make it; or, if it has another name, write the settings anew.",
            *dict.fromkeys((*commands.as_declared(local=site.local), environment)),
        )
    if status >= 500:
        return Failed(f"The service is not well ({said}).", "Try again in some minutes.")
    return Failed(
        f"The service refuses it ({said}).", "Look the code up in docs/troubleshooting.md."
    )
