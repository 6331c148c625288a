"""Creates a resource whose name may not be available yet."""

from __future__ import annotations

import time
from collections.abc import Callable

from localazure.errors import ArmError
from localazure.provider.provider import Provider
from localazure.provider.resource import Live
from localazure.values import Props

# After these errors Azure accepts the same request a little later.
PASSING = frozenset({"ContainerBeingDeleted"})
PASSING_SECONDS = 300.0
PASSING_PAUSE = 1.0


def create_patiently(
    provider: Provider, token: str, name: str, inputs: Props, notice: Callable[[str], None]
) -> Live:
    """Create it, with retries while the name is not available yet. Raises ArmError."""
    deadline = time.monotonic() + PASSING_SECONDS
    reported = False
    while True:
        try:
            return provider.create(token, inputs)
        except ArmError as error:
            if error.code not in PASSING or time.monotonic() > deadline:
                raise
            if not reported:
                notice(
                    f"{name}: Azure answers {error.code}; trying again for up to "
                    f"{PASSING_SECONDS:.0f} s"
                )
                reported = True
            time.sleep(PASSING_PAUSE)
