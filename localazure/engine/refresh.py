"""Finds resources that were changed or deleted outside the stack."""

from __future__ import annotations

from dataclasses import replace

from localazure.engine.state import State
from localazure.engine.steps import Op, Step, changes_of
from localazure.provider.provider import Provider
from localazure.values import Props, Secret, has_secret, plain


def settle(state: State, provider: Provider) -> bool:
    """Refresh `state` in memory if the last run or Azurite was interrupted; False if neither
    was."""
    if not (state.resources or state.pending):
        return False
    taken_up = take_up(state, provider)
    if not (taken_up or state.unfinished or state.azurite_loss != provider.last_loss()):
        return False
    refresh_steps(state, provider)
    return True


def take_up(state: State, provider: Provider) -> bool:
    """Add to `state` what interrupted creations created; False if none was interrupted.

    It stays in `pending` as well, until an update has completed it.
    """
    if not state.pending:
        return False
    for urn, resource in list(state.pending.items()):
        if provider.read(resource.type, resource.id, plain(resource.inputs)) is None:
            del state.pending[urn]
        else:
            state.put(resource)
    return True


def refresh_steps(state: State, provider: Provider) -> list[Step]:
    """Update `state` in memory from the cloud, and return the differences."""
    steps = []
    for resource in list(state.resources):
        if not resource.custom or resource.external:
            steps.append(Step(Op.SAME, resource))
            continue
        inputs = plain(resource.inputs)
        found = provider.read(resource.type, resource.id, inputs)
        if found is None:
            state.remove(resource)
            steps.append(Step(Op.DELETE, resource))
            continue
        live, live_inputs = found
        diff = provider.diff(resource.type, inputs, live_inputs)
        fresh = replace(
            resource,
            inputs=_sealed_like(live_inputs, resource.inputs),
            outputs=_sealed_like(live.outputs, resource.outputs),
        )
        state.resources = [fresh if r is resource else r for r in state.resources]
        changes = changes_of(diff, resource.inputs, fresh.inputs)
        steps.append(Step(Op.UPDATE if changes else Op.SAME, fresh, changes))
    return steps


def _sealed_like(values: Props, before: Props) -> Props:
    return {
        key: Secret(value) if has_secret(before.get(key)) else value
        for key, value in values.items()
    }
