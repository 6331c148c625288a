"""What lowers protection, what Azure would refuse, and what a lock would stop: refused in a preview
and in an update, by both engines."""

from __future__ import annotations

import pytest

from tests.e2e.engines import Engine

LIVE = ("preview", "up")


def account(engine: Engine) -> str:
    (name,) = engine.cloud.load()["accounts"]
    return str(name)


def sku(engine: Engine) -> str:
    (found,) = engine.cloud.load()["accounts"].values()
    return str(found["properties"]["sku"]["name"])


def test_lower_protection_is_refused_with_what_to_type_until_it_is_allowed(engine: Engine) -> None:
    engine.set(sku="Standard_GRS", versioning=True, blobSoftDeleteDays=30)
    engine.run("up")
    before = engine.cloud.load()
    engine.set(sku="Standard_LRS")
    for command in LIVE:
        said = engine.refused(command)
        assert "redundancy: from Standard_GRS to Standard_LRS" in said
        assert "To keep it: pulumi config set sku Standard_GRS" in said
        assert "pulumi config set allowLowerProtection true" in said
        assert "Traceback" not in said
    engine.set(sku="Standard_GRS", versioning=False, blobSoftDeleteDays=7)
    for command in LIVE:
        said = engine.refused(command)
        assert "soft delete of blobs: from 30 days to 7 days" in said
        assert "versioning: from on to off" in said
    assert engine.cloud.load() == before
    engine.set(allowLowerProtection=True, sku="Standard_LRS")
    said = engine.run("up")
    assert "pulumi config set allowLowerProtection false" in said
    assert sku(engine) == "Standard_LRS"
    engine.set(allowLowerProtection=False)
    assert engine.preview() == {}


def test_more_protection_needs_no_switch(engine: Engine) -> None:
    engine.run("up")
    engine.set(sku="Standard_GRS", versioning=True, blobSoftDeleteDays=30)
    engine.run("up")
    assert sku(engine) == "Standard_GRS"


def test_zones_are_added_by_the_steps_that_the_refusal_names(engine: Engine) -> None:
    engine.run("up")
    engine.set(sku="Standard_GZRS")
    for command in LIVE:
        said = engine.refused(command)
        assert "from Standard_LRS to Standard_GZRS by an update" in said
        assert "1. pulumi config set sku Standard_GRS; pulumi up" in said
        assert f"az storage account migration start --account-name {account(engine)} " in said
        assert "4. pulumi refresh; pulumi config set sku Standard_GZRS; pulumi up" in said
    engine.set(sku="Standard_GRS")
    engine.run("up")
    with engine.cloud.change() as content:  # what the conversion does
        content["accounts"][account(engine)]["properties"]["sku"] = {"name": "Standard_GZRS"}
    engine.run("refresh")
    engine.set(sku="Standard_GZRS")
    assert engine.preview() == {}


@pytest.mark.parametrize("command", ["up", "destroy"])
def test_what_a_lock_would_stop_is_refused_and_then_goes_in_one_run(
    engine: Engine, command: str
) -> None:
    engine.set(lock=True)
    engine.run("up")
    engine.set(quarantineDays=0)  # no rule is left, so the lifecycle policy leaves the stack
    for refused in LIVE:
        said = engine.refused(refused)
        assert "the account is locked" in said
        assert "lifecycle" in said
        assert "pulumi config set lock false; pulumi up" in said
        assert "ScopeLocked" not in said
        # By this the lock is deleted first, whatever leaves the stack with it.
        assert "site-lifecycle" in engine.dependencies("site-lock")
    if command == "up":
        engine.set(lock=False)
    engine.run(command)
    assert "recorded" not in engine.cloud.load() or not engine.cloud.load()["recorded"]
    if command == "up":
        engine.set(lock=True)
        assert engine.preview() == {"site-lock": "create"}


def test_a_lock_does_not_stop_what_is_added_or_changed(engine: Engine) -> None:
    engine.set(lock=True)
    engine.run("up")
    engine.set(versioning=True, quarantineDays=2)
    assert set(engine.preview()) == {"site-blobs", "site-lifecycle"}
    engine.run("up")
    assert engine.preview() == {}
