"""Reads a stack's settings, which Pulumi gives as texts, into one validated configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from importlib.resources import files
from itertools import groupby
from typing import Any

import pulumi

from .config import StackConfig
from .errors import ConfigError, Problem, Refusal
from .settings import FIELDS, SETTINGS, Setting, as_text
from .validation import validated


def load(config: pulumi.Config) -> StackConfig:
    """The current stack's configuration. Raises ConfigError with every problem in it.

    Settings are plain keys of the stack's file, which Pulumi prefixes with the project's name. Any
    other key is refused: a setting left behind by a rename would otherwise be dropped silently.
    """
    # A pulumi.Config looks up one key. Only the environment lists all of them.
    every = pulumi.runtime.get_config_env()
    prefix = f"{config.name}:"
    own = {key.removeprefix(prefix) for key in every if key.startswith(prefix)}
    texts = {name: config.get(name) for name in sorted(own | set(SETTINGS))}
    for key, about in SETTINGS.items():
        if about.secret and texts[key] and not pulumi.runtime.is_config_secret(prefix + key):
            pulumi.log.warn(f"{key} is not encrypted in the stack's file: {about.command()}")
    return parse(
        {name: text for name, text in texts.items() if text is not None},
        project=config.name,
        foreign=[
            key
            for key in every
            if not key.startswith(prefix) and not _is_providers(key.partition(":")[0])
        ],
        secret={name for name in texts if pulumi.runtime.is_config_secret(prefix + name)},
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
    ConfigError with every problem in it.
    """
    values = {
        about.field: _value(about, settings[key])
        for key, about in SETTINGS.items()
        if key in settings
    }
    config, refusals = validated(StackConfig, values)
    hidden = {*secret, *(key for key, about in SETTINGS.items() if about.secret)}
    shown = {key: "[secret]" if key in hidden else text for key, text in settings.items()}
    problems = [
        *_unknown(shown, project),
        *_foreign(foreign, project, file),
        *(_problem(refusal, values, shown, project) for refusal in refusals),
    ]
    if config is None or problems:
        raise ConfigError(problems)
    return config


def _value(about: Setting, text: str) -> Any:
    """The parsed text, or the text itself if it is not of the setting's type."""
    if about.type == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if about.type == "integer":
        # Six digits are enough, and keep int() away from texts of thousands.
        return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else text
    if about.type == "array" and not text.lstrip().startswith(("[", "{")):
        # `pulumi new` and `pulumi config set KEY VALUE` write a list as a text.
        return [part for part in re.split(r"[,\s]+", text) if part]
    # The file has YAML, which Pulumi hands over as JSON.
    return _json(text) if about.type in ("array", "object") else text


def _problem(
    refusal: Refusal, values: Mapping[str, Any], shown: Mapping[str, str], project: str
) -> Problem:
    """The problem with a setting, or with one entry of a list or one tag."""
    about = FIELDS[str(refusal.where[0])]
    text = shown.get(about.key, as_text(about.default))
    rule, command = refusal.rule, about.command()
    if refusal.fix:
        fixed, value = refusal.fix
        command = FIELDS[fixed].command(value)
    if len(refusal.where) > 1 and about.type == "object":
        tag = str(refusal.where[1])
        rule = f"the tag '{tag}' is {rule}, and YAML may have changed it: a tag is a text"
        path = f"{about.key}.{tag}" if tag.isidentifier() else f'{about.key}["{tag}"]'
        command = f"pulumi config set --path '{path}' --type string VALUE"
    elif len(refusal.where) > 1:
        rule = f"'{as_text(refusal.value)}': {rule}"
        index, entries = int(refusal.where[1]), values[about.field]
        if not refusal.fix and text.lstrip().startswith("["):
            command = f"pulumi config set --path '{about.key}[{index}]' {about.example}"
        elif not refusal.fix:
            # `--path` would replace a text, with all of its entries.
            command = about.command([*entries[:index], about.example, *entries[index + 1 :]])
    # A rule or a command may quote a value, also that of another setting.
    for secret in _secrets(values, shown):
        rule, command = rule.replace(secret, "[secret]"), command.replace(secret, "[secret]")
    return Problem(f"{project}:{about.key}", text, rule, command)


def _secrets(values: Mapping[str, Any], shown: Mapping[str, str]) -> Iterator[str]:
    """The texts in the values of secret settings."""
    for field, value in values.items():
        if shown[FIELDS[field].key] == "[secret]":
            several = list(value.values()) if isinstance(value, dict) else value
            for each in several if isinstance(several, list) else [value]:
                if text := as_text(each):
                    yield text


def _unknown(shown: Mapping[str, str], project: str) -> Iterator[Problem]:
    for key in sorted(set(shown) - set(SETTINGS)):
        rule = f"no such setting; {_nearest(key)}"
        yield Problem(f"{project}:{key}", shown[key], rule, f"pulumi config rm {key}")


def _foreign(keys: Collection[str], project: str, file: str) -> Iterator[Problem]:
    """Keys of namespaces that belong neither to the project nor to a provider."""
    for namespace, group in groupby(sorted(keys), key=lambda key: key.partition(":")[0]):
        names = [key.partition(":")[2] for key in group]
        known = [name for name in names if name in SETTINGS]
        if known:
            more = f" and {len(known) - 3} more" if len(known) > 3 else ""
            rule = (
                f"this project is called '{project}' and does not read the prefix "
                f"'{namespace}:'; write the keys plain, or replace the prefix"
            )
            command = f"sed -i.bak 's/^\\( *\\){namespace}:/\\1{project}:/' {file}"
            listed = ", ".join(f"{namespace}:{name}" for name in known[:3])
            yield Problem(f"{listed}{more}", None, rule, command)
        for name in names:
            if name not in SETTINGS:
                rule = (
                    f"nothing reads it: '{namespace}' is neither this project, '{project}', nor "
                    f"an installed provider; {_nearest(name)}"
                )
                command = f"pulumi config rm {namespace}:{name}"
                yield Problem(f"{namespace}:{name}", None, rule, command)


def _nearest(name: str) -> str:
    """The setting that a name may have been meant for."""
    lower = {key.lower(): key for key in SETTINGS}
    close = get_close_matches(name.lower(), lower, n=1)
    return f"did you mean {lower[close[0]]}?" if close else "docs/configuration.md lists them all"


def _is_providers(namespace: str) -> bool:
    """Whether keys of a namespace are for Pulumi itself or for an installed provider, whose Python
    package has a `pulumi-plugin.json`."""
    if namespace == "pulumi":
        return True
    try:
        package = files(f"pulumi_{namespace.replace('-', '_')}")
        described = _json(package.joinpath("pulumi-plugin.json").read_text("utf-8"))
    except (ModuleNotFoundError, ValueError, OSError):
        return False
    return isinstance(described, dict) and described.get("resource") is True


def _json(text: str) -> Any:
    """What a text holds, None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
