"""What the site reads from its environment: the stack's outputs, and a few names of its own.

Everything is checked at once, so that one run tells all that is missing or wrong.
"""

from __future__ import annotations

import importlib.util
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from azureblob.credentials import Secret
from backend import envfile, rules

APP_DIR = Path(__file__).resolve().parent.parent

# A stack with keys exports exactly these names.
CONTRACT: dict[str, rules.Rule] = {
    "AZURE_ACCOUNT_NAME": rules.account_name,
    "AZURE_ACCOUNT_KEY": rules.account_key,
    "AZURE_BLOB_ENDPOINT": rules.endpoint,
    "AZURE_CUSTOM_DOMAIN": rules.domain,
    "AZURE_STATIC_CONTAINER": rules.container,
    "AZURE_MEDIA_CONTAINER": rules.container,
    "AZURE_QUARANTINE_CONTAINER": rules.container,
    "AZURE_MEDIA_ACCESS": rules.access,
    "AZURE_DIRECT_UPLOAD": rules.switch,
}
# And one with an identity these: it says so, as an absent key could also be a forgotten one.
IDENTITY_CONTRACT: dict[str, rules.Rule] = {
    **{name: rule for name, rule in CONTRACT.items() if name != "AZURE_ACCOUNT_KEY"},
    "AZURE_AUTH_MODE": rules.auth_mode,
}
# The site's own, each of which may be left out.
OPTIONAL: dict[str, rules.Rule] = {
    "AZURE_MEDIA_URL_SECONDS": rules.url_seconds,
    "AZURE_REQUEST_SECONDS": rules.request_seconds,
    "AZURE_WAITING_REQUESTS": rules.waiting_requests,
    "DJANGO_DEBUG": rules.switch,
    "DJANGO_BEHIND_PROXY": rules.switch,
    "DJANGO_ALLOWED_HOSTS": rules.hosts,
    "DJANGO_CSRF_TRUSTED_ORIGINS": rules.origins,
}
_NEVER_SHOWN = {"AZURE_ACCOUNT_KEY", "DJANGO_SECRET_KEY", "DATABASE_URL"}
_LOOKS_LIKE_A_KEY = re.compile(r"AccountKey=|sig=|[A-Za-z0-9+/]{40,}", re.IGNORECASE)
# Django's check security.W009 asks for as many.
_SECRET_KEY_LENGTH = 50

_FROM_THE_STACK = """\
The AZURE_ names come from the stack. Write them anew, in the project's folder, with
    make env STACK=<stack>
or by hand, which drops all other lines of the file:
    pulumi stack output --shell --show-secrets > app/.env"""
_SECRET_KEY = (
    "A secret key for Django is made and added with\n"
    "    python3 -c \"import secrets; print('DJANGO_SECRET_KEY=' + secrets.token_urlsafe(48))\""
    " >> app/.env"
)


class EnvironmentProblem(ImproperlyConfigured):
    """All that is missing or wrong in the environment; the text is meant for the user."""


@dataclass(frozen=True)
class Environment:
    """Checked values. `auth_mode` is `key` or `identity`, with which `account_key` is empty;
    `blob_endpoint` ends in a slash; `database` is an entry of DATABASES."""

    auth_mode: str
    account_name: str
    account_key: str = field(repr=False)
    blob_endpoint: str
    custom_domain: str
    static_container: str
    media_container: str
    quarantine_container: str
    media_access: str
    direct_upload: bool
    media_url_seconds: int
    request_seconds: float
    waiting_requests: int
    secret_key: str = field(repr=False)
    debug: bool
    behind_proxy: bool
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    database: dict[str, Any] = field(repr=False)


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
    env = _reader(values)
    identity = values.get("AZURE_AUTH_MODE") == "identity"
    contract = IDENTITY_CONTRACT if identity else CONTRACT
    problems = [_problem(name, values, rule) for name, rule in contract.items()]
    problems += _identity_problems(values) if identity else _key_problems(values)
    problems += [
        _problem(name, values, rule) for name, rule in OPTIONAL.items() if values.get(name)
    ]
    debug = env.str("DJANGO_DEBUG", "false").lower() in rules.TRUE
    problems += [_secret_key_problem(values, debug), _hosts_problem(values, debug)]
    database, database_problem = _database(env, values)
    found = [problem for problem in [*problems, database_problem] if problem]
    if found:
        raise EnvironmentProblem(_report(found, path))
    return Environment(
        auth_mode="identity" if identity else "key",
        account_name=env.str("AZURE_ACCOUNT_NAME"),
        account_key=Secret("" if identity else env.str("AZURE_ACCOUNT_KEY")),
        blob_endpoint=env.str("AZURE_BLOB_ENDPOINT").rstrip("/") + "/",
        custom_domain=env.str("AZURE_CUSTOM_DOMAIN"),
        static_container=env.str("AZURE_STATIC_CONTAINER"),
        media_container=env.str("AZURE_MEDIA_CONTAINER"),
        quarantine_container=env.str("AZURE_QUARANTINE_CONTAINER"),
        media_access=env.str("AZURE_MEDIA_ACCESS"),
        direct_upload=env.str("AZURE_DIRECT_UPLOAD").lower() in rules.TRUE,
        media_url_seconds=env.int("AZURE_MEDIA_URL_SECONDS", 3600),
        request_seconds=env.float("AZURE_REQUEST_SECONDS", 8.0),
        waiting_requests=env.int("AZURE_WAITING_REQUESTS", 3),
        secret_key=Secret(env.str("DJANGO_SECRET_KEY")),
        debug=debug,
        behind_proxy=env.str("DJANGO_BEHIND_PROXY", "false").lower() in rules.TRUE,
        allowed_hosts=_names(env, "DJANGO_ALLOWED_HOSTS"),
        csrf_trusted_origins=_names(env, "DJANGO_CSRF_TRUSTED_ORIGINS"),
        database=database,
    )


def _reader(values: Mapping[str, str]) -> environ.Env:
    """django-environ over `values`. It would read $NAME as a reference; here a $ is a $."""
    env = environ.Env()
    env.escape_proxy = True
    env.ENVIRON = {name: value.replace("$", r"\$") for name, value in values.items() if value}
    return env


def _names(env: environ.Env, name: str) -> list[str]:
    return [item.strip() for item in env.list(name, default=[])]


def _problem(name: str, values: Mapping[str, str], rule: rules.Rule) -> str | None:
    value = values.get(name)
    if value is None:
        return f"{name} is missing."
    if not value.strip():
        return f"{name} is empty."
    if value == "[secret]":
        return (
            f"{name} is the text '[secret]' and no value: the outputs were written without "
            "--show-secrets."
        )
    broken = rule(value)
    return f"{name} is {_shown(name, value)}; it has to be: {broken}." if broken else None


def _identity_problems(values: Mapping[str, str]) -> list[str | None]:
    """What stands against signing in as an identity, beside what is missing."""
    problems: list[str | None] = []
    if values.get("AZURE_ACCOUNT_KEY"):
        problems.append(
            "AZURE_ACCOUNT_KEY is set although AZURE_AUTH_MODE is identity: the key would be used, "
            "and the account refuses it. Take the line out."
        )
    if values.get("AZURE_BLOB_ENDPOINT", "").startswith("http://"):
        problems.append(
            "AZURE_BLOB_ENDPOINT is plain http, over which no identity's token may go; "
            "AZURE_AUTH_MODE=identity needs https."
        )
    if importlib.util.find_spec("azure.identity") is None:
        problems.append(
            "AZURE_AUTH_MODE is identity, and the package that signs in is not installed: "
            "pip install -r app/requirements.txt"
        )
    return problems


def _key_problems(values: Mapping[str, str]) -> list[str | None]:
    mode = values.get("AZURE_AUTH_MODE")
    wrong = _problem("AZURE_AUTH_MODE", values, rules.auth_mode) if mode else None
    if wrong or values.get("AZURE_ACCOUNT_KEY"):
        return [wrong]
    return [
        "AZURE_AUTH_MODE would have to be identity for a site without a key; a stack with authMode "
        "identity exports it."
    ]


def _shown(name: str, value: str) -> str:
    """The value for a message. One that may be a key in the wrong place is not shown either."""
    if name in _NEVER_SHOWN or _LOOKS_LIKE_A_KEY.search(value):
        return "malformed (its value is not shown)"
    return repr(value if len(value) <= 80 else f"{value[:77]}...")


def _secret_key_problem(values: Mapping[str, str], debug: bool) -> str | None:
    def rule(value: str) -> str | None:
        if debug or len(value) >= _SECRET_KEY_LENGTH:
            return None
        return f"at least {_SECRET_KEY_LENGTH} random characters while DJANGO_DEBUG is off"

    return _problem("DJANGO_SECRET_KEY", values, rule)


def _hosts_problem(values: Mapping[str, str], debug: bool) -> str | None:
    if debug or values.get("DJANGO_ALLOWED_HOSTS"):
        return None
    return (
        "DJANGO_ALLOWED_HOSTS is missing: with DJANGO_DEBUG off the site has to know its own "
        "host names, for example DJANGO_ALLOWED_HOSTS=www.example.com; on your own machine "
        "DJANGO_DEBUG=true does."
    )


def _database(env: environ.Env, values: Mapping[str, str]) -> tuple[dict[str, Any], str | None]:
    if not values.get("DATABASE_URL"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": APP_DIR / "db.sqlite3"}, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it would print the password of a wrong URL
            database: dict[str, Any] = env.db("DATABASE_URL")
    except (ValueError, KeyError, ImproperlyConfigured):
        database = {}
    # A comment that reached the environment, as by `docker run --env-file`, would be dropped as the
    # URL's fragment, and the white space before it would end the database's name.
    commented = re.search(r"\s#", values["DATABASE_URL"])
    if "." in database.get("ENGINE", "") and not commented:  # an unknown scheme is left as it is
        return database, None
    return {}, (
        "DATABASE_URL is malformed (its value is not shown); it has to be a URL, for example "
        "sqlite:////srv/site/db.sqlite3 or postgres://user:password@host:5432/name."
    )


def _report(problems: list[str], path: Path) -> str:
    lines = ["The site's settings are not complete:", *(f"  - {problem}" for problem in problems)]
    absent = "" if path.exists() else ", but there is no such file"
    lines += ["", f"They are read from the environment, and from {path}{absent}."]
    if any(problem.startswith("AZURE_") for problem in problems):
        lines.append(_FROM_THE_STACK)
    if any(problem.startswith("DJANGO_SECRET_KEY") for problem in problems):
        lines.append(_SECRET_KEY)
    return "\n".join(lines)
