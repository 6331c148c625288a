"""Reads a stack's settings, all values text as Pulumi gives them, into one checked object."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from importlib.resources import files
from itertools import groupby
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

from . import rules
from .config import SETTINGS, StackConfig
from .contradictions import contradictions
from .problems import ConfigError, Problem
from .settings import Setting

# JSON numbers beyond this have lost digits by the time a program reads them (RFC 8259, 6).
EXACT_INTEGER = 2**53
# What the Pulumi CLI turns an unquoted YAML date into.
YAML_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} .*")


def load(config: pulumi.Config) -> StackConfig:
    """The current stack's configuration. Raises ConfigError with every problem in it.

    Settings are plain keys of the stack's file, which Pulumi prefixes with the project's name. Any
    other key is refused: a setting left behind by a rename would otherwise be dropped in silence.
    """
    # pulumi.Config answers for keys that it is asked for, and cannot be asked which there are.
    every = sorted({*get_config_env(), *CONFIG.get()})
    prefix = f"{config.name}:"
    names = [key.removeprefix(prefix) for key in every if key.startswith(prefix)]
    return parse(
        {name: config.get(name) or "" for name in names},
        project=config.name,
        foreign=[
            key
            for key in every
            if not key.startswith(prefix) and not _is_providers(key.partition(":")[0])
        ],
        secret={name for name in names if is_config_secret(prefix + name)},
        file=f"Pulumi.{pulumi.get_stack()}.yaml",
    )


def parse(
    settings: Mapping[str, str],
    project: str = "django-azure-blob",
    foreign: Collection[str] = (),
    secret: Collection[str] = (),
    file: str = "Pulumi.STACK.yaml",
) -> StackConfig:
    """A configuration from settings without their namespace.

    `foreign` are the full keys of other namespaces that nothing reads, `secret` the names of
    settings whose values no message may show, and `file` is the file that they are in. Raises
    ConfigError with every problem in it. Settings that contradict each other are looked for once
    each of them is right by itself.
    """
    reader = _Reader(settings, project, secret)
    reader.refuse_foreign(foreign, file)
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

    def __init__(
        self, settings: Mapping[str, str], project: str, secret: Collection[str] = ()
    ) -> None:
        self._settings = settings
        self._project = project
        self._secret = secret
        self._problems: list[Problem] = []
        for key in sorted(set(settings) - set(SETTINGS)):
            self.refuse(key, f"no such setting; {_nearest(key)}", f"pulumi config rm {key}")

    def refuse_foreign(self, keys: Collection[str], file: str) -> None:
        """Keys of namespaces that belong neither to the project nor to a provider."""
        for namespace, group in groupby(sorted(keys), key=lambda key: key.partition(":")[0]):
            names = [key.partition(":")[2] for key in group]
            known = [name for name in names if name in SETTINGS]
            if known:
                more = f" and {len(known) - 3} more" if len(known) > 3 else ""
                rule = (
                    f"this project is called '{self._project}' and does not read the prefix "
                    f"'{namespace}:'; write the keys plain, or replace the prefix"
                )
                command = f"sed -i.bak 's/^\\( *\\){namespace}:/\\1{self._project}:/' {file}"
                listed = ", ".join(f"{namespace}:{name}" for name in known[:3])
                self._problems.append(Problem(f"{listed}{more}", None, rule, command))
            for name in (name for name in names if name not in SETTINGS):
                rule = (
                    f"nothing reads it: '{namespace}' is neither this project, "
                    f"'{self._project}', nor an installed provider; {_nearest(name)}"
                )
                command = f"pulumi config rm {namespace}:{name}"
                self._problems.append(Problem(f"{namespace}:{name}", None, rule, command))

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
        if key in self._secret:
            value = "[secret]"
        example = command or f"pulumi config set {SETTINGS[key].arguments}"
        self._problems.append(Problem(f"{self._project}:{key}", value, rule, example))

    def finish(self) -> None:
        if self._problems:
            raise ConfigError(self._problems)

    def origins(self, *, any_allowed: bool) -> None:
        """The CORS origins against their rules, which hang on a second setting."""
        # Entries of another form were refused when the list was read.
        listed = [
            item if isinstance(item, str) else None for item in self._entries("corsOrigins") or []
        ]
        for index, item in enumerate(listed):
            if item is None:
                continue
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
        listed = self._entries(about.key)
        if listed is None:
            self.refuse(about.key, "a list: its entries separated by commas, or JSON")
            return ()
        texts: list[str] = []
        for index, item in enumerate(listed):
            if isinstance(item, str):
                wrong = about.rule(item) if about.rule else ""
                if not wrong and item in texts:
                    wrong = "it is in the list twice"
                texts.append(item)
            else:
                wrong = "no text"
            self._refuse_entry(about.key, index, item, wrong)
        return tuple(texts)

    def _refuse_entry(self, key: str, index: int, item: Any, wrong: str, command: str = "") -> None:
        if not wrong:
            return
        shown = "[secret]" if key in self._secret else _text(item)
        if not command and self._settings[key].lstrip().startswith("["):
            command = f"pulumi config set --path '{key}[{index}]' {SETTINGS[key].example}"
        elif not command and key not in self._secret:
            # `--path` would replace a text, with all of its entries.
            entries = self._entries(key) or []
            entries[index] = SETTINGS[key].example
            command = f"pulumi config set {key} {shlex.quote(','.join(entries))}"
        self.refuse(key, f"'{shown}': {wrong}", command)

    def _entries(self, key: str) -> list[Any] | None:
        """The entries of a list, or None if its JSON is wrong.

        A file has a YAML list, which Pulumi hands over as JSON. `pulumi new` and `pulumi config set
        KEY VALUE` make a text, in which commas or spaces separate the entries.
        """
        text = self._settings.get(key, "")
        if not text.lstrip().startswith(("[", "{")):
            return [part for part in re.split(r"[,\s]+", text) if part]
        loaded = _json(text)
        return loaded if isinstance(loaded, list) else None

    def _tags(self, about: Setting) -> dict[str, str]:
        listed = _json(self._settings[about.key])
        if not isinstance(listed, dict):
            self.refuse(about.key, "a JSON object")
            return {}
        # `pulumi config set --path tags.costCenter 4711` writes a number.
        texts = {name: _text(value) for name, value in listed.items() if _is_exact(value)}
        for name, value in listed.items():
            if name not in texts:
                path = f"{about.key}.{name}" if name.isidentifier() else f'{about.key}["{name}"]'
                found = "no text" if about.key in self._secret else _kind(value)
                self.refuse(
                    about.key,
                    f"the tag '{name}' is {found}, and YAML may have changed it: a tag is a text",
                    f"pulumi config set --path '{path}' --type string VALUE",
                )
        wrong = rules.tags(texts)
        if wrong:
            self.refuse(about.key, wrong)
        return texts


def _nearest(name: str) -> str:
    """The setting that a name may have been meant for."""
    lower = {key.lower(): key for key in SETTINGS}
    close = get_close_matches(name.lower(), lower, n=1)
    return f"did you mean {lower[close[0]]}?" if close else "docs/configuration.md has them all"


def _is_providers(namespace: str) -> bool:
    """Whether keys of a namespace are for Pulumi itself or for a provider of this environment.

    A provider's Python package has a `pulumi-plugin.json`.
    """
    if namespace == "pulumi":
        return True
    try:
        package = files(f"pulumi_{namespace.replace('-', '_')}")
        described = _json(package.joinpath("pulumi-plugin.json").read_text("utf-8"))
    except (ModuleNotFoundError, ValueError, OSError):
        return False
    return isinstance(described, dict) and described.get("resource") is True


def _is_exact(value: Any) -> bool:
    """Whether a value of JSON is still what was written, but for its quotes."""
    if isinstance(value, str):
        return not YAML_DATE.fullmatch(value)
    return isinstance(value, bool) or (isinstance(value, int) and abs(value) < EXACT_INTEGER)


def _kind(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None:
        return "empty"
    return f"the {'date' if isinstance(value, str) else 'number'} {_text(value)}"


def _json(text: str) -> Any:
    """What a text holds, None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str:
    """A default as Pulumi would give it."""
    return value if isinstance(value, str) else json.dumps(value)
