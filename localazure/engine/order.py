"""The order in which resources depend on each other."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from localazure.engine.state import Resource


def dependents(resource: Resource, resources: Iterable[Resource]) -> list[Resource]:
    """All live resources that depend on it, directly or not, in topological order."""
    candidates = [r for r in resources if r.custom and not r.delete and r is not resource]
    urns = {resource.urn}
    found: list[Resource] = []
    while True:
        more = [r for r in candidates if r not in found and urns & set(r.dependencies)]
        if not more:
            return topological_order(found)
        found += more
        urns |= {r.urn for r in more}


def topological_order(resources: Iterable[Resource]) -> list[Resource]:
    """Each resource after its parent and everything that it depends on.

    The order of creation is not enough: an update may have made an old resource depend on a newer
    one.
    """
    given = list(resources)
    by_urn: dict[str, list[int]] = {}
    for index, resource in enumerate(given):
        by_urn.setdefault(resource.urn, []).append(index)
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for index, resource in enumerate(given):
        above = (by_urn.get(urn, []) for urn in (*resource.dependencies, resource.parent))
        sorter.add(index, *(other for found in above for other in found if other != index))
    try:
        return [given[index] for index in sorter.static_order()]
    except CycleError:  # in a state file that was edited by hand
        return given
