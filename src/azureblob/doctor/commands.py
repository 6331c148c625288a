"""What to type. Beside Django's own commands these are this repository's: another project that uses
the app has its own, and the sentence before them says what is to be reached."""

from __future__ import annotations

COLLECTSTATIC = "python manage.py collectstatic --noinput"
UP = "pulumi up"
# Takes over what was changed by hand, so that `up` sees the difference.
REFRESH = "pulumi refresh"
_LOCAL = "make up"


def environment(*, local: bool) -> str:
    """Writes app/.env anew from the stack's outputs."""
    return _LOCAL if local else "make env STACK=<stack>"


def as_declared(*, local: bool) -> tuple[str, ...]:
    """Makes the account again what the stack's configuration says."""
    return (_LOCAL,) if local else (REFRESH, UP)


def configured(setting: str, value: str) -> tuple[str, ...]:
    return f"pulumi config set {setting} {value}", UP


def appended(setting: str, value: str) -> tuple[str, ...]:
    """One more entry of a list; <n> is the first free number, 0 for none so far."""
    return f"pulumi config set --path '{setting}[<n>]' {value}", UP
