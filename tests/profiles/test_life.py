"""Each profile's whole life: preview, up, nothing to do, drift, destroy; prod refuses the last."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.outputs import OUTPUTS
from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.engine.failure import StepFailed
from localazure.errors import ArmError, LocalAzureError
from localazure.provider.provider import Provider
from tests.conftest import ROOT
from tests.profiles.conftest import Stack

GOLDEN = Path(__file__).parent / "golden"
PROFILES = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))
UNPROTECTED = {"protect": False}


@pytest.fixture(params=PROFILES)
def stack(request: pytest.FixtureRequest, empty: Azurite) -> Stack:
    return Stack(empty, request.param)


def settled(printed: str) -> str:
    """A preview's text without what is another at each run: the hex digits of generated names."""
    return re.sub(r"\b(django(?:prod)?)[0-9a-f]{8}\b", r"\g<1>xxxxxxxx", printed)


def test_the_first_preview_is_the_golden_one(stack: Stack) -> None:
    printed = settled(stack.run("preview"))
    assert printed == (GOLDEN / f"{stack.name}.txt").read_text()
    assert not stack.state.resources


def test_a_preview_prints_the_same_order_however_threads_are_switched(stack: Stack) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        printed = {settled(stack.run("preview")) for _ in range(4)}
    finally:
        sys.setswitchinterval(before)
    assert printed == {(GOLDEN / f"{stack.name}.txt").read_text()}


def test_up_then_nothing_to_do_then_no_drift_then_destroy(stack: Stack) -> None:
    stack.run("up")
    again = stack.run("up")
    assert not re.search(r"created|updated|replaced|deleted", again)
    assert stack.plan() == []
    refreshed = stack.run("refresh")
    assert not re.search(r"updated|deleted", refreshed)
    if stack.name == "prod":
        stack.settings = UNPROTECTED
        stack.run("up")
    stack.run("destroy")
    assert stack.cloud == {"groups": {}, "accounts": {}}
    assert not stack.state.resources


def test_the_outputs_are_the_contract(stack: Stack) -> None:
    stack.run("up")
    assert set(OUTPUTS) - set(stack.outputs) == {
        "AZURE_AUTH_MODE",
        "AZURE_BLOB_SECONDARY_ENDPOINT",
        "SITE_URL",
    }
    assert all(isinstance(value, str) and value for value in stack.outputs.values())


def test_no_key_is_in_a_file_or_a_printed_line(stack: Stack) -> None:
    printed = [stack.run(command) for command in ("preview", "up", "preview", "refresh")]
    (account,) = stack.cloud["accounts"].values()
    keys = list(account["keys"].values())
    assert len(keys) == 2
    # What Azure itself remembers is not the stack's.
    own = [file for file in stack.files() if file.name not in ("cloud.json", "accounts")]
    assert any(file.suffix == ".json" for file in own)
    for key in keys:
        for file in own:
            assert key not in file.read_text(errors="replace"), file
        assert not any(key in text for text in printed)


# --- prod -----------------------------------------------------------------------------------------


@pytest.fixture
def prod(empty: Azurite) -> Stack:
    stack = Stack(empty, "prod")
    stack.run("up")
    return stack


def test_prod_is_not_destroyed_and_says_what_to_do_first(prod: Stack) -> None:
    before = prod.cloud
    with pytest.raises(LocalAzureError) as refused:
        prod.run("destroy")
    said = str(refused.value)
    assert "protected, so nothing was deleted" in said
    assert "pulumi config set protect false" in said
    assert re.search(r"lost: every blob in account djangoprod[0-9a-f]{8}", said)
    for name in ("djangoprod", "site-static", "site-media"):
        assert name in said
    assert prod.cloud == before


@pytest.mark.parametrize("change", [{"location": "northeurope"}, {"accountName": "other"}])
def test_prods_account_is_not_replaced(prod: Stack, change: dict[str, Any]) -> None:
    with pytest.raises(StepFailed, match="protected"):
        prod.plan(**change)
    with pytest.raises(StepFailed, match="protected"):
        prod.run("up", **change)
    assert prod.plan() == []


def test_a_lock_alone_is_taken_off_by_the_stack_that_set_it(empty: Azurite) -> None:
    stack = Stack(empty, "prod", {"protect": False})
    stack.run("up")
    stack.run("destroy")
    assert stack.cloud == {"groups": {}, "accounts": {}}


def test_a_locked_account_is_not_deleted_by_anybody_else(prod: Stack) -> None:
    (account,) = (r for r in prod.state.resources if r.type.endswith(":StorageAccount"))
    with pytest.raises(ArmError) as refused:
        Provider(prod.azurite).delete(account.type, account.id)
    assert (refused.value.status, refused.value.code) == (409, "ScopeLocked")


def test_a_rename_without_protection_says_what_would_be_lost(empty: Azurite) -> None:
    stack = Stack(empty, "dev", {"accountName": "firstaccount"})
    stack.run("up")
    printed = stack.run("preview", accountName="secondaccount")
    assert "lost" in printed
    assert "firstaccount" in printed
    assert re.search(r"media.*static|static.*media", printed)


def test_media_that_are_retained_are_still_there(empty: Azurite) -> None:
    stack = Stack(empty, "dev", {"retainMedia": True})
    stack.run("up")
    name = stack.outputs["AZURE_ACCOUNT_NAME"]
    client = ControlPlane(empty).blobs(name)._client
    client.get_blob_client("media", "a.txt").upload_blob(b"kept")
    stack.run("destroy")
    assert not stack.state.resources
    (account,) = stack.cloud["accounts"].values()
    assert list(account["containers"]) == ["media"]
    assert client.get_blob_client("media", "a.txt").download_blob().readall() == b"kept"


def test_an_account_made_without_a_second_encryption_is_not_replaced_for_it(
    empty: Azurite,
) -> None:
    stack = Stack(empty, "dev", {"infrastructureEncryption": False})
    stack.run("up")
    assert stack.plan(infrastructureEncryption=True) == []
