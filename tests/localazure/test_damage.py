"""What is damaged in the state folder is named in one sentence, and nothing stands in the way of
`destroy` and of a fresh start."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.engine.failure import StepFailed
from localazure.engine.state import State
from localazure.errors import LocalAzureError
from localazure.repair import repair, unowned
from localazure.state_dir import Damaged, locked
from tests.conftest import free_port
from tests.localazure.conftest import Desk

KEPT = "a visitor's file"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def become_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "mine").write_text(KEPT)


def become_loop(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path)


def become_pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def lock_away(path: Path) -> None:
    path.chmod(0)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_text("no such thing: ]["),
    "binary": lambda path: path.write_bytes(b"\x00\xff\xfe" * 99),
    "truncated": truncate,
    "list": lambda path: path.write_text("[1, 2]"),
    "number": lambda path: path.write_text("7"),
    "object": lambda path: path.write_text('{"version": 1, "groups": [], "collections": 1}'),
    "deep": lambda path: path.write_text("[" * 100_000),
    "folder": become_folder,
    "loop": become_loop,
    "pipe": become_pipe,
    "unreadable": lock_away,
}
FILES = (
    "cloud.json",
    "cloud.lock",
    "accounts",
    "secrets.key",
    "secrets.lock",
    "azurite.json",
    "azurite.lock",
    "azurite.inuse",
    "azurite.lost",
    "azurite.log",
    "azurite.log.1",
    "azurite/__azurite_db_blob__.json",
    "azurite/__azurite_db_blob_extent__.json",
    "stacks/desk.json",
    "stacks/desk.lock",
    "stacks/desk.running",
)
COMMANDS = ("preview", "up", "refresh", "destroy")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a stack that is up, with Azurite stopped."""
    desk = Desk(Azurite(tmp_path_factory.mktemp("deployed"), free_port()))
    desk.run("up")
    desk.azurite.stop()
    for name in FILES:
        path = desk.azurite.state_dir / name
        if not path.exists():
            path.write_text("")
    return desk.azurite.state_dir


def damaged(deployed: Path, folder: Path, file: str, damage: str) -> Desk:
    if damage == "unreadable" and os.geteuid() == 0:
        pytest.skip("root reads everything")
    shutil.copytree(deployed, folder / "home")
    DAMAGE[damage](folder / "home" / file)
    return Desk(Azurite(folder / "home", free_port()))


def check(desk: Desk, file: str) -> None:
    """Each command ends well or in one sentence, `destroy` always ends well, and `up` after it."""
    try:
        for command in ("preview", "up", "refresh"):
            try:
                desk.run(command)
            except LocalAzureError as error:
                text = str(error)
                assert "\n" not in text
                assert Path(file).name in text or "azurite" in text, text
                assert "make down" in text or "make setup" in text, text
        desk.run("destroy")
        state = desk.state
        assert (state.resources, state.pending) == ([], {})
        assert desk.control_plane == {"groups": {}, "accounts": {}}
        desk.run("up")
        assert {c.name for c in desk.blobs().list_containers()} == {"one", "two"}
        desk.run("destroy")
    finally:
        desk.azurite.stop()


def moved_aside(state_dir: Path) -> dict[str, Path]:
    return {path.name: path for path in state_dir.glob("damaged-*/*")}


@pytest.mark.endurance
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("file", FILES)
def test_no_damage_to_a_file_stands_in_the_way(
    deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, damage: str
) -> None:
    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "0")
    desk = damaged(deployed, tmp_path, file, damage)
    check(desk, file)
    if damage == "folder" and file != "stacks/desk.running":
        mine = [path for path in desk.azurite.state_dir.rglob("mine") if path.read_text() == KEPT]
        assert mine, "what somebody put there is not lost"


@pytest.mark.parametrize(
    ("file", "damage"),
    [("cloud.json", "empty"), ("stacks/desk.json", "truncated"), ("secrets.key", "garbage")],
)
def test_a_damaged_file_does_not_stand_in_the_way(
    deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, damage: str
) -> None:
    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "0")
    desk = damaged(deployed, tmp_path, file, damage)
    check(desk, file)
    assert Path(file).name in moved_aside(desk.azurite.state_dir)


@pytest.mark.parametrize("file", ["azurite.json", "azurite.lost", "azurite.log", "azurite.log.1"])
def test_a_folder_in_place_of_a_file_of_azurites_is_named_before_azurite_starts(
    tmp_path: Path, file: str
) -> None:
    become_folder(tmp_path / file)
    azurite = Azurite(tmp_path, free_port())
    with pytest.raises(Damaged, match=rf"{file} is a folder .*make down"):
        azurite.start()
    assert not azurite.stop()
    assert (tmp_path / file / "mine").read_text() == KEPT
    assert file in repair(tmp_path)


def test_a_run_does_not_write_its_note_to_a_pipe_in_its_place(desk: Desk) -> None:
    note = desk.azurite.state_dir / "stacks" / "desk.running"
    note.parent.mkdir()
    os.mkfifo(note)
    # With nobody to read from the pipe, a run that opens it would wait without end.
    reader = os.open(note, os.O_RDONLY | os.O_NONBLOCK)
    try:
        desk.run("destroy")
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_a_state_whose_key_is_another_is_deleted_all_the_same(
    deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "0")
    shutil.copytree(deployed, tmp_path / "home")
    desk = Desk(Azurite(tmp_path / "home", free_port()))
    desk.settings["owner"] = "somebody"
    try:
        desk.run("up")
        (desk.azurite.state_dir / "secrets.key").write_bytes(Fernet.generate_key())
        with pytest.raises(Damaged, match=r"secrets\.key is not the key that .*make down"):
            desk.run("up")
        assert "6 deleted" in desk.run("destroy")
        assert desk.control_plane == {"groups": {}, "accounts": {}}
    finally:
        desk.azurite.stop()


def test_the_accounts_are_rebuilt_from_the_cloud_at_each_command(
    desk: Desk,
) -> None:
    desk.run("up")
    file = desk.azurite.state_dir / "accounts"
    right = file.read_text()
    damages = {"": "up", "garbage": "refresh", right[:20]: "up", None: "refresh"}
    for damage, command in damages.items():
        file.unlink() if damage is None else file.write_text(damage)
        desk.run(command)
        assert file.read_text() == right, (damage, command)
    file.write_text("garbage")
    desk.run("destroy")
    assert desk.control_plane == {"groups": {}, "accounts": {}}


def test_a_container_that_azurite_forgot_when_it_was_killed_is_made_again(desk: Desk) -> None:
    desk.run("up")
    azurite = desk.azurite
    before = azurite.last_loss()
    # As if its creation had not been written to disk. A clean stop writes its deletion.
    desk.blobs().delete_container("two")
    azurite.stop()
    azurite.start()
    pid = azurite.status().pid
    assert pid
    os.kill(pid, 9)
    while azurite.status().state == "running":
        pass
    assert " to create" in desk.run("preview")
    printed = desk.run("up")
    assert "the state was refreshed" in printed
    assert {c.name for c in desk.blobs().list_containers()} == {"one", "two"}
    assert azurite.last_loss() != before
    assert "was refreshed" not in desk.run("up")


def test_a_repair_leaves_alone_what_is_well(deployed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in deployed.rglob("*") if path.is_file()}
    assert repair(deployed) == ""
    assert {p: p.stat().st_mtime_ns for p in deployed.rglob("*") if p.is_file()} == before


def test_another_stacks_cloud_is_left_alone_when_one_state_is_damaged(
    deployed: Path, tmp_path: Path
) -> None:
    shutil.copytree(deployed, tmp_path / "home")
    home = tmp_path / "home"
    shutil.copyfile(home / "stacks" / "desk.json", home / "stacks" / "other.json")
    (home / "stacks" / "desk.json").write_text("{")
    assert "desk.json" in repair(home)
    assert [path.name for path in home.glob("damaged-*/*")] == ["desk.json"]
    assert len(ControlPlane(Azurite(home, 1)).load()["accounts"]) == 1
    assert State(home, "other").resources


def test_nothing_is_moved_from_under_a_run_at_work(deployed: Path, tmp_path: Path) -> None:
    shutil.copytree(deployed, tmp_path / "home")
    home = tmp_path / "home"
    (home / "cloud.json").write_text("{")
    with (
        locked(home / "stacks" / "desk.lock"),
        pytest.raises(LocalAzureError, match="'desk' is being worked on"),
    ):
        repair(home)
    assert (home / "cloud.json").read_text() == "{"


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["accounts"].update(x=1),
        lambda content: next(iter(content["accounts"].values())).pop("keys"),
        lambda content: next(iter(content["accounts"].values()))["keys"].pop("key2"),
        lambda content: next(iter(content["accounts"].values()))["properties"].pop("sku"),
        lambda content: content["groups"].update(x={}),
        lambda content: content.update(recorded={"x": {}}),
        lambda content: content.update(recorded=[]),
    ],
)
def test_a_cloud_that_lacks_a_part_is_said_to_be_damaged(
    deployed: Path, tmp_path: Path, change: Callable[[dict[str, object]], object]
) -> None:
    content = json.loads((deployed / "cloud.json").read_text())
    change(content)
    (tmp_path / "cloud.json").write_text(json.dumps(content))
    with pytest.raises(Damaged, match=r"cloud\.json is not what localazure wrote.*make down"):
        ControlPlane(Azurite(tmp_path, 1)).load()


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("seed"),
        lambda content: content.update(version=0),
        lambda content: content.update(unfinished=1),
        lambda content: content.update(pending=[]),
        lambda content: content["resources"].append({}),
        lambda content: content["resources"][1].update(urn="x"),
        lambda content: content["resources"][1].update(inputs=None),
        lambda content: content["resources"][1].update(dependencies=[1]),
        lambda content: content["resources"][1].update(unknown=1),
    ],
)
def test_a_state_that_lacks_a_part_is_said_to_be_damaged(
    deployed: Path, tmp_path: Path, change: Callable[[dict[str, object]], object]
) -> None:
    content = json.loads((deployed / "stacks" / "desk.json").read_text())
    change(content)
    (tmp_path / "stacks").mkdir()
    shutil.copyfile(deployed / "secrets.key", tmp_path / "secrets.key")
    (tmp_path / "stacks" / "desk.json").write_text(json.dumps(content))
    with pytest.raises(Damaged, match=r"desk\.json is not what localazure wrote.*make down"):
        State(tmp_path, "desk")


def test_a_state_of_a_newer_version_is_no_damage(deployed: Path, tmp_path: Path) -> None:
    shutil.copytree(deployed, tmp_path / "home")
    file = tmp_path / "home" / "stacks" / "desk.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": 2}))
    with pytest.raises(LocalAzureError, match="use the newer one that wrote it"):
        State(tmp_path / "home", "desk")


def test_a_state_that_was_removed_by_hand_is_told_with_the_way_out(desk: Desk) -> None:
    desk.run("up")
    account = desk.account
    assert unowned(desk.azurite.state_dir) == ""
    desk.state.file.unlink()
    way_out = (
        rf"In the local cloud, and in the state of no stack here: storage account {account}, "
        r"resource group Group\. .*: make down, then mv \S+ \S+\.old"
    )
    for _ in range(2):  # the second finds the state that the first began
        with pytest.raises(StepFailed, match=rf"ResourceExists.*{way_out}"):
            desk.run("up")
    assert re.search(way_out, desk.run("destroy"))
    assert set(desk.control_plane["accounts"][account]["containers"]) == {"one", "two"}, (
        "nothing is lost"
    )


def test_a_refusal_for_what_another_stack_has_names_no_way_out(desk: Desk) -> None:
    desk.run("up")
    desk.state.file.rename(desk.state.file.with_name("other.json"))
    with pytest.raises(StepFailed, match=r"ResourceExists") as refused:
        desk.run("up")
    assert "make down" not in str(refused.value)


def test_what_is_in_no_state_is_not_guessed_from_a_damaged_folder(
    deployed: Path, tmp_path: Path
) -> None:
    shutil.copytree(deployed, tmp_path / "home")
    (tmp_path / "home" / "stacks" / "desk.json").write_text("{")
    assert unowned(tmp_path / "home") == ""
