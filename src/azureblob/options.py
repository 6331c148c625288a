"""Options of the storages: what is wrong with them, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# Options of django-storages' backend that mean nothing here, and what does instead.
REPLACED = {
    "connection_string": "account_name and account_key, and blob_endpoint for another cloud",
    "sas_token": "account_key or token_credential",
    "azure_ssl": "a blob_endpoint that begins with http:// or https://",
    "endpoint_suffix": "blob_endpoint",
    "expiration_secs": "signed=True and signed_seconds",
    "api_version": "client_options={'api_version': …}",
    "default_content_type": "object_parameters",
}


def unsupported_options(options: Iterable[str]) -> list[str]:
    return [
        f"{name} means nothing here: use {REPLACED[name]}." for name in options if name in REPLACED
    ]


def numbers(storage: Any, names: Iterable[str]) -> list[str]:
    """Whole numbers from 1 on; text is taken as one, since environment variables are text."""
    problems = []
    for name in names:
        given = getattr(storage, name)
        text = str(given).strip()
        if isinstance(given, int | str) and text.isascii() and text.isdigit() and int(text) > 0:
            setattr(storage, name, int(text))
        else:
            problems.append(f"{name} is {given!r}: a whole number from 1 on.")
    return problems


def switches(storage: Any, names: Iterable[str]) -> list[str]:
    """True or False. Text is refused: 'false' would count as true."""
    return [
        f"{name} is {getattr(storage, name)!r}: True or False."
        for name in names
        if not isinstance(getattr(storage, name), bool)
    ]


def domain(given: str | None) -> list[str]:
    if given and "://" in given:
        return [f"custom_domain is {given!r}: the host, such as cdn.example.com, with no scheme."]
    return []
