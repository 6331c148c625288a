"""The ways in which a run of the engine can fail."""

from __future__ import annotations

from collections.abc import Iterable

from localazure.engine.state import Resource


class StepFailed(Exception):
    """A step that failed. The text names the resource and the reason."""


class Protected(StepFailed):
    """A deletion that was refused before any change: `resources` are protected."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        verb = "is" if len(self.resources) == 1 else "are"
        super().__init__(
            f"{', '.join(r.name for r in self.resources)} {verb} protected, so nothing was deleted."
        )


class ProgramFailed(Exception):
    """The program failed. The text is its own error."""
