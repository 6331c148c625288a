"""The hand-over: what the stack exports is what the app reads, name for name."""

from __future__ import annotations

from backend.environment import CONTRACT
from infra.outputs import OUTPUTS


def test_the_names_that_the_stack_describes_are_the_names_that_the_app_reads() -> None:
    assert sorted(OUTPUTS) == sorted(CONTRACT)


def test_the_names_that_the_stack_really_exports_are_the_names_that_the_app_reads(
    azure_env: dict[str, str],
) -> None:
    assert sorted(azure_env) == sorted(CONTRACT)
