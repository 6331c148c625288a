"""The component's typed arguments, and the checked configuration that they become."""

# No `from __future__ import annotations`: the plugin's host reads the annotations, and takes no
# texts for them.
import dataclasses
import hashlib
import json
import re
import shlex
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, get_args

import pulumi

from .config import SETTINGS, StackConfig
from .problems import ConfigError, Problem
from .reader import parse
from .settings import Setting


@dataclasses.dataclass(kw_only=True)
class DjangoBlobStorageArgs:
    """Arguments of DjangoBlobStorage, each a setting of docs/configuration.md in snake case.

    None is the setting's default. Two defaults differ from the stack's, so that several components
    fit into one program: without `resource_group_name` the group's name is generated, and a
    generated account name begins with the component's name.

    A `pulumi.Input` may be the output of another resource. The others decide which resources there
    are, so they have to be known when the program runs.
    """

    location: pulumi.Input[str] | None = None
    resource_group_name: pulumi.Input[str] | None = None
    create_resource_group: bool | None = None
    account_name: pulumi.Input[str] | None = None
    account_name_prefix: str | None = None
    account_kind: str | None = None
    sku: str | None = None
    static_container: str | None = None
    media_container: str | None = None
    quarantine_container: str | None = None
    tags: Mapping[str, pulumi.Input[str]] | None = None
    media_access: str | None = None
    static_access: str | None = None
    auth_mode: str | None = None
    data_principals: Sequence[pulumi.Input[str]] | None = None
    active_key: str | None = None
    key_expiry_days: int | None = None
    sas_expiry_hours: int | None = None
    infrastructure_encryption: bool | None = None
    cors_origins: Sequence[pulumi.Input[str]] | None = None
    cors_allow_any_origin: bool | None = None
    cors_max_age_seconds: int | None = None
    direct_upload: bool | None = None
    blob_soft_delete_days: int | None = None
    container_soft_delete_days: int | None = None
    versioning: bool | None = None
    old_version_days: int | None = None
    restore_days: int | None = None
    quarantine_days: int | None = None
    cool_after_days: int | None = None
    protect: bool | None = None
    lock: bool | None = None
    retain_media: bool | None = None
    allow_lower_protection: bool | None = None
    network_access: str | None = None
    allowed_ip_ranges: Sequence[pulumi.Input[str]] | None = None
    allowed_subnets: Sequence[pulumi.Input[str]] | None = None
    trusted_services: bool | None = None
    private_endpoint_subnet: pulumi.Input[str] | None = None
    private_dns_zone_id: pulumi.Input[str] | None = None
    log_analytics_workspace: pulumi.Input[str] | None = None
    front_door: str | None = None
    private_link_location: str | None = None
    custom_domain: str | None = None
    adopt: bool | None = None


def arguments(config: StackConfig) -> DjangoBlobStorageArgs:
    """The arguments that say what a stack's settings say."""
    return DjangoBlobStorageArgs(**{a.field: getattr(config, a.field) for a in SETTINGS.values()})


def configuration(name: str, args: DjangoBlobStorageArgs | Mapping[str, Any]) -> StackConfig:
    """The checked configuration of the component `name`.

    Known values meet the rules of the stack's settings now, and an output its own setting's rule as
    soon as it is known. `args` is a mapping where the plugin's host calls. Raises ConfigError with
    every problem.
    """
    if not isinstance(args, DjangoBlobStorageArgs):
        args = DjangoBlobStorageArgs(**args)
    given = [
        (about, value)
        for about in SETTINGS.values()
        if (value := getattr(args, about.field)) is not None
    ]
    problems = [
        _problem(about, "an output", "needed when the program runs, so it has to be a plain value")
        for about, value in given
        if _waits(about, value, adopted=bool(args.adopt))
    ]
    if args.create_resource_group is False and not args.resource_group_name:
        about = SETTINGS["resourceGroupName"]
        rule = "which group? With create_resource_group=False its name has to be given"
        problems.append(_problem(about, "", rule))
    if problems:
        raise ConfigError(problems, "argument", of=name)
    texts = {about.key: _text(about, value) for about, value in given}
    try:
        checked = parse({"accountNamePrefix": account_prefix(name), **texts})
    except ConfigError as error:
        raise ConfigError(
            [_as_argument(problem) for problem in error.problems], "argument", of=name
        ) from None
    unknown = {
        about.field: _with_outputs(about, value) for about, value in given if _holds_output(value)
    }
    if args.resource_group_name is None:
        unknown["resource_group_name"] = ""
    return dataclasses.replace(checked, **unknown)


def account_prefix(name: str) -> str:
    """What a component's generated account name begins with, different for different components.

    The account's resource is named by it too, as azure-native generates the one out of the other.
    A name that does not fit (see `rules.account_name_prefix`) is shortened, and told apart by a few
    digits.
    """
    fitting = re.sub("[^a-z0-9]", "", name.lower())
    if fitting == name and len(name) <= 16:
        return name
    return fitting[:12] + hashlib.sha256(name.encode()).hexdigest()[:4]


def _is_output(value: Any) -> bool:
    return isinstance(value, pulumi.Output | Awaitable)


def _holds_output(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_output, value.values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(map(_is_output, value))
    return _is_output(value)


def _waits(about: Setting, value: Any, *, adopted: bool) -> bool:
    """Whether the value is not known yet, and cannot wait: an adopted account is looked at."""
    if not _holds_output(value):
        return False
    scalar = _is_output(value)
    return adopted or (scalar and not _takes_output(about.field))


def _takes_output(field: str) -> bool:
    hint = DjangoBlobStorageArgs.__annotations__[field]
    return Awaitable[str] in get_args(hint)


def _text(about: Setting, value: Any) -> str:
    """The value as a stack's settings have it; an output is stood in for by the setting's example,
    which meets its rule."""
    if isinstance(value, Mapping):
        return json.dumps({k: "" if _is_output(v) else v for k, v in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        known = [item for item in value if not _is_output(item)]
        stand_in = [about.example] if len(known) < len(value) and about.example not in known else []
        return json.dumps(known + stand_in)
    if _is_output(value):
        return about.example
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # the plugin's protocol has no other numbers
    return value if isinstance(value, str) else json.dumps(value)


def _with_outputs(about: Setting, value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_checked(about, item) if _is_output(item) else item for item in value)
    return _checked(about, value)


def _checked(about: Setting, output: pulumi.Input[str]) -> pulumi.Output[str]:
    def check(value: str) -> str:
        wrong = about.rule(value) if about.rule else ""
        if wrong:
            raise ConfigError([_problem(about, value, wrong)], "argument")
        return value

    return pulumi.Output.from_input(output).apply(check)


def _problem(about: Setting, value: str, rule: str) -> Problem:
    return Problem(about.field, value, rule, _argument(f"pulumi config set {about.arguments}"))


def _as_argument(problem: Problem) -> Problem:
    """A stack's problem in the terms of a program: names and an example in Python."""
    key = problem.key.rpartition(":")[2]
    field = SETTINGS[key].field if key in SETTINGS else key
    return Problem(field, problem.value, problem.rule, _argument(problem.example))


def _argument(command: str) -> str:
    """`pulumi config set sku Standard_LRS` as `sku="Standard_LRS"`."""
    words = [word for word in shlex.split(command) if word != "--path"]
    if words[:3] != ["pulumi", "config", "set"] or len(words) != 5:
        return command
    path, value = words[3:]
    key, name = re.match(r"([A-Za-z]*)\.?(.*)", path).groups()  # type: ignore[union-attr]
    about = SETTINGS[key]
    quoted = json.dumps(value)
    shown = {
        "array": f"[{quoted}]",
        "object": f"{{{json.dumps(name)}: {quoted}}}",
        "boolean": value.capitalize(),
        "integer": value,
    }.get(about.type, quoted)
    return f"{about.field}={shown}"
