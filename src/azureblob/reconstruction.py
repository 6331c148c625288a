"""Copies and pickles of a storage, and its place in a migration: made anew from its arguments."""

from __future__ import annotations

import contextlib
import pickle
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from azureblob.credentials import Secret

_SECRETS = ("account_key", "token_credential")


class Reconstructible:
    """For a class that django.utils.deconstruct.deconstructible has recorded the arguments of.

    Locks, connections, caches and what was read from the settings are not carried over: each copy
    has its own, also in another process. Neither is an attribute that was set after __init__.
    """

    account_key: str
    _constructor_args: tuple[tuple[Any, ...], dict[str, Any]]

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._mask_key()

    def _mask_key(self) -> None:
        self.account_key = Secret(self.account_key or "")
        named = self._constructor_args[1]
        if "account_key" in named:
            named["account_key"] = self.account_key

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        """For migrations. Raises ImproperlyConfigured where a secret would be written into one."""
        path, positional, named = super().deconstruct()  # type: ignore[misc]  # deconstructible's
        if secrets := _secrets(named):
            raise ImproperlyConfigured(
                f"A field's storage has the option {secrets}, which a migration would hold in the "
                "open: give the field a function that returns the storage."
            )
        return path, positional, named

    def __copy__(self) -> Any:
        positional, named = self._constructor_args
        return type(self)(*positional, **named)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.__copy__()

    def __reduce__(self) -> tuple[Any, ...]:
        """Raises PicklingError where the pickle would hold a secret that STORAGES does not."""
        positional, named = self._constructor_args
        if not (secrets := _secrets(named)):
            return _from_arguments, (type(self), positional, named)
        alias = _alias(type(self), named)
        if alias is None or positional:
            raise pickle.PicklingError(
                f"This {type(self).__name__} was given the option {secrets} in code, which a "
                "pickle would hold in the open: set it in STORAGES or as a setting AZURE_… instead."
            )
        return _from_settings, (type(self), alias)


def _secrets(options: dict[str, Any]) -> str:
    return " and ".join(name for name in _SECRETS if options.get(name))


def _alias(kind: type[Any], options: dict[str, Any]) -> str | None:
    """The entry of STORAGES that makes such a storage."""
    entries: dict[str, dict[str, Any]] = settings.STORAGES
    for alias, entry in entries.items():
        with contextlib.suppress(ImportError):
            if import_string(entry.get("BACKEND", "")) is kind and entry.get("OPTIONS") == options:
                return alias
    return None


def _from_arguments(
    kind: type[Any], positional: tuple[Any, ...], named: dict[str, Any]
) -> Reconstructible:
    made: Reconstructible = kind(*positional, **named)
    return made


def _from_settings(kind: type[Any], alias: str) -> Reconstructible:
    entries: dict[str, dict[str, Any]] = settings.STORAGES
    if alias not in entries:
        raise ImproperlyConfigured(
            f"A pickled {kind.__name__} is that of STORAGES[{alias!r}], which these settings lack."
        )
    made: Reconstructible = kind(**entries[alias].get("OPTIONS", {}))
    return made
