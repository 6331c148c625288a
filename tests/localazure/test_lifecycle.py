"""A stack's life on the project's own engine, against Azurite.

The invariant: after each command the state says what is there, and what is there is what was asked.
"""

from __future__ import annotations

import multiprocessing
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError

from localazure.engine.failure import ProgramFailed, StepFailed
from localazure.errors import LocalAzureError
from localazure.home import locked
from tests.localazure.conftest import Desk


def anonymous_status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def summary(printed: str) -> str:
    return " ".join(printed.partition("Resources:")[2].partition("Duration")[0].split())


def test_preview_of_a_new_stack_plans_everything_and_makes_nothing(desk: Desk) -> None:
    printed = desk.run("preview")
    assert summary(printed) == "+ 6 to create"
    assert "endpoint: output<unknown>" in printed
    assert desk.cloud == {"groups": {}, "accounts": {}}
    assert not desk.state.file.exists()


def test_up_makes_containers_that_anyone_may_read_and_rules_that_azurite_keeps(desk: Desk) -> None:
    desk.run("up")
    blobs = desk.blobs()
    blobs.get_blob_client("one", "hello.txt").upload_blob(b"hello")
    assert anonymous_status(f"{desk.outputs['endpoint']}one/hello.txt") == 200
    (rule,) = blobs.get_service_properties()["cors"]
    assert (rule.allowed_origins, rule.max_age_in_seconds) == ("http://a.example", 60)


def test_a_second_up_changes_nothing_and_keeps_the_generated_name(desk: Desk) -> None:
    desk.run("up")
    account = desk.account
    assert summary(desk.run("up")) == "6 unchanged"
    assert desk.account == account
    assert account.startswith("store")
    assert len(account) == len("store") + 8


def test_a_preview_of_an_unchanged_stack_says_so(desk: Desk) -> None:
    desk.run("up")
    printed = desk.run("preview")
    assert summary(printed) == "6 unchanged"
    assert "Outputs:" not in printed


def test_a_changed_origin_is_one_update_with_both_values_shown(desk: Desk) -> None:
    desk.run("up")
    printed = desk.run("up", origin="http://b.example")
    assert summary(printed) == "~ 1 updated 5 unchanged"
    assert (
        '~ cors.corsRules[0].allowedOrigins[0]: "http://a.example" => "http://b.example"' in printed
    )
    assert desk.blobs().get_service_properties()["cors"][0].allowed_origins == "http://b.example"


def test_a_change_that_is_only_previewed_is_not_made(desk: Desk) -> None:
    desk.run("up")
    before = desk.state.file.read_text()
    assert summary(desk.run("preview", origin="http://b.example")) == "~ 1 to update 5 unchanged"
    assert desk.blobs().get_service_properties()["cors"][0].allowed_origins == "http://a.example"
    assert desk.state.file.read_text() == before


def test_a_container_taken_out_of_the_program_is_deleted(desk: Desk) -> None:
    desk.run("up")
    assert summary(desk.run("up", containers="one")) == "- 1 deleted 5 unchanged"
    assert [c.name for c in desk.blobs().list_containers()] == ["one"]


def test_a_renamed_account_is_replaced_with_all_that_stands_on_it(desk: Desk) -> None:
    desk.run("up")
    old = desk.account
    planned = desk.run("preview", account="otherstore")
    assert summary(planned) == "+- 4 to replace 2 unchanged"
    assert f'~ accountName: "{old}" => "otherstore"' in planned
    assert summary(desk.run("up")) == "+- 4 replaced 2 unchanged"
    assert list(desk.cloud["accounts"]) == ["otherstore"]
    assert sorted(c.name for c in desk.blobs().list_containers()) == ["one", "two"]
    assert summary(desk.run("up")) == "6 unchanged"


def test_a_fixed_account_moved_to_another_region_gets_its_children_again(desk: Desk) -> None:
    desk.run("up", account="fixedstore")
    printed = desk.run("up", location="northeurope")
    assert summary(printed) == "+- 5 replaced 1 unchanged"
    assert desk.cloud["accounts"]["fixedstore"]["properties"]["location"] == "northeurope"
    assert sorted(c.name for c in desk.blobs().list_containers()) == ["one", "two"]
    assert desk.blobs().get_service_properties()["cors"][0].allowed_origins == "http://a.example"


def test_a_region_written_in_words_is_no_change(desk: Desk) -> None:
    desk.run("up")
    assert summary(desk.run("up", location="West Europe")) == "6 unchanged"


def test_destroy_deletes_everything_and_can_be_repeated(desk: Desk) -> None:
    desk.run("up")
    blobs = desk.blobs()
    assert len(list(blobs.list_containers())) == 2
    assert summary(desk.run("destroy")) == "- 6 deleted"
    assert desk.cloud == {"groups": {}, "accounts": {}}
    with pytest.raises(HttpResponseError):  # the account itself is no longer served
        list(blobs.list_containers())
    assert summary(desk.run("destroy")) == "none"


def test_up_after_destroy_starts_with_empty_containers(desk: Desk) -> None:
    desk.run("up", account="fixedstore")
    desk.blobs().get_blob_client("one", "old.txt").upload_blob(b"old")
    desk.run("destroy")
    desk.run("up")
    assert list(desk.blobs().get_container_client("one").list_blobs()) == []


def test_refresh_of_an_untouched_stack_finds_nothing(desk: Desk) -> None:
    desk.run("up")
    assert summary(desk.run("refresh")) == "6 unchanged"


def test_a_container_deleted_by_hand_shows_in_a_refresh_and_is_mended_by_up(desk: Desk) -> None:
    desk.run("up")
    desk.blobs().delete_container("two")
    printed = desk.run("refresh")
    assert summary(printed) == "- 1 deleted 5 unchanged"
    assert summary(desk.run("up")) == "+ 1 created 5 unchanged"
    assert sorted(c.name for c in desk.blobs().list_containers()) == ["one", "two"]


def test_rules_and_levels_changed_by_hand_show_in_a_refresh_and_are_mended_by_up(
    desk: Desk,
) -> None:
    desk.run("up")
    desk.blobs().set_service_properties(cors=[])
    desk.blobs().get_container_client("one").set_container_access_policy({}, public_access=None)
    printed = desk.run("refresh")
    assert summary(printed) == "~ 2 updated 4 unchanged"
    assert '~ publicAccess: "Blob" => "None"' in printed
    assert summary(desk.run("up")) == "~ 2 updated 4 unchanged"
    assert desk.blobs().get_service_properties()["cors"][0].allowed_origins == "http://a.example"
    level = desk.blobs().get_container_client("one").get_container_properties().public_access
    assert str(level) == "blob"


def test_a_protected_account_is_neither_destroyed_nor_replaced(desk: Desk) -> None:
    desk.run("up", protect="true")
    with pytest.raises(StepFailed, match=r"store: protected, so nothing was deleted"):
        desk.run("destroy")
    with pytest.raises(StepFailed, match=r"accountName changed, .* protected"):
        desk.run("up", account="otherstore")
    assert len(desk.cloud["accounts"]) == 1
    assert len(list(desk.blobs().list_containers())) == 2


def test_a_retained_container_outlives_its_place_in_the_program(desk: Desk) -> None:
    desk.run("up", retain="true")
    assert summary(desk.run("up", containers="one")) == "- 1 retained 5 unchanged"
    assert sorted(c.name for c in desk.blobs().list_containers()) == ["one", "two"]


def test_a_step_that_fails_leaves_a_true_state_and_up_goes_on_from_there(desk: Desk) -> None:
    with pytest.raises(StepFailed, match=r"blobs: .*InvalidXmlDocument.* 6 CORS rules"):
        desk.run("up", rules="6")
    made = {resource.name for resource in desk.state.resources if resource.custom}
    assert {"group", "store"} <= made
    assert "blobs" not in made
    assert set(desk.cloud["accounts"]) == {
        r.outputs["name"] for r in desk.state.resources if r.name == "store"
    }
    created = 4 - len(made & {"one", "two"}) - 1
    assert f"+ {created} created" in summary(desk.run("up", rules="5"))
    assert summary(desk.run("up")) == "6 unchanged"


def test_a_create_that_was_killed_before_it_was_recorded_is_taken_up(desk: Desk) -> None:
    desk.run("up")

    def forget(content: dict) -> None:  # type: ignore[type-arg]
        lost = next(r for r in content["resources"] if r["urn"].endswith("::two"))
        content["resources"].remove(lost)
        content["pending"][lost["urn"]] = lost["id"]

    desk.edit_state(forget)
    printed = desk.run("up")
    assert summary(printed) == "+ 1 created 5 unchanged"
    assert "taken up from an interrupted run" in printed
    assert desk.state.pending == {}


def test_what_a_stranger_made_is_not_taken_over(desk: Desk) -> None:
    desk.run("up", containers="one")
    desk.blobs().create_container("two")
    with pytest.raises(StepFailed, match=r"two: .*already existing resource"):
        desk.run("up", containers="one,two")


def test_a_second_run_on_the_stack_says_who_is_at_work_and_stops(desk: Desk) -> None:
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    path = str(desk.azurite.home / "stacks" / "desk.lock")
    other = context.Process(target=_hold, args=(path, held, release))
    other.start()
    try:
        assert held.wait(30)
        with pytest.raises(LocalAzureError, match=r"worked on by .*Wait for it to end"):
            desk.run("up")
    finally:
        release.set()
        other.join(30)
    assert summary(desk.run("up")) == "+ 6 created"


def _hold(path: str, held, release) -> None:  # type: ignore[no-untyped-def]
    with locked(Path(path)):
        held.set()
        release.wait(30)


def test_a_program_that_refuses_is_reported_in_its_own_words(desk: Desk) -> None:
    with pytest.raises(ProgramFailed, match="the program refuses: no"):
        desk.run("up", refuse="yes")
    assert desk.cloud == {"groups": {}, "accounts": {}}


def test_without_a_terminal_nothing_is_done_unasked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LocalAzureError, match="add --yes"):
        desk.run("up", yes=False)
    assert desk.cloud == {"groups": {}, "accounts": {}}


def test_an_answer_other_than_yes_changes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    with pytest.raises(LocalAzureError, match="declined: nothing was changed"):
        desk.run("up", yes=False)
    assert "+ 6 to create" in desk.printed
    assert desk.cloud == {"groups": {}, "accounts": {}}


def test_the_accounts_switch_closes_and_opens_its_containers(desk: Desk) -> None:
    desk.run("up")
    desk.blobs().get_blob_client("one", "hello.txt").upload_blob(b"hello")
    url = f"{desk.outputs['endpoint']}one/hello.txt"
    desk.run("up", public="false", level="None")
    assert anonymous_status(url) in (403, 404, 409)
    desk.run("up", public="true", level="Blob")
    assert anonymous_status(url) == 200


def test_a_container_being_deleted_is_waited_for_with_a_word(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.run("up")
    desk.run("up", containers="one")
    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "2")
    printed = desk.run("up", containers="one,two")
    assert "two: Azure answers ContainerBeingDeleted; trying again" in printed
    assert summary(printed) == "+ 1 created 5 unchanged"


def test_secrets_are_in_no_plan_and_in_no_state_file(desk: Desk) -> None:
    printed = desk.run("preview", owner="hunter2hunter2")
    printed += desk.run("up")
    printed += desk.run("up", owner="correcthorse")
    key = desk.outputs["key"]
    kept = desk.state.file.read_text()
    assert desk.state.file.stat().st_mode & 0o777 == 0o600
    for secret in (key, "hunter2hunter2", "correcthorse"):
        assert secret not in printed
        assert secret not in kept
    assert '"[secret]" => "[secret]"' in printed
