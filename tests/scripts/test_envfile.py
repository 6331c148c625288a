"""app/.env takes the stack's outputs and keeps what the user wrote."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import envfile
from scripts.console import Problem
from tests.scripts.conftest import ROOT

OUTPUTS = {"AZURE_ACCOUNT_NAME": "one", "AZURE_ACCOUNT_KEY": "a2V5+/=="}


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_outputs_come_sorted_and_the_defaults_after_them() -> None:
    text = envfile.merged("", OUTPUTS, {"DJANGO_SECRET_KEY": "s"})
    assert lines(text) == [
        "AZURE_ACCOUNT_KEY=a2V5+/==",
        "AZURE_ACCOUNT_NAME=one",
        "DJANGO_SECRET_KEY=s",
    ]


def test_the_users_lines_stay_in_their_order() -> None:
    old = "# mine\nEMAIL_HOST='mail here'\n\nDJANGO_SECRET_KEY=kept\nAZURE_CLIENT_ID=mine\n"
    text = envfile.merged(old, OUTPUTS, {"DJANGO_SECRET_KEY": "new"})
    assert text.endswith(old)
    assert "DJANGO_SECRET_KEY=new" not in text


@pytest.mark.parametrize(
    "old",
    [
        "AZURE_ACCOUNT_NAME=two",
        "export AZURE_ACCOUNT_NAME='two'",
        "  AZURE_ACCOUNT_NAME = two",
        "$AZURE_ACCOUNT_NAME = 'two'",
        "\ufeffAZURE_ACCOUNT_NAME=two",
        "\ufeff$AZURE_ACCOUNT_NAME = 'two'",
    ],
)
def test_an_older_output_is_replaced_however_it_was_written(old: str) -> None:
    assert "two" not in envfile.merged(f"{old}\nDEBUG=1\n", OUTPUTS, {})


def test_the_users_lines_in_powershells_form_stay_and_need_no_default() -> None:
    old = "$EMAIL_HOST = 'mail'\n$DJANGO_SECRET_KEY = 'kept'\n"
    text = envfile.merged(f"\ufeff{old}", OUTPUTS, {"DJANGO_SECRET_KEY": "new"})
    assert text.endswith(old)
    assert "\ufeff" not in text
    assert "DJANGO_SECRET_KEY=new" not in text


def test_an_output_that_the_stack_no_longer_has_goes() -> None:
    before = envfile.merged("MINE=1\n", OUTPUTS, {})
    after = envfile.merged(before, {"AZURE_ACCOUNT_NAME": "one"}, {})
    assert lines(after) == ["AZURE_ACCOUNT_NAME=one", "MINE=1"]


def test_merging_twice_changes_nothing() -> None:
    once = envfile.merged("# mine\n\nMINE=1\n", OUTPUTS, {"DJANGO_SECRET_KEY": "s"})
    assert envfile.merged(once, OUTPUTS, {"DJANGO_SECRET_KEY": "t"}) == once


def test_a_value_with_a_space_or_quote_is_quoted_for_the_site() -> None:
    assert r"X='it\'s one'" in envfile.merged("", {"X": "it's one"}, {})
    assert "X='two words'" in envfile.merged("", {"X": "two words"}, {})


def test_the_file_is_its_owners_alone_and_left_as_it_is_when_nothing_changed(
    tmp_path: Path,
) -> None:
    file = tmp_path / ".env"
    file.write_text("MINE=1\n")
    file.chmod(0o644)
    assert envfile.write(file, OUTPUTS, {"DJANGO_SECRET_KEY": "s"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    before = file.stat().st_mtime_ns
    assert not envfile.write(file, OUTPUTS, {"DJANGO_SECRET_KEY": "other"})
    assert file.stat().st_mtime_ns == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [".env"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("")
    (tmp_path / ".env").symlink_to(tmp_path / "real")
    envfile.write(tmp_path / ".env", OUTPUTS, {})
    assert (tmp_path / ".env").is_symlink()
    assert "AZURE_ACCOUNT_NAME=one" in (tmp_path / "real").read_text()


def test_only_a_site_on_this_machine_gets_debug() -> None:
    assert "DJANGO_DEBUG" in envfile.local_defaults(local=True)
    assert "DJANGO_DEBUG" not in envfile.local_defaults(local=False)
    assert len(envfile.local_defaults(local=False)["DJANGO_SECRET_KEY"]) >= 50


@pytest.mark.parametrize("moment", ["os.fsync", "pathlib.Path.replace"])
def test_a_run_that_is_killed_while_it_writes_leaves_the_old_file_whole(
    tmp_path: Path, moment: str
) -> None:
    file = tmp_path / ".env"
    file.write_text("DJANGO_SECRET_KEY=kept\nMINE=1\n")
    code = (
        "import os, pathlib, signal, sys\n"
        "from scripts import envfile\n"
        f"{moment} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "envfile.write(pathlib.Path(sys.argv[1]), {'A': 'a' * 100_000}, {})\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(file)], cwd=ROOT, check=False)
    assert killed.returncode == -9, "the write goes through that moment"
    assert file.read_text() == "DJANGO_SECRET_KEY=kept\nMINE=1\n"
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    envfile.write(file, OUTPUTS, {})
    assert [path.name for path in tmp_path.iterdir()] == [".env"], "its half is swept up"
    assert "MINE=1" in file.read_text()


def test_a_reader_sees_the_old_file_or_the_new_and_never_a_part(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    envfile.write(file, {"A": "a"}, {})
    with file.open() as old:
        before = file.read_text()
        envfile.write(file, {"A": "b" * 100_000}, {})
        assert old.read() == before, "it is another file, and not the same one overwritten"


def test_what_is_no_text_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    for path in list(tmp_path.iterdir()):
        with pytest.raises(Problem, match=rf"{path.name} .*: move it away \(mv "):
            envfile.write(path, OUTPUTS, {})
    assert (tmp_path / "binary").read_bytes() == b"\xff\xfe\x00"


def test_an_empty_file_is_filled(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("")
    assert envfile.write(tmp_path / ".env", OUTPUTS, {})
    assert "AZURE_ACCOUNT_NAME=one" in (tmp_path / ".env").read_text()
