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
from localazure.errors import ArmError, LocalAzureError
from localazure.state_dir import locked
from tests.localazure.bench import ACCOUNT, ACCOUNT_ID, GROUP, Bench
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
    assert desk.control_plane == {"groups": {}, "accounts": {}}
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
    assert list(desk.control_plane["accounts"]) == ["otherstore"]
    assert sorted(c.name for c in desk.blobs().list_containers()) == ["one", "two"]
    assert summary(desk.run("up")) == "6 unchanged"


def test_a_fixed_account_moved_to_another_region_gets_its_children_again(desk: Desk) -> None:
    desk.run("up", account="fixedstore")
    printed = desk.run("up", location="northeurope")
    assert summary(printed) == "+- 5 replaced 1 unchanged"
    assert desk.control_plane["accounts"]["fixedstore"]["properties"]["location"] == "northeurope"
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
    assert desk.control_plane == {"groups": {}, "accounts": {}}
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
    with pytest.raises(LocalAzureError, match=r"store is protected, so nothing was deleted"):
        desk.run("destroy")
    with pytest.raises(StepFailed, match=r"accountName changed, .* protected"):
        desk.run("up", account="otherstore")
    assert len(desk.control_plane["accounts"]) == 1
    assert len(list(desk.blobs().list_containers())) == 2


def test_the_refusal_to_destroy_says_what_would_be_lost_and_what_to_do_first(desk: Desk) -> None:
    desk.run("up", protect="true")
    before = desk.state.file.read_text()
    with pytest.raises(LocalAzureError) as refusal:
        desk.run("destroy")
    assert str(refusal.value).splitlines() == [
        "store is protected, so nothing was deleted.",
        f"  ! what would be lost: every blob in account {desk.account}, soft-deleted ones too "
        "(containers one, two)",
        "To delete it anyway:",
        "  1. set 'protect' to false: in Pulumi.desk.yaml, or by pulumi config set protect false "
        "--stack desk",
        "  2. deploy that: python -m localazure up --stack desk",
        "  3. then: python -m localazure destroy --stack desk",
    ]
    assert desk.state.file.read_text() == before
    desk.run("up", protect="false")
    assert "lost: every blob in account" in desk.run("destroy")


def test_protection_taken_off_is_no_step_and_is_written_down_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.run("up", protect="true")
    printed = desk.run("preview", protect="false")
    assert summary(printed) == "6 unchanged"
    assert "Options:\n  ~ protect: true => false  (store)" in printed
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "y")
    desk.run("up", yes=False)
    assert not next(r for r in desk.state.resources if r.name == "store").protect
    assert "Options:" not in desk.run("preview")


def test_what_is_protected_is_not_deleted_by_leaving_it_out(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk.azurite, tmp_path)
    bench.program(GROUP, ACCOUNT.replace(")\nthere", "opts=Options(protect=True))\nthere"))
    bench.run("up")
    bench.program(GROUP)
    with pytest.raises(StepFailed, match=r"store is protected, .*declare it again, or deploy"):
        bench.run("up")
    assert "benchstore" in desk.control_plane["accounts"]


def test_a_preview_says_what_a_replacement_and_a_deletion_would_lose(desk: Desk) -> None:
    desk.run("up")
    printed = desk.run("preview", account="otherstore")
    lost = f"every blob in account {desk.account}, soft-deleted ones too (containers one, two)"
    assert printed.count("! what would be lost: ") == 1, "the containers go with the account"
    assert f"      ! what would be lost: {lost}\n" in printed
    assert f"      ! lost: {lost}\n" in desk.run("up")
    printed = desk.run("preview", containers="one")
    assert printed.count("! what would be lost: every blob in container two\n") == 1
    assert "lost" not in desk.run("preview", containers="one,two", retain="true")


def test_what_is_retained_is_not_said_to_be_lost(desk: Desk) -> None:
    desk.run("up", retain="true")
    assert "lost" not in desk.run("preview", containers="one")


def test_messages_of_the_program_are_printed_with_what_they_are_about(
    desk: Desk, tmp_path: Path
) -> None:
    bench = Bench(desk.azurite, tmp_path)
    bench.program(
        """
        pulumi.log.info("to begin with")
        pulumi.log.debug("for nobody")
        """,
        GROUP,
        """
        group.name.apply(lambda name: pulumi.log.info(f"made {name}", group))
        pulumi.log.warn("two\\nlines", group)
        """,
    )
    printed = bench.run("preview")
    for expected in ("info: to begin with\n", "warning (group): two\nlines\n"):
        assert expected in printed
    assert "for nobody" not in printed
    assert "info (group): made Group\n" in bench.run("up")


def test_a_program_may_ask_the_cloud_and_live_with_a_refusal(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk.azurite, tmp_path)
    bench.program(
        GROUP,
        """
        pulumi.export("subscription", authorization.get_client_config().subscription_id)
        try:
            storage.get_storage_account(account_name="nobodys", resource_group_name="Group")
        except Exception as error:
            pulumi.log.warn(f"not there: {error}")
        """,
    )
    printed = bench.run("up")
    assert "warning: not there: invoke of azure-native:storage:getStorageAccount failed" in printed
    assert 'Code="ResourceNotFound"' in printed
    assert bench.state.stack_outputs() == {"subscription": "0" * 8 + "-0000-0000-0000-" + "0" * 12}


@pytest.mark.parametrize("form", ["", "_output"])
def test_a_refusal_that_the_program_does_not_expect_ends_it_in_one_sentence(
    desk: Desk, tmp_path: Path, form: str
) -> None:
    bench = Bench(desk.azurite, tmp_path)
    asked = f'get_storage_account{form}(account_name="nobodys", resource_group_name="Group")'
    bench.program(GROUP, f"pulumi.export('x', storage.{asked})\n")
    with pytest.raises(
        StepFailed, match=r"^invoke of azure-native:storage:getStorageAccount .*404"
    ):
        bench.run("up")


def test_a_lock_made_first_goes_first(desk: Desk, tmp_path: Path) -> None:
    """The lock is older in the state than the container that it guards by now."""
    lock = """
        authorization.ManagementLockByScope(
            "lock", lock_name="keep", level="CanNotDelete", scope=account.id,
            opts=Options(depends_on=[{}]),
        )
    """
    bench = Bench(desk.azurite, tmp_path)
    bench.program(GROUP, ACCOUNT, lock.format("account"))
    bench.run("up")
    box = """
        box = storage.BlobContainer("box", container_name="box", **there)
    """
    bench.program(GROUP, ACCOUNT, box, lock.format("account, box"))
    bench.run("up")
    names = [r.name for r in bench.state.resources]
    assert names.index("lock") < names.index("box")
    with pytest.raises(ArmError, match="ScopeLocked"):
        bench.provider.delete("azure-native:storage:BlobContainer", bench.resource("box").id)
    assert summary(bench.run("destroy")) == "- 5 deleted"


def test_a_lock_that_is_not_in_the_stack_stops_its_destruction(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk.azurite, tmp_path)
    bench.program(GROUP, ACCOUNT)
    bench.run("up")
    bench.provider.create(
        "azure-native:authorization:ManagementLockByScope",
        {"scope": ACCOUNT_ID, "lockName": "byhand", "level": "CanNotDelete"},
    )
    with pytest.raises(StepFailed, match="ScopeLocked"):
        bench.run("destroy")
    assert {r.name for r in bench.state.resources if r.custom} == {"group", "store"}


def test_a_program_can_ask_for_a_replacement_and_for_its_order(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk.azurite, tmp_path)
    own = ACCOUNT.replace(")\nthere", "opts=Options({}))\nthere")
    box = 'storage.BlobContainer("box", container_name="box", **there)\n'
    bench.program(GROUP, own.format(""), box)
    bench.run("up")
    options = 'replace_on_changes=["sku.name"], delete_before_replace=True'
    bench.program(GROUP, own.format(options).replace("_LRS", "_GRS"), box)
    assert summary(bench.run("up")) == "+- 2 replaced 2 unchanged"
    assert (
        desk.control_plane["accounts"]["benchstore"]["properties"]["sku"]["name"] == "Standard_GRS"
    )


def test_what_goes_before_a_replacement_and_does_not_come_again_is_told(
    desk: Desk, tmp_path: Path
) -> None:
    bench = Bench(desk.azurite, tmp_path)
    box = 'storage.BlobContainer("box", container_name="box", **there)\n'
    bench.program(GROUP, ACCOUNT, box)
    bench.run("up")
    bench.program(GROUP, ACCOUNT.replace("westeurope", "northeurope"))
    assert summary(bench.run("preview")) == "+- 1 to replace - 1 to delete 2 unchanged"
    assert summary(bench.run("up")) == "+- 1 replaced - 1 deleted 2 unchanged"


def test_nothing_below_a_replacement_is_deleted_while_one_of_it_is_protected(
    desk: Desk, tmp_path: Path
) -> None:
    bench = Bench(desk.azurite, tmp_path)
    box = """
        storage.BlobContainer(
            "box", container_name="box", **there, opts=Options(protect=True)
        )
    """
    bench.program(GROUP, ACCOUNT, box)
    bench.run("up")
    bench.program(GROUP, ACCOUNT.replace("westeurope", "northeurope"), box)
    with pytest.raises(StepFailed, match="its dependents are protected: box"):
        bench.run("up")
    assert desk.control_plane["accounts"]["benchstore"]["containers"] == {"box": "None"}


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
    assert set(desk.control_plane["accounts"]) == {
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
    assert "completed after an interrupted run" in printed
    assert desk.state.pending == {}


def test_what_a_stranger_made_is_not_taken_over(desk: Desk) -> None:
    desk.run("up", containers="one")
    desk.blobs().create_container("two")
    with pytest.raises(StepFailed, match=r"two: .*already existing resource"):
        desk.run("up", containers="one,two")


def test_a_second_run_on_the_stack_says_who_is_at_work_and_stops(desk: Desk) -> None:
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    path = str(desk.azurite.state_dir / "stacks" / "desk.lock")
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
    assert desk.control_plane == {"groups": {}, "accounts": {}}


def test_without_a_terminal_nothing_is_done_unasked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LocalAzureError, match="add --yes"):
        desk.run("up", yes=False)
    assert desk.control_plane == {"groups": {}, "accounts": {}}


def test_an_answer_other_than_yes_changes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    with pytest.raises(LocalAzureError, match="declined: nothing was changed"):
        desk.run("up", yes=False)
    assert "+ 6 to create" in desk.printed
    assert desk.control_plane == {"groups": {}, "accounts": {}}


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
    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "5")
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
