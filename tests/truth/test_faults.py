"""Each kind of fault is found wherever it is planted in the bodies of resources that are declared.

The places come from the models, the values from the program: every object gets an unknown property,
every enum a value that it does not have, and so on.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.truth import models
from tests.truth.models import Model
from tests.truth.operations import OPERATIONS
from tests.truth.program import Declared

Path = tuple[str | int, ...]
PLANTED = "planted"


@dataclass(frozen=True)
class Place:
    """A property that the program sets, at `path` in the body; None for an object as a whole."""

    path: Path
    model: Model
    attribute: str
    value: Any

    @property
    def rules(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.model._validation.get(self.attribute, {})
        return found


def objects(body: Any, model: Model, path: Path = ()) -> Iterator[tuple[Path, Model]]:
    """The objects in a body, each with its model."""
    chosen = models.resolved(body, model)
    assert chosen is not None
    yield path, chosen
    for keys, kind in models.attributes(chosen).values():
        value: Any = body
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        inner = kind.strip("[]{}")
        if value is None or models.model_of(chosen, inner) is None:
            continue
        nested = models.named_type(chosen, inner)
        if kind.startswith("["):
            for number, item in enumerate(value):
                yield from objects(item, nested, (*path, *keys, number))
        elif kind.startswith("{"):
            for name, item in value.items():
                yield from objects(item, nested, (*path, *keys, name))
        else:
            yield from objects(value, nested, (*path, *keys))


def places(body: Any, model: Model) -> Iterator[Place]:
    for path, chosen in objects(body, model):
        for attribute, (keys, _) in models.attributes(chosen).items():
            value = at(body, (*path, *keys))
            if value is not None:
                yield Place((*path, *keys), chosen, attribute, value)


def at(body: Any, path: Path) -> Any:
    for key in path:
        if isinstance(key, int):
            body = body[key]
        else:
            body = body.get(key) if isinstance(body, Mapping) else None
    return body


def changed(body: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of the body with another value at the path; None takes it out."""
    body = copy.deepcopy(body)
    place: Any = body
    for key in path[:-1]:
        place = place[key] if isinstance(key, int) else place.setdefault(key, {})
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return body


def unknown(body: dict[str, Any], model: Model) -> Iterator[tuple[Path, Any]]:
    for path, chosen in objects(body, model):
        containers = {keys[:-1] for keys, _ in models.attributes(chosen).values()}
        for container in containers:
            if not container or at(body, (*path, *container)) is not None:
                yield (*path, *container, PLANTED), PLANTED


def wrong_enum(body: dict[str, Any], model: Model) -> Iterator[tuple[Path, Any]]:
    for place in places(body, model):
        if place.attribute in models.enums(place.model):
            yield place.path, [PLANTED] if isinstance(place.value, list) else PLANTED


def missing(body: dict[str, Any], model: Model) -> Iterator[tuple[Path, Any]]:
    for place in places(body, model):
        if place.rules.get("required"):
            yield place.path, None


def out_of_bounds(body: dict[str, Any], model: Model) -> Iterator[tuple[Path, Any]]:
    for place in places(body, model):
        for name, limit in place.rules.items():
            if name == "minimum":
                yield place.path, limit - 1
            elif name == "maximum":
                yield place.path, limit + 1
            elif name == "min_length" and limit:
                yield place.path, ""
            elif name == "max_length":
                yield place.path, "x" * (limit + 1)
            elif name == "pattern":
                yield place.path, "\n"


def read_only(body: dict[str, Any], model: Model) -> Iterator[tuple[Path, Any]]:
    for path, chosen in objects(body, model):
        for attribute, (keys, _) in models.attributes(chosen).items():
            if chosen._validation.get(attribute, {}).get("readonly"):
                yield (*path, *keys), PLANTED


def wrong_type(body: dict[str, Any], model: Model) -> Iterator[tuple[Path, Any]]:
    for place in places(body, model):
        yield place.path, [] if isinstance(place.value, Mapping | str) else PLANTED


KINDS = {
    unknown: ("is unknown to", 150),
    wrong_enum: ("one of", 40),
    missing: ("is missing: required", 50),
    out_of_bounds: ("", 15),
    read_only: ("is read-only", 150),
    wrong_type: ("", 200),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_a_fault_is_found_wherever_it_is_planted(everything: list[Declared], kind: Any) -> None:
    says, at_least = KINDS[kind]
    planted = 0
    for one in everything:
        model, body = OPERATIONS[one.token].model, one.request.body
        if model is None:
            continue
        for path, value in kind(body, model):
            planted += 1
            found = models.problems(changed(body, path, value), model)
            assert found, f"{one.token}: {path} = {value!r}"
            assert any(says in problem for problem in found), (one.token, path, value, found)
    assert planted >= at_least
