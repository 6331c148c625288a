"""Errors of the Blob service with what to do next, for the output of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azureblob.rest.errors import BlobServiceError, InvalidKeyError, SignInError

if TYPE_CHECKING:
    from azureblob.advice import Account, Steps


def explain(error: BlobServiceError, account: Account | None = None) -> str:
    """The error's text and the site's advice; about the account of the settings if none is
    given."""
    next_step = _next_step(error, account)
    return f"{error} {next_step}" if next_step else str(error)


def _next_step(error: BlobServiceError, account: Account | None) -> str:
    # Imported here to shorten start-up: a command that succeeds needs no advice.
    from azureblob.advice import advice

    steps = advice(account)
    if isinstance(error, InvalidKeyError):
        return f"{steps.renew_key()}."
    if isinstance(error, SignInError):
        return _in_line(steps.no_identity())
    if error.unanswered:
        return "Is AZURE_BLOB_ENDPOINT right, and does the service run?"
    match error.code:
        case "AuthenticationFailed":
            return f"{steps.renew_key()}."
        case "AuthorizationFailure":
            return f"Check the firewall ({steps.network_rules()}) and the key."
        case "KeyBasedAuthenticationNotPermitted":
            return _in_line(steps.keys_not_allowed())
        case "ContainerNotFound":
            return f"{steps.create_container(error.container)}, then try again."
        case "ResourceNotFound":
            return f"{steps.create_container(error.container)}."
        case "InvalidAuthenticationInfo":
            return _in_line(steps.no_identity())
    return ""


def _in_line(steps: Steps) -> str:
    if not steps.commands:
        return steps.text
    return f"{steps.text.removesuffix('.')} ({'; '.join(steps.commands)})."
