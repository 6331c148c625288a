"""The types of the site's settings: what a value has to look like, and the rule as people read it.

A description completes the sentence "it has to be:", and is all that a user reads of an error here.
"""

from __future__ import annotations

import re
import warnings
from base64 import b64decode
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from azureblob.credentials import Secret

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"


def _base64(value: str) -> str:
    b64decode(value, validate=True)  # its error is a ValueError
    return value


def _endpoint(value: str) -> str:
    url = urlsplit(value)
    usable = (
        url.scheme in {"http", "https"}
        and url.hostname
        and url.port != 0  # reading the port raises ValueError if it is not a number up to 65535
        and "@" not in url.netloc
        and not url.query
        and not url.fragment
        and not re.search(r"[\s\\]", value)
    )
    if not usable:
        raise ValueError
    return value.rstrip("/") + "/"


def _separated_by_commas(pattern: str) -> Callable[[Any], list[str]]:
    """Split a text at its commas; raises ValueError if a part does not match the pattern."""

    def split(value: Any) -> list[str]:
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not all(re.fullmatch(pattern, part) for part in parts):
            raise ValueError
        return list(parts)

    return split


def _database(value: Any) -> Any:
    """An entry of DATABASES from a URL."""
    if not isinstance(value, str):
        return value
    # A comment can reach the environment, as with `docker run --env-file`. It would be dropped as
    # the URL's fragment, and the white space before it would end the database's name.
    if re.search(r"\s#", value):
        raise ValueError
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would print the password of a malformed URL
        try:
            database: dict[str, Any] = environ.Env.db_url_config(value)
        except (KeyError, ImproperlyConfigured):
            raise ValueError from None
    if "." not in database.get("ENGINE", ""):  # an unknown scheme is returned as it is
        raise ValueError
    return database


# "Naming rules and restrictions for Azure resources"
AccountName = Annotated[
    str,
    StringConstraints(pattern="^[a-z0-9]{3,24}$"),
    Field(description="3 to 24 lower-case letters and digits, for example djangoaccountstorage"),
]
AccountKey = Annotated[
    str,
    AfterValidator(_base64),
    AfterValidator(Secret),
    Field(description="base64, which consists of letters, digits, +, / and = at the end"),
]
Endpoint = Annotated[
    str,
    AfterValidator(_endpoint),
    Field(
        description="an http or https URL, for example "
        "https://djangoaccountstorage.blob.core.windows.net/"
    ),
]
Domain = Annotated[
    str,
    StringConstraints(
        pattern=rf"^{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?(?:/[A-Za-z0-9_.~-]+)*$"
    ),
    Field(
        description="a host, with a port and a path where needed, without https:// and without a "
        "slash at the end, for example djangoaccountstorage.blob.core.windows.net"
    ),
]
# "Naming and Referencing Containers, Blobs, and Metadata"
Container = Annotated[
    str,
    StringConstraints(min_length=3, max_length=63, pattern="^[a-z0-9]+(?:-[a-z0-9]+)*$"),
    Field(
        description="3 to 63 lower-case letters, digits and hyphens, with a letter or digit on "
        "both sides of each hyphen, for example static"
    ),
]
Switch = Annotated[bool, Field(description="true or false")]
UrlSeconds = Annotated[
    int,
    Field(
        ge=1,
        le=3 * 24 * 3600,
        description="a whole number of seconds from 1 to 259200 (three days), for example 3600: a "
        "URL is valid for up to twice as long, and Azure issues an identity no delegation key that "
        "is valid for more than 7 days",
    ),
]
RequestSeconds = Annotated[
    float,
    Field(
        gt=0,
        lt=1000,
        allow_inf_nan=False,
        description="a number of seconds greater than 0 and less than 1000, for example 8",
    ),
]
WaitingRequests = Annotated[
    int,
    Field(
        ge=1,
        le=9999,
        description="a whole number from 1 to 9999, less than the threads of a server process, for "
        "example 3",
    ),
]
HostNames = Annotated[
    list[str],
    BeforeValidator(_separated_by_commas(r"\*|\.?[\w.-]+|\[[0-9a-fA-F:]+\]")),
    Field(
        description="host names without scheme and port, separated by commas, for example "
        "www.example.com"
    ),
]
Origins = Annotated[
    list[str],
    BeforeValidator(_separated_by_commas(r"https?://[\w.*-]+(?::\d{1,5})?")),
    Field(description="scheme and host, separated by commas, for example https://www.example.com"),
]
Database = Annotated[
    dict[str, Any],
    BeforeValidator(_database),
    Field(
        description="a URL, for example sqlite:////srv/site/db.sqlite3 or "
        "postgres://user:password@host:5432/name"
    ),
]
