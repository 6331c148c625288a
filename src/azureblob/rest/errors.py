"""Errors of the Blob service, in sentences that say what is wrong.

What to type next depends on the site, so it is not said here: see azureblob.explanations.
"""

from __future__ import annotations

from azureblob.rest.models import Response

# Codes with which the service would refuse every other request as well.
_FATAL = {
    "AuthenticationFailed": "the account refused the key",
    "AuthorizationFailure": "the account does not let this machine in, or the key is not its own",
    "AuthorizationPermissionMismatch": (
        "the identity may not write here. It needs the role Storage Blob Data Contributor; a role "
        "takes up to ten minutes to work"
    ),
    "KeyBasedAuthenticationNotPermitted": "the account does not accept keys",
    "ContainerNotFound": "there is no such container",
    "ContainerBeingDeleted": "the container is being deleted. Wait half a minute, then try again",
    "AccountIsDisabled": "the account is disabled",
    "ResourceNotFound": "there is no such account or container",
    "InvalidAuthenticationInfo": "the account refused the token",
}


class BlobServiceError(Exception):
    """The service, or the way to it, fails in a way that ends the work.

    The text is for the user. `code` is the service's error code and `container` the one that was
    asked; each is empty where there is none. `unanswered` is true if no response came.
    """

    def __init__(
        self, message: str, *, code: str = "", container: str = "", unanswered: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.container = container
        self.unanswered = unanswered


class InvalidKeyError(BlobServiceError):
    """The account key is malformed. The text does not contain it."""


class SignInError(BlobServiceError):
    """The identity got no token."""


def is_fatal(response: Response) -> bool:
    """Whether the service would refuse every other request in the same way."""
    return not response.ok and response.code in _FATAL


def service_error(response: Response, doing: str = "") -> BlobServiceError:
    """The error for a response that ends the work. `doing` is a sentence that comes first: which
    step of it failed."""
    if reason := _FATAL.get(response.code):
        text = f"Blob storage said {response.code}: {reason}."
    elif response.status:
        text = f"Blob storage said {response.reason}."
    else:
        text = f"Blob storage does not answer: {response.failure}."
    return BlobServiceError(
        f"{doing} {text}".lstrip(),
        code=response.code,
        container=response.container,
        unanswered=not response.status,
    )
