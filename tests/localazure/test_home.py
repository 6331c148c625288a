"""Files of the state folder are private, and are replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localazure.home import home_dir, locked, write_json, write_private


def test_the_folder_and_its_files_are_for_their_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALAZURE_HOME", str(tmp_path / "deep" / "home"))
    home = home_dir()
    write_private(home / "sub" / "key", "secret")
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "sub").stat().st_mode & 0o777 == 0o700
    assert (home / "sub" / "key").stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_text_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "state.json"
    write_json(target, {"old": True})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(target, {"new": True})
    assert target.read_text() == '{\n  "old": true\n}\n'
    assert list(tmp_path.iterdir()) == [target]


def test_a_lock_that_is_held_is_not_waited_for_when_told_so(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with locked(path) as first, locked(path, wait=False) as second:
        assert (first, second) == (True, False)
    with locked(path, wait=False) as third:
        assert third
