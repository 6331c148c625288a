"""Which errors are Azure's answers, and which are faults of the program."""

from __future__ import annotations

import pulumi
import pytest

from infra.errors import AzureRefusal, look_up


def failing(error: Exception) -> None:
    raise error


def test_a_failed_invoke_is_a_refusal_of_azure_with_its_code() -> None:
    with pytest.raises(AzureRefusal, match="AuthorizationFailed"):
        look_up(lambda: failing(Exception("invoke failed: AuthorizationFailed")))


@pytest.mark.parametrize("error", [TypeError("a bug"), pulumi.RunError("shutting down")])
def test_any_other_error_is_not_taken_for_a_refusal(error: Exception) -> None:
    with pytest.raises(type(error)):
        look_up(lambda: failing(error))


def test_what_a_look_up_returns_is_passed_on() -> None:
    assert look_up(lambda: 7) == 7
