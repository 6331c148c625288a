"""The addresses of an account that the settings leave out."""

from __future__ import annotations


def blob_endpoint(given: str | None, account: str | None) -> str:
    """The blob service's URL with a trailing slash; empty if there is no account either."""
    if given:
        return given if given.endswith("/") else f"{given}/"
    return f"https://{account}.blob.core.windows.net/" if account else ""


def custom_domain(given: str | None, endpoint: str) -> str:
    """The host that pages link to; with a path where the account's name is part of the path."""
    return given or endpoint.partition("://")[2].rstrip("/")
