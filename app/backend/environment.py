"""The site's settings from its environment: the stack's outputs, and a few names of its own.

Everything is validated at once, so that one run reports all that is missing or wrong.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError, PydanticUseDefault
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from azureblob.credentials import Secret
from backend import envfile, rules

APP_DIR = Path(__file__).resolve().parent.parent

_NEVER_SHOWN = {"AZURE_ACCOUNT_KEY", "DJANGO_SECRET_KEY", "DATABASE_URL"}
_LOOKS_LIKE_A_KEY = re.compile(r"AccountKey=|sig=|[A-Za-z0-9+/]{40,}", re.IGNORECASE)
# Django's check security.W009 asks for as many.
_SECRET_KEY_LENGTH = 50

_FROM_THE_STACK = """\
The AZURE_ names come from the stack. To write them again, type in the project's folder
    make env STACK=<stack>
or, which drops all other lines of the file,
    pulumi stack output --shell --show-secrets > app/.env"""
_SECRET_KEY = (
    "To generate a secret key for Django and add it, type\n"
    "    python3 -c \"import secrets; print('DJANGO_SECRET_KEY=' + secrets.token_urlsafe(48))\""
    " >> app/.env"
)


# The type of an error whose message is complete. Any other error means that the field's rule, its
# description, is broken.
_SENTENCE = "sentence"


class EnvironmentProblem(ImproperlyConfigured):
    """All that is missing or wrong in the environment; the text is meant for the user."""


class Environment(BaseSettings):
    """The validated settings. Fields are validated in order, so one may depend on those above.

    `account_key` is empty if `auth_mode` is `identity`; `blob_endpoint` ends in a slash; `database`
    is an entry of DATABASES.
    """

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, validate_default=True
    )

    auth_mode: Literal["key", "identity"] = Field(
        "key", alias="AZURE_AUTH_MODE", description="key or identity"
    )
    account_name: rules.AccountName = Field(alias="AZURE_ACCOUNT_NAME")
    # The validator replaces None, or refuses it.
    account_key: rules.AccountKey = Field(  # type: ignore[assignment]
        None, alias="AZURE_ACCOUNT_KEY", repr=False
    )
    blob_endpoint: rules.Endpoint = Field(alias="AZURE_BLOB_ENDPOINT")
    custom_domain: rules.Domain = Field(alias="AZURE_CUSTOM_DOMAIN")
    static_container: rules.Container = Field(alias="AZURE_STATIC_CONTAINER")
    media_container: rules.Container = Field(alias="AZURE_MEDIA_CONTAINER")
    quarantine_container: rules.Container = Field(alias="AZURE_QUARANTINE_CONTAINER")
    media_access: Literal["public", "private"] = Field(
        alias="AZURE_MEDIA_ACCESS", description="public or private"
    )
    direct_upload: rules.Switch = Field(alias="AZURE_DIRECT_UPLOAD")
    # The site's own, most of which may be left out.
    media_url_seconds: rules.UrlSeconds = Field(3600, alias="AZURE_MEDIA_URL_SECONDS")
    request_seconds: rules.RequestSeconds = Field(8.0, alias="AZURE_REQUEST_SECONDS")
    waiting_requests: rules.WaitingRequests = Field(3, alias="AZURE_WAITING_REQUESTS")
    debug: rules.Switch = Field(False, alias="DJANGO_DEBUG")
    behind_proxy: rules.Switch = Field(False, alias="DJANGO_BEHIND_PROXY")
    secret_key: str = Field(
        alias="DJANGO_SECRET_KEY",
        description=f"at least {_SECRET_KEY_LENGTH} random characters while DJANGO_DEBUG is off",
        repr=False,
    )
    allowed_hosts: rules.HostNames = Field([], alias="DJANGO_ALLOWED_HOSTS")
    csrf_trusted_origins: rules.Origins = Field([], alias="DJANGO_CSRF_TRUSTED_ORIGINS")
    database: rules.Database = Field(
        {"ENGINE": "django.db.backends.sqlite3", "NAME": APP_DIR / "db.sqlite3"},
        alias="DATABASE_URL",
        repr=False,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what load() passes in: the reader of pydantic-settings would expand `$NAME`."""
        return (init_settings,)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_placeholders(cls, value: object, info: ValidationInfo) -> object:
        """An empty value is refused where one is required, and means the default elsewhere."""
        if not isinstance(value, str):
            return value
        # Pulumi prints it with a backslash, for a shell.
        if value in ("[secret]", r"\[secret]"):
            raise PydanticCustomError(
                _SENTENCE,
                "is the text '[secret]' instead of a value: the outputs were written without "
                "--show-secrets.",
            )
        if value.strip() or info.field_name == "account_key":
            return value
        if cls.model_fields[str(info.field_name)].is_required():
            raise PydanticCustomError(_SENTENCE, "is empty.")
        raise PydanticUseDefault

    @field_validator("auth_mode")
    @classmethod
    def _identity_needs_a_package(cls, value: str) -> str:
        if value == "identity" and importlib.util.find_spec("azure.identity") is None:
            raise PydanticCustomError(
                _SENTENCE,
                "is identity, and the package that signs in is not installed: "
                "pip install -r app/requirements.txt",
            )
        return value

    @field_validator("account_key", mode="before")
    @classmethod
    def _key_or_identity(cls, value: str | None, info: ValidationInfo) -> str:
        mode = info.data.get("auth_mode")
        if mode == "identity" and value:
            raise PydanticCustomError(
                _SENTENCE,
                "is set although AZURE_AUTH_MODE is identity: the key would be used, and the "
                "account refuses it. Remove the line.",
            )
        if mode == "key" and not (value or "").strip():
            raise PydanticCustomError(
                _SENTENCE,
                f"is {'missing' if value is None else 'empty'}. Set AZURE_ACCOUNT_KEY, or "
                "AZURE_AUTH_MODE=identity, which a stack with authMode identity exports.",
            )
        return value or ""

    @field_validator("blob_endpoint")
    @classmethod
    def _identity_needs_https(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("auth_mode") == "identity" and value.startswith("http://"):
            raise PydanticCustomError(
                _SENTENCE,
                "is plain http, and an identity's token is sent over https only: "
                "AZURE_AUTH_MODE=identity needs https.",
            )
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_secret_key(cls, value: str, info: ValidationInfo) -> str:
        if len(value) < _SECRET_KEY_LENGTH and not info.data.get("debug"):
            raise ValueError
        return Secret(value)

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_without_debug(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if not value and not info.data.get("debug"):
            raise PydanticCustomError(
                _SENTENCE,
                "is missing: with DJANGO_DEBUG off the site has to know its own host names, for "
                "example DJANGO_ALLOWED_HOSTS=www.example.com; on your own machine set "
                "DJANGO_DEBUG=true.",
            )
        return value


# What a stack exports: with keys, and with an identity. The latter sets AZURE_AUTH_MODE, as a
# missing key could also be a forgotten one.
_ALWAYS = tuple(
    str(field.alias)
    for field in Environment.model_fields.values()
    if field.is_required() and str(field.alias).startswith("AZURE_")
)
CONTRACT = (*_ALWAYS, "AZURE_ACCOUNT_KEY")
IDENTITY_CONTRACT = (*_ALWAYS, "AZURE_AUTH_MODE")


def load(variables: Mapping[str, str] | None = None) -> Environment:
    """Read `variables` (os.environ), and what they leave open from DJANGO_ENV_FILE (app/.env).

    Raises EnvironmentProblem, which names every variable at fault and never shows a secret.
    """
    variables = os.environ if variables is None else variables
    path = Path(variables.get("DJANGO_ENV_FILE") or APP_DIR / ".env")
    try:
        values = {**envfile.read(path), **variables}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise EnvironmentProblem(f"{path} cannot be read: {reason}.") from None
    names = {str(field.alias) for field in Environment.model_fields.values()}
    known: dict[str, Any] = {name: values[name] for name in names & {*values}}
    try:
        return Environment(**known)
    except ValidationError as error:
        problems = [_sentence(problem) for problem in error.errors()]
    raise EnvironmentProblem(_report(problems, path))


def _sentence(problem: ErrorDetails) -> str:
    where = problem["loc"][0]  # a default's is the field's name
    ((name, rule),) = (
        (str(field.alias), field.description)
        for key, field in Environment.model_fields.items()
        if where in (key, field.alias)
    )
    if problem["type"] == "missing":
        return f"{name} is missing."
    if problem["type"] == _SENTENCE:
        return f"{name} {problem['msg']}"
    return f"{name} is {_shown(name, str(problem['input']))}; it has to be: {rule}."


def _shown(name: str, value: str) -> str:
    """The value for a message, unless it is a secret or may be one in the wrong place."""
    if name in _NEVER_SHOWN or _LOOKS_LIKE_A_KEY.search(value):
        return "malformed (its value is not shown)"
    return repr(value if len(value) <= 80 else f"{value[:77]}...")


def _report(problems: list[str], path: Path) -> str:
    lines = ["The site's settings are not complete:", *(f"  - {problem}" for problem in problems)]
    absent = "" if path.exists() else ", but there is no such file"
    lines += ["", f"They are read from the environment, and from {path}{absent}."]
    if any(problem.startswith("AZURE_") for problem in problems):
        lines.append(_FROM_THE_STACK)
    if any(problem.startswith("DJANGO_SECRET_KEY") for problem in problems):
        lines.append(_SECRET_KEY)
    return "\n".join(lines)
