"""What each variable's value has to look like. Each rule gives the sentence that a value breaks.

A rule returns None for a good value. The sentences hold an example and never the value itself.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from urllib.parse import urlsplit

Rule = Callable[[str], str | None]

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})

# "Naming rules and restrictions for Azure resources", and for containers "Naming and Referencing
# Containers, Blobs, and Metadata".
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::\d{{1,5}})?(?:/[\w.~-]+)*", re.ASCII)


def account_name(value: str) -> str | None:
    if _ACCOUNT.fullmatch(value):
        return None
    return "3 to 24 lower-case letters and digits, for example djangoaccountstorage"


def account_key(value: str) -> str | None:
    try:
        b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "a storage account's key is base64: letters, digits, +, / and = at the end"
    return None


def endpoint(value: str) -> str | None:
    rule = "an http or https URL, for example https://djangoaccountstorage.blob.core.windows.net/"
    try:
        url = urlsplit(value)
        port_is_fine = url.port is None or url.port > 0
    except ValueError:
        return rule
    fine = (
        url.scheme in {"http", "https"}
        and url.hostname
        and port_is_fine
        and "@" not in url.netloc
        and not url.query
        and not url.fragment
        and not re.search(r"[\s\\]", value)
    )
    return None if fine else rule


def domain(value: str) -> str | None:
    if _DOMAIN.fullmatch(value):
        return None
    return (
        "a host, with a port and a path if need be, without https:// and without a slash at the "
        "end, for example djangoaccountstorage.blob.core.windows.net"
    )


def container(value: str) -> str | None:
    if _CONTAINER.fullmatch(value):
        return None
    return (
        "3 to 63 lower-case letters, digits and hyphens, a letter or digit on both sides of each "
        "hyphen, for example static"
    )


def auth_mode(value: str) -> str | None:
    return None if value in {"key", "identity"} else "key or identity"


def access(value: str) -> str | None:
    return None if value in {"public", "private"} else "public or private"


def url_seconds(value: str) -> str | None:
    digits = value.isascii() and value.isdigit() and len(value) <= 6
    if digits and 0 < int(value) <= 3 * 24 * 3600:
        return None
    return (
        "a whole number of seconds from 1 to 259200 (three days), for example 3600: a URL is valid "
        "for up to twice as long, and Azure lends an identity no key for more than 7 days"
    )


def request_seconds(value: str) -> str | None:
    if re.fullmatch(r"\d{1,4}(?:\.\d{1,3})?", value, re.ASCII) and float(value) > 0:
        return None
    return "a number of seconds greater than 0, for example 8"


def waiting_requests(value: str) -> str | None:
    if re.fullmatch(r"[1-9]\d{0,3}", value, re.ASCII):
        return None
    return "a whole number from 1 on, less than the threads of a server process, for example 3"


def switch(value: str) -> str | None:
    return None if value.lower() in TRUE | FALSE else "true or false"


def hosts(value: str) -> str | None:
    names = [name.strip() for name in value.split(",")]
    if all(re.fullmatch(r"\*|\.?[\w.-]+|\[[0-9a-fA-F:]+\]", name) for name in names):
        return None
    return "host names without scheme and port, with commas between, for example www.example.com"


def origins(value: str) -> str | None:
    names = [name.strip() for name in value.split(",")]
    if all(re.fullmatch(r"https?://[\w.*-]+(?::\d{1,5})?", name) for name in names):
        return None
    return "scheme and host, with commas between, for example https://www.example.com"
