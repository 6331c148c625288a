"""Validation of the storages' options. Each function returns sentences about what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ImproperlyConfigured

# Options of django-storages' Azure backend that have no effect here, and what to use instead.
REPLACED = {
    "connection_string": "account_name and account_key, and blob_endpoint for another cloud",
    "sas_token": "account_key or token_credential",
    "azure_ssl": "a blob_endpoint that begins with http:// or https://",
    "endpoint_suffix": "blob_endpoint",
    "expiration_secs": "signed=True and signed_seconds",
    "api_version": "client_options={'api_version': …}",
    "default_content_type": "object_parameters",
}


class OptionsError(ImproperlyConfigured):
    """The options of a storage are refused. `storage` has them as attributes, and is not usable
    otherwise: system checks read them to name each problem."""

    def __init__(self, message: str, storage: Any) -> None:
        super().__init__(message)
        self.storage = storage


def unsupported_options(options: Iterable[str]) -> list[str]:
    return [
        f"{name} has no effect here: use {REPLACED[name]}." for name in options if name in REPLACED
    ]


def numbers(storage: Any, names: Iterable[str]) -> list[str]:
    """Positive whole numbers. Text is converted, since environment variables are text."""
    problems = []
    for name in names:
        given = getattr(storage, name)
        text = str(given).strip()
        if isinstance(given, int | str) and text.isascii() and text.isdigit() and int(text) > 0:
            setattr(storage, name, int(text))
        else:
            problems.append(f"{name} is {given!r}: it must be a whole number of at least 1.")
    return problems


def switches(storage: Any, names: Iterable[str]) -> list[str]:
    """True or False. Text is refused, because 'false' would count as true."""
    return [
        f"{name} is {getattr(storage, name)!r}: it must be True or False."
        for name in names
        if not isinstance(getattr(storage, name), bool)
    ]


def domain(given: str | None) -> list[str]:
    if given and "://" in given:
        return [f"custom_domain is {given!r}: a host without a scheme, such as cdn.example.com."]
    return []
