"""An identity that may not list the account's keys previews, and does not deploy."""

from __future__ import annotations

import pytest

from localazure.azurite import Azurite
from localazure.errors import ArmError
from localazure.provider.storage_account import StorageAccount
from localazure.values import Props
from tests.profiles.conftest import Stack

# Azure's answer to an identity with the role Reader.
REFUSAL = ArmError(
    403,
    "AuthorizationFailed",
    "The client 'reader' with object id '1' does not have authorization to perform action "
    "'Microsoft.Storage/storageAccounts/listKeys/action' over the scope of the account.",
)


@pytest.fixture
def deployed(empty: Azurite) -> Stack:
    stack = Stack(empty, "prod")
    stack.run("up")
    return stack


def refuse_keys(monkeypatch: pytest.MonkeyPatch, refusal: ArmError) -> None:
    def keys(self: StorageAccount, group: str, name: str) -> Props:
        raise refusal

    monkeypatch.setattr(StorageAccount, "keys", keys)


def test_a_preview_needs_no_list_keys(deployed: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_keys(monkeypatch, REFUSAL)
    assert deployed.plan() == []
    assert [step.resource.name for step in deployed.plan(coolAfterDays=60)] == ["site-lifecycle"]


def test_an_update_needs_list_keys(deployed: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_keys(monkeypatch, REFUSAL)
    with pytest.raises(Exception, match="listKeys"):
        deployed.run("up")


def test_a_preview_hides_no_other_refusal(deployed: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_keys(monkeypatch, ArmError(409, "ScopeLocked", "a read-only lock stands"))
    with pytest.raises(Exception, match="ScopeLocked"):
        deployed.plan()
