"""What a refusal means, and what fixes it. The codes: "Common REST API error codes"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from azureblob.doctor.anonymous import reason
from azureblob.doctor.results import Failed
from azureblob.doctor.site import Site
from azureblob.outages import error_code


@contextmanager
def explained(site: Site, container: str = "") -> Iterator[None]:
    """An error of azure-storage-blob's as Failed. `container` is the one that was asked about."""
    try:
        yield
    except AzureError as error:
        if isinstance(error, HttpResponseError) and error.status_code is not None:
            raise failure(site, error.status_code, error_code(error), container) from None
        if isinstance(error, ClientAuthenticationError):
            # The credential found none. Its text goes on for pages, and may hold addresses.
            raise Failed(
                "No identity signs in on this machine.", site.advice.no_identity()
            ) from None
        raise Failed(
            f"The request got no answer: {reason(error)}.",
            "Look at the network between this machine and the account, and try again.",
        ) from None


def failure(site: Site, status: int, code: str, container: str = "") -> Failed:
    said = f"{status} {code}".rstrip()
    advice = site.advice
    if code == "KeyBasedAuthenticationNotPermitted":
        return Failed(
            f"The account takes no shared keys ({said}).",
            advice.keys_not_allowed(),
        )
    if code in {"AuthorizationPermissionMismatch", "InsufficientAccountPermissions"}:
        return Failed(f"The identity has no role for this ({said}).", advice.role_missing())
    if code == "AuthorizationFailure" and not site.local:
        return Failed(f"The account's firewall refuses this machine ({said}).", advice.firewall())
    if code in {"AuthenticationFailed", "AuthorizationFailure"} and not site.identity:
        return Failed(
            f"The key is not the account's, or was renewed ({said}).",
            advice.key_refused(),
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
            advice.container_being_deleted(container),
        )
    if code == "ContainerNotFound":
        return Failed(f"There is no such container ({said}).", advice.container_missing(container))
    if status >= 500:
        return Failed(f"The service is not well ({said}).", "Try again in some minutes.")
    return Failed(f"The service refuses it ({said}).", advice.refused())
