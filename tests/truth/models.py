"""Checks an ARM body against the model that Microsoft generated from its API specification.

A generated model carries what the specification says: `_attribute_map` has the JSON path and type
of each property, `_validation` what is required, read-only, bounded or matched, `_subtype_map` the
classes behind a discriminator, and the signature of `__init__` the enums. The SDK itself no longer
checks any of this before it sends a request, so the walk over it is here.
"""

from __future__ import annotations

import enum
import functools
import re
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Protocol


class Described(Protocol):
    """What every generated model has."""

    _attribute_map: ClassVar[dict[str, dict[str, str]]]
    _validation: ClassVar[dict[str, dict[str, Any]]]


Model = type[Described]

# What the names in `_validation` mean; `required`, `readonly` and `constant` are handled apart.
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, limit: bool(value >= limit),
    "maximum": lambda value, limit: bool(value <= limit),
    "minimum_ex": lambda value, limit: bool(value > limit),
    "maximum_ex": lambda value, limit: bool(value < limit),
    "multiple": lambda value, limit: value % limit == 0,
    "min_length": lambda value, limit: len(value) >= limit,
    "max_length": lambda value, limit: len(value) <= limit,
    "min_items": lambda value, limit: len(value) >= limit,
    "max_items": lambda value, limit: len(value) <= limit,
    "unique": lambda value, limit: not limit or len(set(map(repr, value))) == len(value),
    "pattern": lambda value, limit: re.match(limit, value) is not None,
}
_ELSEWHERE = {"required", "readonly", "constant"}
_MISSING = "is missing: required"
_SCALARS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (int, float),
    "iso-8601": (str,),
    "duration": (str,),
    "object": (object,),
}


def problems(body: Mapping[str, Any], model: Model, where: str = "") -> list[str]:
    """Everything that the model does not allow in the body, each with the path of the property."""
    return list(_of_model(body, model, where))


def violated(value: Any, rules: Mapping[str, Any], where: str) -> Iterator[str]:
    """The bounds and patterns that a single value does not keep."""
    for name, limit in rules.items():
        if name not in _ELSEWHERE and not _HOLDS[name](value, limit):
            yield f"{where} is {value!r}: {name} {limit}"


def resolved(value: Any, model: Model) -> Model | None:
    """The class that a discriminator chooses; None if the model has none of that name."""
    for attribute, names in _kinds(model).items():
        chosen = value.get(_keys(model)[attribute][0]) if isinstance(value, Mapping) else None
        named = names.get(chosen) if isinstance(chosen, str) else None
        return named_type(model, named) if named else None
    return model


def _kinds(model: Model) -> dict[str, dict[str, str]]:
    """The attribute that discriminates, with the class for each of its values."""
    found: dict[str, dict[str, str]] = getattr(model, "_subtype_map", {})
    return found


def named_type(model: Model, name: str) -> Model:
    """The model that another one names as a property's type."""
    for base in model.__mro__:
        found: Model | None = getattr(sys.modules[base.__module__], name, None)
        if found:
            return found
    raise LookupError(f"{model.__name__} names {name}, which is in no module of its bases")


def attributes(model: Model) -> dict[str, tuple[tuple[str, ...], str]]:
    """A model's attributes, each with its path in the body and its type."""
    return {
        name: (_keys(model)[name], about["type"]) for name, about in model._attribute_map.items()
    }


def model_of(model: Model, kind: str) -> Model | None:
    """The model behind a type as `_attribute_map` writes it; None for scalars and maps."""
    simple = kind in _SCALARS or kind[0] in "[{"
    return None if simple else named_type(model, kind)


@functools.cache
def _keys(model: Model) -> dict[str, tuple[str, ...]]:
    # A dot separates nested objects; one that belongs to a name is escaped.
    return {
        name: tuple(part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", about["key"]))
        for name, about in model._attribute_map.items()
    }


@functools.cache
def enums(model: Model) -> dict[str, tuple[str, ...]]:
    """The values of each attribute that takes one of a list, from the signatures of the bases."""
    found: dict[str, tuple[str, ...]] = {}
    for base in reversed(model.__mro__):
        if "__init__" not in vars(base) or not hasattr(base, "_attribute_map"):
            continue
        package = sys.modules[base.__module__.rpartition(".")[0]]
        scope = {**vars(sys.modules[base.__module__]), "_models": package}
        for name, hint in typing.get_type_hints(vars(base)["__init__"], scope).items():
            if values := tuple(enum_values(hint)):
                found[name] = values
    return found


def enum_values(hint: Any) -> Iterator[str]:
    """The values of the enums in a type hint."""
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        yield from (str(member.value) for member in hint)
    elif typing.get_origin(hint) is typing.Literal:
        yield from typing.get_args(hint)
    else:
        for inner in typing.get_args(hint):
            yield from enum_values(inner)


def _of_model(body: Any, base: Model, where: str) -> Iterator[str]:
    if not isinstance(body, Mapping):
        yield f"{where} is {body!r}: an object ({base.__name__})"
        return
    model = resolved(body, base)
    if model is None:
        for attribute, names in _kinds(base).items():
            (key,) = _keys(base)[attribute]
            wrong = f"is {body[key]!r}: one of {', '.join(names)}" if key in body else _MISSING
            yield f"{_join(where, key)} {wrong}"
        return
    tree: dict[str, Any] = {}
    for name, keys in _keys(model).items():
        place = tree
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = name
    yield from _of_object(body, tree, model, where)
    for name, rules in model._validation.items():
        if rules.get("required") and not rules.get("readonly"):
            value: Any = body
            for key in _keys(model)[name]:
                value = value.get(key) if isinstance(value, Mapping) else None
            if value is None:
                yield f"{_join(where, *_keys(model)[name])} {_MISSING}"


def _of_object(
    body: Mapping[str, Any], tree: Mapping[str, Any], model: Model, where: str
) -> Iterator[str]:
    for key, value in body.items():
        place = _join(where, key)
        known = tree.get(key)
        if known is None:
            yield f"{place} is unknown to {model.__name__}"
        elif isinstance(known, str):
            rules = model._validation.get(known, {})
            if rules.get("readonly"):
                yield f"{place} is read-only"
                continue
            if rules.get("constant") and value != getattr(model, known):
                yield f"{place} is {value!r}: always {getattr(model, known)!r}"
            kind = model._attribute_map[known]["type"]
            allowed = enums(model).get(known, ())
            wrong = list(_of_type(value, kind, allowed, model, place))
            yield from wrong or violated(value, rules, place)
        elif isinstance(value, Mapping):
            yield from _of_object(value, known, model, place)
        else:
            yield f"{place} is {value!r}: an object"


def _of_type(
    value: Any, kind: str, allowed: tuple[str, ...], model: Model, where: str
) -> Iterator[str]:
    if kind.startswith("["):
        if not isinstance(value, list):
            yield f"{where} is {value!r}: a list"
            return
        for number, item in enumerate(value):
            yield from _of_type(item, kind[1:-1], allowed, model, f"{where}[{number}]")
    elif kind.startswith("{"):
        if not isinstance(value, Mapping):
            yield f"{where} is {value!r}: an object"
            return
        for key, item in value.items():
            yield from _of_type(item, kind[1:-1], allowed, model, _join(where, key))
    elif kind in _SCALARS:
        fits = isinstance(value, _SCALARS[kind])
        if not fits or (isinstance(value, bool) and kind not in ("bool", "object")):
            yield f"{where} is {value!r}: {kind}"
        elif allowed and value not in allowed:
            yield f"{where} is {value!r}: one of {', '.join(allowed)}"
    else:
        yield from _of_model(value, named_type(model, kind), where)


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)
