"""What a publish can fail of, in sentences for the person who ran it."""

from __future__ import annotations

from azureblob.rest.models import Answer

# Codes that end a publish, and why. What to do next is filled in by the site's advice.
_REASONS = {
    "AuthenticationFailed": "the account refused the key. {renew_key}",
    "AuthorizationFailure": (
        "the account does not let this machine in: by its firewall ({network_rules}), or because "
        "the key is not its own"
    ),
    "AuthorizationPermissionMismatch": (
        "the identity may not write here. It needs the role Storage Blob Data Contributor; a role "
        "takes up to ten minutes to work"
    ),
    "KeyBasedAuthenticationNotPermitted": (
        "the account takes no keys. Set AZURE_AUTH_MODE=identity and leave AZURE_ACCOUNT_KEY out"
    ),
    "ContainerNotFound": "there is no such container. {create_container}, then try again",
    "ContainerBeingDeleted": "the container is being deleted. Wait half a minute, then try again",
    "AccountIsDisabled": "the account is disabled",
    "ResourceNotFound": "there is no such account or container. {create_container}",
    "InvalidAuthenticationInfo": "the account refused the token. Sign in again: az login",
}


class PublishError(Exception):
    """Nothing more can be done; the text is meant for the user."""


def concerns_all(answer: Answer) -> bool:
    """Whether every other request would be refused in the same way."""
    return not answer.ok and answer.code in _REASONS


def explain(answer: Answer) -> str:
    """A sentence for an answer that ends a publish."""
    reason = _REASONS.get(answer.code)
    if reason:
        # Loaded here: a publish that works needs no advice, and starts sooner.
        from azureblob.advice import advice

        steps = advice()
        reason = reason.format(
            renew_key=steps.renew_key(),
            network_rules=steps.network_rules(),
            create_container=steps.create_container(answer.container),
        )
        return f"Blob storage said {answer.code}: {reason}."
    if not answer.status:
        return (
            f"Blob storage does not answer: {answer.failure}. Is AZURE_BLOB_ENDPOINT right, and "
            "does the service run?"
        )
    return f"Blob storage said {answer.reason}."
