"""The component's arguments, validated: they become the configuration that it is declared from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi
from pydantic import TypeAdapter, ValidationError

from .config import DjangoBlobStorageArgs
from .errors import ConfigError, Problem, Refusal
from .rules import holds_output, is_output
from .settings import FIELDS, Setting, as_text
from .validation import refusals, validated


def configuration(name: str, args: DjangoBlobStorageArgs) -> DjangoBlobStorageArgs:
    """The validated configuration of the component `name`.

    An output is validated by its own setting's rule as soon as it is known. None is a setting's
    default. Raises ConfigError with every problem.
    """
    values = {field: value for field, value in vars(args).items() if value is not None}
    config, found = validated(type(args), values)
    if config is None:
        raise ConfigError(map(_problem, found), "argument", of=name)
    outputs = {
        field: _checked(FIELDS[field], value, config)
        for field, value in values.items()
        if holds_output(value)
    }
    return replace(
        config, **outputs, account_name_prefix=config.account_name_prefix or account_prefix(name)
    )


def account_prefix(name: str) -> str:
    """The start of a component's generated account name, different for different components.

    It names the account's resource as well, since azure-native generates the account's name from
    the resource's. A name that does not fit (`rules.AccountNamePrefix`) is shortened, and a few
    digits of its hash keep it distinct.
    """
    fitting = re.sub("[^a-z0-9]", "", name.lower())
    if fitting == name and len(name) <= 16:
        return name
    return fitting[:12] + hashlib.sha256(name.encode()).hexdigest()[:4]


def _problem(refusal: Refusal) -> Problem:
    field, *entry = refusal.where
    about = FIELDS[str(field)]
    fixed, value = refusal.fix or (about.field, None)
    rule = f"{entry[0]}: {refusal.rule}" if about.type == "object" and entry else refusal.rule
    shown = "[secret]" if about.secret and refusal.value != "" else as_text(refusal.value)
    return Problem(about.field, shown, rule, FIELDS[fixed].argument(value))


def _checked(about: Setting, value: Any, config: DjangoBlobStorageArgs) -> Any:
    """The value with each output in it validated when it becomes known."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_checked(about, item, config) if is_output(item) else item for item in value)

    def check(known: str) -> str:
        whole = [known] if about.type == "array" else known
        try:
            TypeAdapter(about.annotation).validate_python(whole, context=vars(config))
        except ValidationError as error:
            found = refusals(error, about.field)
            raise ConfigError(map(_problem, found), "argument") from None
        return known

    return pulumi.Output.from_input(value).apply(check)
