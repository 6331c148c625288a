"""Values as in Pulumi's protocol: JSON values, secrets and unknowns, and URNs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

Props = dict[str, Any]

# The wire marks, from Pulumi's `sdk/go/common/resource` (properties.go, plugin/rpc.go).
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN_MARK = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True)
class Secret:
    """A value that must not be printed."""

    value: Any

    def __repr__(self) -> str:
        return "[secret]"


class Unknown:
    """The type of `UNKNOWN`, a value that a preview cannot know yet."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: object) -> Unknown:
        return self


UNKNOWN = Unknown()


def from_struct(struct: Struct) -> Props:
    """A protobuf Struct as Python values, with `Secret` and `UNKNOWN` for their marks."""
    return {key: _decode(value) for key, value in MessageToDict(struct).items()}


def to_struct(props: Props) -> Struct:
    """The inverse of `from_struct`."""
    struct = Struct()
    struct.update({key: _encode(value) for key, value in props.items()})
    return struct


def plain(value: Any) -> Any:
    """The value with the content of every `Secret`."""
    return _mapped(value, lambda leaf: plain(leaf.value) if isinstance(leaf, Secret) else leaf)


def masked(value: Any) -> Any:
    """The value with `[secret]` instead of every secret."""
    return _mapped(value, lambda leaf: "[secret]" if isinstance(leaf, Secret) else leaf)


def printable(value: Any) -> Any:
    """The value as Pulumi's JSON shows it: `[secret]`, and a mark for what is not known yet."""
    return _mapped(masked(value), lambda leaf: UNKNOWN_MARK if leaf is UNKNOWN else leaf)


def has_secret(value: Any) -> bool:
    return bool(masked(value) != value)


def token_of(urn: str) -> str:
    """The resource's own type in its URN, without those of its parents. Raises IndexError."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    """The resource's logical name."""
    return urn.rpartition("::")[2]


def _mapped(value: Any, convert: Callable[[Any], Any]) -> Any:
    """The value with everything converted that is no object and no list."""
    if isinstance(value, dict):
        return {key: _mapped(item, convert) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, convert) for item in value]
    return convert(value)


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET_MARK:
            return Secret(_decode(value["value"]))
        return {key: _decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # a Struct has doubles only
    return UNKNOWN if value == UNKNOWN_MARK else value


def _encode(value: Any) -> Any:
    def encoded(leaf: Any) -> Any:
        if isinstance(leaf, Secret):
            return {SIGNATURE: SECRET_MARK, "value": _encode(leaf.value)}
        if isinstance(leaf, tuple):
            return _encode(list(leaf))
        return UNKNOWN_MARK if leaf is UNKNOWN else leaf

    return _mapped(value, encoded)
