"""The stack's configuration: text settings in, one checked object out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from infra import rules
from infra.problems import ConfigError, Problem


@dataclass(frozen=True)
class StackConfig:
    """What a stack is declared from; `Pulumi.yaml` describes each setting.

    Either `account_name` is fixed, or a name is generated from `account_name_prefix`.
    """

    location: str = "westeurope"
    resource_group_name: str = "DemoDjangoBlob"
    account_name: str | None = None
    account_name_prefix: str = "django"
    sku: str = "Standard_LRS"
    static_container: str = "static"
    media_container: str = "media"
    media_is_public: bool = False
    cors_origins: tuple[str, ...] = ()
    cors_max_age_seconds: int = 3600
    protect: bool = False
    tags: dict[str, str] = field(default_factory=dict)


# The settings, each with the arguments of `pulumi config set` that give it a valid value. Lists and
# objects go by path: the CLI refuses their JSON for a setting whose type is described.
EXAMPLES = {
    "location": "location westeurope",
    "resourceGroupName": "resourceGroupName DemoDjangoBlob",
    "accountName": "accountName djangoaccountstorage",
    "accountNamePrefix": "accountNamePrefix django",
    "sku": "sku Standard_LRS",
    "staticContainer": "staticContainer static",
    "mediaContainer": "mediaContainer media",
    "mediaAccess": "mediaAccess private",
    "corsOrigins": "--path 'corsOrigins[0]' https://www.example.com",
    "corsAllowAnyOrigin": "corsAllowAnyOrigin true",
    "corsMaxAgeSeconds": "corsMaxAgeSeconds 3600",
    "protect": "protect true",
    "tags": "--path tags.team web",
}


def load(config: pulumi.Config) -> StackConfig:
    """The current stack's configuration. Raises ConfigError with every problem in it."""
    # pulumi.Config answers for keys that it is asked for, and cannot be asked which there are.
    every = {*get_config_env(), *CONFIG.get()}
    prefix = f"{config.name}:"
    names = [key.removeprefix(prefix) for key in every if key.startswith(prefix)]
    return parse({name: config.get(name) or "" for name in names}, project=config.name)


def parse(settings: Mapping[str, str], project: str = "django-azure-blob") -> StackConfig:
    """A configuration from settings without their namespace, all values text as Pulumi gives them.

    Raises ConfigError with every problem in it.
    """
    reader = _Reader(settings, project)
    default = StackConfig()
    # Empty is Pulumi.yaml's default: without one the CLI would call the setting missing.
    fixed = settings.get("accountName", "") != ""
    any_origin = reader.boolean("corsAllowAnyOrigin", False)
    parsed = StackConfig(
        location=reader.text("location", default.location, rules.region),
        resource_group_name=reader.text(
            "resourceGroupName", default.resource_group_name, rules.resource_group_name
        ),
        account_name=reader.text("accountName", "", rules.account_name) if fixed else None,
        account_name_prefix=reader.text(
            "accountNamePrefix", default.account_name_prefix, rules.account_name_prefix
        ),
        sku=reader.text("sku", default.sku, rules.sku),
        static_container=reader.text(
            "staticContainer", default.static_container, rules.container_name
        ),
        media_container=reader.text(
            "mediaContainer", default.media_container, rules.container_name
        ),
        media_is_public=reader.text("mediaAccess", "private", _access) == "public",
        cors_origins=reader.origins(any_allowed=any_origin),
        cors_max_age_seconds=reader.seconds("corsMaxAgeSeconds", default.cors_max_age_seconds),
        protect=reader.boolean("protect", default.protect),
        tags=reader.tags(),
    )
    if parsed.static_container == parsed.media_container:
        reader.refuse(
            "mediaContainer", "the static files' container; uploads need one of their own"
        )
    reader.finish()
    return parsed


class _Reader:
    """Reads settings one by one and collects what is wrong instead of stopping at it."""

    def __init__(self, settings: Mapping[str, str], project: str) -> None:
        self._settings = settings
        self._project = project
        self._problems: list[Problem] = []
        for key in sorted(set(settings) - set(EXAMPLES)):
            close = get_close_matches(key, EXAMPLES, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(EXAMPLES)}"
            self.refuse(key, f"no such setting; {hint}", f"pulumi config rm {key}")

    def refuse(self, key: str, rule: str, example: str = "") -> None:
        self._problems.append(
            Problem(
                f"{self._project}:{key}",
                self._settings.get(key, ""),
                rule,
                example or f"pulumi config set {EXAMPLES[key]}",
            )
        )

    def finish(self) -> None:
        if self._problems:
            raise ConfigError(self._problems)

    def text(self, key: str, default: str, rule: Callable[[str], str]) -> str:
        value = self._settings.get(key, default)
        wrong = rule(value)
        if wrong:
            self.refuse(key, wrong)
        return value

    def boolean(self, key: str, default: bool) -> bool:
        value = self._settings.get(key)
        if value is not None and value not in ("true", "false"):
            self.refuse(key, "true or false")
        return default if value is None else value == "true"

    def seconds(self, key: str, default: int) -> int:
        """A whole number of seconds up to a day, beyond which no browser keeps a preflight."""
        value = self._settings.get(key, str(default))
        # Five digits are enough, and keep int() away from texts of thousands.
        if re.fullmatch(r"[0-9]{1,5}", value) and int(value) <= 86400:
            return int(value)
        self.refuse(key, "a whole number of seconds from 0 to 86400")
        return default

    def origins(self, *, any_allowed: bool) -> tuple[str, ...]:
        listed = self._json("corsOrigins", list, [])
        if not all(isinstance(item, str) for item in listed):
            self.refuse("corsOrigins", "a JSON list of texts")
            return ()
        for index, item in enumerate(listed):
            wrong = rules.origin(item, any_allowed=any_allowed)
            if not wrong and item == "*" and len(listed) > 1:
                wrong = "'*' covers every other, so it stands alone"
            if not wrong and item in listed[:index]:
                wrong = "it stands in the list twice"
            if wrong:
                entry = f"pulumi config set {EXAMPLES['corsOrigins']}".replace("[0]", f"[{index}]")
                switch = "pulumi config set corsAllowAnyOrigin true"
                example = switch if item == "*" and not any_allowed else entry
                self.refuse("corsOrigins", f"'{item}': {wrong}", example)
        if len(listed) > rules.MOST_ORIGINS:
            self.refuse("corsOrigins", f"at most {rules.MOST_ORIGINS} origins")
        return tuple(listed)

    def tags(self) -> dict[str, str]:
        listed = self._json("tags", dict, {})
        if not all(isinstance(text, str) for text in listed.values()):
            self.refuse("tags", "a JSON object whose values are texts")
            return {}
        wrong = rules.tags(listed)
        if wrong:
            self.refuse("tags", wrong)
        return dict(listed)

    def _json(self, key: str, kind: type, default: Any) -> Any:
        if key not in self._settings:
            return default
        try:
            loaded = json.loads(self._settings[key])
        except (ValueError, RecursionError):
            loaded = None
        if not isinstance(loaded, kind):
            self.refuse(key, "a JSON list" if kind is list else "a JSON object")
            return default
        return loaded


def _access(value: str) -> str:
    return "" if value in ("public", "private") else "public or private"
