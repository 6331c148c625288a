"""In what order resources stand on each other."""

from __future__ import annotations

from collections.abc import Iterable

from localazure.engine.state import Resource


def dependents(resource: Resource, resources: Iterable[Resource]) -> list[Resource]:
    """All live resources that stand on it, directly or not, what is stood on first."""
    candidates = [r for r in resources if r.custom and not r.delete and r is not resource]
    urns = {resource.urn}
    found: list[Resource] = []
    while True:
        more = [r for r in candidates if r not in found and urns & set(r.dependencies)]
        if not more:
            return foundations_first(found)
        found += more
        urns |= {r.urn for r in more}


def foundations_first(resources: Iterable[Resource]) -> list[Resource]:
    """Each after all that it depends on, else in the order given.

    The order of making is not enough: what was made long ago may depend, since its last update, on
    what is newer.
    """
    given = list(resources)
    by_urn: dict[str, list[Resource]] = {}
    for resource in given:
        by_urn.setdefault(resource.urn, []).append(resource)
    ordered: list[Resource] = []
    visited: set[int] = set()

    def visit(resource: Resource) -> None:
        if id(resource) in visited:
            return
        visited.add(id(resource))
        for urn in (*resource.dependencies, resource.parent):
            for below in by_urn.get(urn, ()):
                visit(below)
        ordered.append(resource)

    for resource in given:
        visit(resource)
    return ordered


def levels(resources: Iterable[Resource]) -> dict[str, int]:
    """How many resources lie below each, by URN: 0 for what stands on nothing."""
    found: dict[str, int] = {}
    for resource in foundations_first(resources):
        below = [found[urn] for urn in (*resource.dependencies, resource.parent) if urn in found]
        found[resource.urn] = max(below, default=-1) + 1
    return found
