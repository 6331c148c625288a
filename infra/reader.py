"""Reads a stack's settings, all values text as Pulumi gives them, into one checked object."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from infra import rules
from infra.config import SETTINGS, StackConfig
from infra.contradictions import contradictions
from infra.problems import ConfigError, Problem
from infra.settings import Setting


def load(config: pulumi.Config) -> StackConfig:
    """The current stack's configuration. Raises ConfigError with every problem in it."""
    # pulumi.Config answers for keys that it is asked for, and cannot be asked which there are.
    every = {*get_config_env(), *CONFIG.get()}
    prefix = f"{config.name}:"
    names = [key.removeprefix(prefix) for key in every if key.startswith(prefix)]
    return parse({name: config.get(name) or "" for name in names}, project=config.name)


def parse(settings: Mapping[str, str], project: str = "django-azure-blob") -> StackConfig:
    """A configuration from settings without their namespace.

    Raises ConfigError with every problem in it. Settings that contradict each other are looked for
    once each of them is right by itself.
    """
    reader = _Reader(settings, project)
    values = {about.field: reader.read(about) for about in SETTINGS.values()}
    reader.origins(any_allowed=values["cors_allow_any_origin"])
    reader.finish()
    config = StackConfig(**values)
    for key, rule, command in contradictions(config):
        reader.refuse(key, rule, command)
    reader.finish()
    return config


class _Reader:
    """Reads settings one by one and collects what is wrong instead of stopping at it."""

    def __init__(self, settings: Mapping[str, str], project: str) -> None:
        self._settings = settings
        self._project = project
        self._problems: list[Problem] = []
        for key in sorted(set(settings) - set(SETTINGS)):
            close = get_close_matches(key, SETTINGS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(SETTINGS)}"
            self.refuse(key, f"no such setting; {hint}", f"pulumi config rm {key}")

    def read(self, about: Setting) -> Any:
        """The setting's value, its default where none is given or it is refused."""
        if about.key not in self._settings:
            return about.default
        text = self._settings[about.key]
        if about.type == "boolean":
            return self._boolean(about, text)
        if about.type == "integer":
            return self._integer(about, text)
        if about.type == "array":
            return self._list(about)
        if about.type == "object":
            return self._tags(about)
        self._check(about, text)
        return text

    def refuse(self, key: str, rule: str, command: str = "") -> None:
        about = SETTINGS.get(key)
        value = self._settings.get(key, _text(about.default) if about else "")
        example = command or f"pulumi config set {SETTINGS[key].arguments}"
        self._problems.append(Problem(f"{self._project}:{key}", value, rule, example))

    def finish(self) -> None:
        if self._problems:
            raise ConfigError(self._problems)

    def origins(self, *, any_allowed: bool) -> None:
        """The CORS origins against their rules, which hang on a second setting."""
        listed = self._strings("corsOrigins")
        for index, item in enumerate(listed):
            wrong = rules.origin(item, any_allowed=any_allowed)
            if not wrong and item == "*" and len(listed) > 1:
                wrong = "'*' covers every other, so it stands alone"
            switch = "pulumi config set corsAllowAnyOrigin true"
            self._refuse_entry(
                "corsOrigins", index, item, wrong, switch if item == "*" and not any_allowed else ""
            )
        if len(listed) > rules.MOST_ORIGINS:
            self.refuse("corsOrigins", f"at most {rules.MOST_ORIGINS} origins")

    def _check(self, about: Setting, text: str) -> None:
        wrong = about.rule(text) if about.rule else ""
        if wrong:
            self.refuse(about.key, wrong)

    def _boolean(self, about: Setting, text: str) -> bool:
        if text not in ("true", "false"):
            self.refuse(about.key, "true or false")
        return text == "true"

    def _integer(self, about: Setting, text: str) -> int:
        low, high = about.bounds
        # Six digits are enough, and keep int() away from texts of thousands.
        if re.fullmatch(r"[0-9]{1,6}", text) and low <= int(text) <= high:
            return int(text)
        self.refuse(about.key, f"a whole number from {low} to {high}")
        return int(about.default)

    def _list(self, about: Setting) -> tuple[str, ...]:
        listed = self._json(about.key, list, [])
        if not all(isinstance(item, str) for item in listed):
            self.refuse(about.key, "a JSON list of texts")
            return ()
        for index, item in enumerate(listed):
            wrong = about.rule(item) if about.rule else ""
            if not wrong and item in listed[:index]:
                wrong = "it stands in the list twice"
            self._refuse_entry(about.key, index, item, wrong)
        return tuple(listed)

    def _refuse_entry(self, key: str, index: int, item: str, wrong: str, command: str = "") -> None:
        if wrong:
            entry = f"pulumi config set {SETTINGS[key].arguments}".replace("[0]", f"[{index}]")
            self.refuse(key, f"'{item}': {wrong}", command or entry)

    def _strings(self, key: str) -> list[str]:
        """The list's texts; what is wrong with its form was told when it was read."""
        try:
            listed = json.loads(self._settings.get(key, "[]"))
        except (ValueError, RecursionError):
            return []
        well_formed = isinstance(listed, list) and all(isinstance(item, str) for item in listed)
        return listed if well_formed else []

    def _tags(self, about: Setting) -> dict[str, str]:
        listed = self._json(about.key, dict, {})
        if not all(isinstance(text, str) for text in listed.values()):
            self.refuse(about.key, "a JSON object whose values are texts")
            return {}
        wrong = rules.tags(listed)
        if wrong:
            self.refuse(about.key, wrong)
        return dict(listed)

    def _json(self, key: str, kind: type, default: Any) -> Any:
        try:
            loaded = json.loads(self._settings[key])
        except (ValueError, RecursionError):
            loaded = None
        if not isinstance(loaded, kind):
            self.refuse(key, "a JSON list" if kind is list else "a JSON object")
            return default
        return loaded


def _text(value: Any) -> str:
    """A default as Pulumi would give it."""
    return value if isinstance(value, str) else json.dumps(value)
