"""How a run of the engine can fail."""

from __future__ import annotations


class StepFailed(Exception):
    """A step that did not happen; the text names the resource and the reason."""


class ProgramFailed(Exception):
    """The program did not come to its end; the text says why, in the program's own words."""
