"""Copying, pickling and deconstructing storages: each is rebuilt from its arguments."""

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
    """For classes whose arguments django.utils.deconstruct.deconstructible records.

    A copy is built from the same arguments, in this process or in another. Locks, connections,
    caches, settings and attributes that were set after __init__ are not copied.
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
        """For migrations. Raises ImproperlyConfigured if a migration would contain a secret."""
        path, positional, named = super().deconstruct()  # type: ignore[misc]  # deconstructible's
        if secrets := _secrets(named):
            raise ImproperlyConfigured(
                f"A field's storage has the option {secrets}, which a migration would contain in "
                "plain text. Pass the field a function that returns the storage instead."
            )
        return path, positional, named

    def __copy__(self) -> Any:
        positional, named = self._constructor_args
        return type(self)(*positional, **named)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.__copy__()

    def __reduce__(self) -> tuple[Any, ...]:
        """Raises PicklingError if the pickle would contain a secret that STORAGES does not."""
        positional, named = self._constructor_args
        if not (secrets := _secrets(named)):
            return _from_arguments, (type(self), positional, named)
        alias = _alias(type(self), named)
        if alias is None or positional:
            raise pickle.PicklingError(
                f"This {type(self).__name__} was given the option {secrets} in code, which a "
                "pickle would contain in plain text. Set it in STORAGES or as an AZURE_… setting."
            )
        return _from_settings, (type(self), alias)


def _secrets(options: dict[str, Any]) -> str:
    return " and ".join(name for name in _SECRETS if options.get(name))


def _alias(kind: type[Any], options: dict[str, Any]) -> str | None:
    """The entry of STORAGES with this class and these options."""
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
            f"A pickled {kind.__name__} refers to STORAGES[{alias!r}], which these settings lack."
        )
    made: Reconstructible = kind(**entries[alias].get("OPTIONS", {}))
    return made
