"""Making one resource in the cloud: what is there already, and what may not be there yet."""

from __future__ import annotations

import time
from collections.abc import Callable

from localazure.engine.state import Resource
from localazure.errors import AzureError
from localazure.provider.kinds import Live
from localazure.provider.provider import Provider
from localazure.values import plain

# Azure says of these that the same call will be accepted a little later.
PASSING = frozenset({"ContainerBeingDeleted"})
PASSING_SECONDS = 300.0
PASSING_PAUSE = 1.0


def create_or_find(
    provider: Provider, resource: Resource, notice: Callable[[str], None], *, find: bool
) -> tuple[Live, str]:
    """Create it; what an interrupted run had made already (`find`) is taken up and brought in line.

    The second value is a note for the step. Raises AzureError.
    """
    inputs = plain(resource.inputs)
    found = provider.read(resource.type, resource.id, inputs) if find else None
    if found:
        live, live_inputs = found
        if provider.diff(resource.type, live_inputs, inputs).changes:
            live = provider.update(resource.type, live.id, live.outputs, inputs)
        return live, "taken up from an interrupted run"
    deadline = time.monotonic() + PASSING_SECONDS
    told = False
    while True:
        try:
            return provider.create(resource.type, inputs), ""
        except AzureError as error:
            if error.code not in PASSING or time.monotonic() > deadline:
                raise
            if not told:
                notice(
                    f"{resource.name}: Azure answers {error.code}; trying again for up to "
                    f"{PASSING_SECONDS:.0f} s"
                )
                told = True
            time.sleep(PASSING_PAUSE)
