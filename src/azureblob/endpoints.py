"""Where an account is reached, if nobody says so."""

from __future__ import annotations


def blob_endpoint(given: str | None, account: str | None) -> str:
    """The blob service's address with a slash at its end; empty if there is no account either."""
    if given:
        return given if given.endswith("/") else f"{given}/"
    return f"https://{account}.blob.core.windows.net/" if account else ""


def custom_domain(given: str | None, endpoint: str) -> str:
    """What stands in front of the account: host, with a path where the account is one."""
    return given or endpoint.partition("://")[2].rstrip("/")
